// Files of the repository that travel inside the executables: migrations, scorecards, policies, mappings.
#pragma once
#include <stddef.h>

/// One file: its path in the repository and its bytes.
struct cresource {
  const char *_Nonnull path;
  const unsigned char *_Nonnull bytes;
  size_t count;
};

/// The number of files.
size_t cresource_count(void);

/// The file at an index below the count.
struct cresource cresource_at(size_t index);
