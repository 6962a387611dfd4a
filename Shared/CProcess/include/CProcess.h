// Starts a helper process that cannot outlive the one that started it, and leaks no descriptor into it.
#pragma once
#include <sys/types.h>

/// Starts `path` with `arguments` and `environment` (both ended by NULL), in a process group of its own.
///
/// The child gets SIGKILL when the *thread* that called this ends (Linux ties the parent-death signal to the thread),
/// so call it from a thread that lives as long as the child should. With `tied` 0 the child outlives its parent.
/// `standard_output` and `standard_error` are descriptors to use as such, or -1 for /dev/null;
/// `standard_input` likewise. All other descriptors are closed in the child.
/// Returns the child's process id, or -1 with errno set; a failed exec ends the child with status 127.
pid_t cprocess_start(const char *path, char *const arguments[], char *const environment[],
                     const char *directory, int standard_input, int standard_output, int standard_error, int tied);

/// Waits for the child. Returns 0 while it runs (only with `block` 0), its id once it ended, -1 on error;
/// `status` is the exit code, or 128 + the signal that ended it.
pid_t cprocess_wait(pid_t child, int block, int *status);
