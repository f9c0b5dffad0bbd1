/* Files that are compiled into the binary; tools/embed.py writes them as C. */
#pragma once

#include "base/str.h"

struct embedded_file {
    struct str name;
    struct str content;
};

/* One for each connector that has a sandbox.json, and those of sandbox/. */
extern const struct embedded_file sandbox_files[];
extern const size_t sandbox_files_count;
