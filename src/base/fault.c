/* Only in builds with -Dfaults=true. */
#include "base/fault.h"

#ifdef HEADGATE_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void fault_point(const char *name)
{
    const char *wanted = getenv("HEADGATE_FAULT");
    if (wanted && strcmp(wanted, name) == 0)
        raise(SIGKILL);
}
#else
typedef int fault_file_is_not_empty;
#endif
