/* The gate (connector/connection.h) of a run: a vendor's quota is that of its customer, so the runs
 * of a node that call the same vendor with the same customer's credentials wait for the same
 * (work/call_quota.h, vendor_customer.h). */
#pragma once

#include "connector/connection.h"
#include "flow/engine_run.h"
#include "store/profile_key.h"
#include "work/call_quota.h"

#include <stdatomic.h>

enum {
    VENDOR_HOLD_MS = 3 * 1000, /* a wait this long is not waited out over an open connection */
    VENDOR_LINE_MS = 5 * 1000, /* between looks whether it is the run's turn, without a thread */
};

struct flow_vendor_gate {
    struct vendor_gate gate; /* for the connection */
    struct flow_engine_run *run;
    const struct profile_key *profile;
    const struct connector *connector; /* of the connection at hand */
    struct call_quota_place *place;    /* outlives the run's tries */
    struct str host;                   /* that was called last; lives as long as the connection */
    bool has_held;                     /* the call that was to be made last */
    bool is_in_line;                   /* it waits for other calls alone */
    bool is_lent;                      /* to a side thread: the run is not to be asked */
    atomic_bool is_over;               /* …whose wait is to end, */
    atomic_bool is_unwanted;           /* …and its call as well */
    int64_t passed_ms;                 /* since that call was refused, if it was made ahead */
    int64_t waited_ms;                 /* on the thread, before the calls since the last reset */
};

void flow_vendor_gate_init(struct flow_vendor_gate *self, struct flow_engine_run *run,
                           const struct profile_key *profile, struct call_quota_place *place);
/* Before a call that may fail: what it was held back by is of it alone. */
void flow_vendor_gate_reset(struct flow_vendor_gate *self);
/* Before a wait that is the run's own: its turn goes to others as soon as there is one. */
void flow_vendor_gate_away(struct flow_vendor_gate *self, int64_t pause_ms);
/* After a call that was refused, when the run asks again only once it has done something else: its
 * turn goes to others as soon as there is one. */
void flow_vendor_gate_step_aside(struct flow_vendor_gate *self);
/* Leaves the line, unless the run pauses and comes back. Also of a zeroed one. */
void flow_vendor_gate_done(struct flow_vendor_gate *self);
