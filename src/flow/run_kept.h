/* What the tries of a run on this node hand on to each other, so that one which gives its thread
 * back while a vendor is not to be called loses nothing by it. Another node begins anew. */
#pragma once

#include "base/arena.h"
#include "work/call_quota.h"

#include <stdbool.h>
#include <stdint.h>

struct vendor_description;

/* Of the vendor at one end of the flow: its quota's line, and the call that it has not taken yet.
 */
struct flow_vendor_kept {
    struct call_quota_place place;
    int64_t began_ms; /* on clock_mono_ms(): the call's first try; 0: there is no such call */
    int64_t pause_ms; /* before its next one, unless the vendor says how long */
    int64_t due_ms;   /* likewise: when the run that left is to be back; 0: it did not leave */
    bool shows_line;  /* the run's record says that it waits for its turn here, until it has it */
};

/* Zeroed at first. One thread at a time uses it. */
struct flow_run_kept {
    struct flow_vendor_kept source, destination;
    /* Of the source's fields: asked for once. NULL: not yet. In `memory`, which counts as the
     * run's. */
    const struct vendor_description *description;
    struct arena memory;
};
