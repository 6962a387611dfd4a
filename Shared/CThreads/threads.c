// For builds with ThreadSanitizer, empty in all others: what it has to be told about threads and locks that it does not know by itself.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <time.h>

// 1. Threads and locks of C11, which Debian's librdkafka uses: it knows those of POSIX only, and a thread that it has not seen begin ends
// the process. In glibc a `mtx_t` has the room of a pthread_mutex_t, a `cnd_t` that of a pthread_cond_t, and a `thrd_t` is a pthread_t.
// These definitions come before those of the C library for all libraries of the process.
_Static_assert(sizeof(pthread_mutex_t) <= sizeof(mtx_t), "a mtx_t has no room for a pthread_mutex_t");
_Static_assert(sizeof(pthread_cond_t) <= sizeof(cnd_t), "a cnd_t has no room for a pthread_cond_t");
_Static_assert(sizeof(pthread_t) == sizeof(thrd_t), "a thrd_t is no pthread_t");

static int outcome(int error) {
  switch (error) {
    case 0: return thrd_success;
    case ENOMEM: return thrd_nomem;
    case ETIMEDOUT: return thrd_timedout;
    case EBUSY: return thrd_busy;
    default: return thrd_error;
  }
}

typedef struct {
  thrd_start_t body;
  void *argument;
} start_t;

static void *run(void *raw) {
  start_t start = *(start_t *)raw;
  free(raw);
  return (void *)(intptr_t)start.body(start.argument);
}

int thrd_create(thrd_t *thread, thrd_start_t body, void *argument) {
  start_t *start = malloc(sizeof *start);
  if (!start) return thrd_nomem;
  *start = (start_t){body, argument};
  int error = pthread_create((pthread_t *)thread, NULL, run, start);
  if (error) free(start);
  return error == EAGAIN ? thrd_nomem : outcome(error);
}

int thrd_join(thrd_t thread, int *result) {
  void *value = NULL;
  int error = pthread_join((pthread_t)thread, &value);
  if (!error && result) *result = (int)(intptr_t)value;
  return outcome(error);
}

int thrd_detach(thrd_t thread) { return outcome(pthread_detach((pthread_t)thread)); }

int mtx_init(mtx_t *mutex, int kind) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_settype(&attributes, kind & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
  int error = pthread_mutex_init((pthread_mutex_t *)mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  return outcome(error);
}

int mtx_lock(mtx_t *mutex) { return outcome(pthread_mutex_lock((pthread_mutex_t *)mutex)); }
int mtx_trylock(mtx_t *mutex) { return outcome(pthread_mutex_trylock((pthread_mutex_t *)mutex)); }
int mtx_timedlock(mtx_t *restrict mutex, const struct timespec *restrict until) {
  return outcome(pthread_mutex_timedlock((pthread_mutex_t *)mutex, until));
}
int mtx_unlock(mtx_t *mutex) { return outcome(pthread_mutex_unlock((pthread_mutex_t *)mutex)); }
void mtx_destroy(mtx_t *mutex) { pthread_mutex_destroy((pthread_mutex_t *)mutex); }

int cnd_init(cnd_t *condition) { return outcome(pthread_cond_init((pthread_cond_t *)condition, NULL)); }
int cnd_signal(cnd_t *condition) { return outcome(pthread_cond_signal((pthread_cond_t *)condition)); }
int cnd_broadcast(cnd_t *condition) { return outcome(pthread_cond_broadcast((pthread_cond_t *)condition)); }
int cnd_wait(cnd_t *condition, mtx_t *mutex) {
  return outcome(pthread_cond_wait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex));
}
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
  return outcome(pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until));
}
void cnd_destroy(cnd_t *condition) { pthread_cond_destroy((pthread_cond_t *)condition); }

// 2. Swift's `Synchronization.Mutex`. Without contention it is an exchange of an atomic word, which the sanitizer sees; with contention the
// kernel hands the word from one thread to the next (futex with priority inheritance), which it does not see. These two functions stand in
// front of the library's own, say what the kernel does, and call them: the lock under test is the real one.
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

void __tsan_acquire(void *address);
void __tsan_release(void *address);

__attribute__((swiftcall)) void clientele_lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) __asm__(LOCK);
__attribute__((swiftcall)) void clientele_unlock_slow(__attribute__((swift_context)) void *handle) __asm__(UNLOCK);
typedef __attribute__((swiftcall)) void (*lock_t)(uint32_t, __attribute__((swift_context)) void *);
typedef __attribute__((swiftcall)) void (*unlock_t)(__attribute__((swift_context)) void *);

static lock_t library_lock;
static unlock_t library_unlock;

__attribute__((constructor)) static void find(void) {
  library_lock = (lock_t)dlsym(RTLD_NEXT, LOCK);
  library_unlock = (unlock_t)dlsym(RTLD_NEXT, UNLOCK);
  if (!library_lock || !library_unlock) {
    fputs("threads.c: this toolchain's Mutex has other functions: see `nm -D libswiftSynchronization.so`\n", stderr);
    abort();
  }
}

__attribute__((swiftcall)) void clientele_lock_slow(uint32_t thread, __attribute__((swift_context)) void *handle) {
  library_lock(thread, handle);
  __tsan_acquire(handle);
}

__attribute__((swiftcall)) void clientele_unlock_slow(__attribute__((swift_context)) void *handle) {
  __tsan_release(handle);
  library_unlock(handle);
}
#endif
#endif
