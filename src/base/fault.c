/* Ends the process at the place that the environment names. Only in builds with -Dfaults=true. */
#include "base/fault.h"

#ifdef HEADGATE_FAULTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The time at which to kill: 3 for "NAME#3", 1 for "NAME". */
static long wanted_time(const char *after_name)
{
    return *after_name == '#' ? strtol(after_name + 1, NULL, 10) : 1;
}

void fault_point(const char *name)
{
    static atomic_long times;
    const char *wanted = getenv("HEADGATE_FAULT");
    size_t len = strlen(name);
    if (!wanted || strncmp(wanted, name, len) != 0 || (wanted[len] != '\0' && wanted[len] != '#'))
        return;
    if (atomic_fetch_add(&times, 1) + 1 == wanted_time(wanted + len))
        raise(SIGKILL);
}
#else
typedef int fault_file_is_not_empty;
#endif
