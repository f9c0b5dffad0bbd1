/* Files that are compiled into the binary; tools/embed.py writes them as C. */
#pragma once

#include "base/str.h"

struct embedded_file {
    struct str name;
    struct str content;
};
