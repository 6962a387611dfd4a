#define _GNU_SOURCE
#include "include/CProcess.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int give(int descriptor, int as, int flags) {
  int source = descriptor >= 0 ? descriptor : open("/dev/null", flags);
  if (source < 0) return -1;
  return dup2(source, as);
}

pid_t cprocess_start(const char *path, char *const arguments[], char *const environment[],
                     const char *directory, int standard_input, int standard_output, int standard_error, int tied) {
  pid_t parent = getpid();
  pid_t child = fork();
  if (child != 0) return child;
  // In the child: only async-signal-safe calls from here on.
  if (tied) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) _exit(126);
    if (getppid() != parent) _exit(126);  // the parent was gone before the signal was set
  }
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int number = 1; number < 32; number++)
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  if (directory != NULL && chdir(directory) != 0) _exit(126);
  if (give(standard_input, 0, O_RDONLY) < 0 || give(standard_output, 1, O_WRONLY) < 0 || give(standard_error, 2, O_WRONLY) < 0) _exit(126);
  syscall(SYS_close_range, 3U, ~0U, 0U);
  execve(path, arguments, environment);
  _exit(127);
}

pid_t cprocess_wait(pid_t child, int block, int *status) {
  int raw = 0;
  pid_t ended;
  do { ended = waitpid(child, &raw, block ? 0 : WNOHANG); } while (ended < 0 && errno == EINTR);
  if (ended > 0) *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
  return ended;
}
