// How a service takes memory from the kernel and gives it back: settings of glibc's malloc, which Swift's overlay of the C library does not have.
#pragma once

/// Memory for blocks of at least `bytes` comes from the kernel and goes back to it at once, and threads share at most `heaps` heaps.
///
/// Left alone, glibc keeps what was once needed for large blocks, in a heap of its own for each of the first threads. What the environment says
/// (MALLOC_ARENA_MAX, MALLOC_MMAP_THRESHOLD_, GLIBC_TUNABLES) comes first. To be called before there are threads.
void cmemory_settle(int heaps, int bytes);
