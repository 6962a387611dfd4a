#include "include/CMemory.h"
#include <malloc.h>
#include <stdlib.h>

void cmemory_settle(int heaps, int bytes) {
  if (getenv("GLIBC_TUNABLES")) return;
  if (!getenv("MALLOC_ARENA_MAX")) mallopt(M_ARENA_MAX, heaps);
  if (!getenv("MALLOC_MMAP_THRESHOLD_")) mallopt(M_MMAP_THRESHOLD, bytes);
}
