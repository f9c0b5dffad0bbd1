/* Names for temporary files. They are in $TMPDIR, which the runner removes, or else in /tmp; each
 * test removes its own all the same. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

enum { TEMPORARY_SIZE = 256 };

/* A template for mkstemp or mkdtemp. */
static inline char *temporary_template(char out[TEMPORARY_SIZE], const char *name)
{
    const char *directory = getenv("TMPDIR");
    snprintf(out, TEMPORARY_SIZE, "%s/headgate-%s-XXXXXX",
             directory && *directory ? directory : "/tmp", name);
    return out;
}
