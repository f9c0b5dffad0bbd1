/* Attributes: scope-bound release of things that are not memory (locks, descriptors, statements,
 * secrets), checked formats, results that must be looked at. */
#pragma once

#include <stdbool.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
/* Before each prototype that returns false on failure; tools/tidy.py holds that. */
#define _must_use_ __attribute__((warn_unused_result))

/* Around a call whose failure needs no handling; a comment there says why. */
static inline void ignore_failure(bool done)
{
    (void)done;
}
