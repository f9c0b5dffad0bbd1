/* The gate (connector/connection.h) of a run: a vendor's quota is that of its customer, so the runs
 * of a node that call the same vendor with the same customer's credentials wait for the same
 * (work/call_quota.h). A customer is known by AWS account, connector and called host; by the
 * connector profile as well, unless the connector says that each host is one customer's. */
#pragma once

#include "connector/connection.h"
#include "flow/engine_run.h"
#include "store/profile_key.h"
#include "work/call_quota.h"

enum {
    VENDOR_HOLD_MS = 10 * 1000, /* a longer wait is not waited out over an open connection */
};

struct flow_vendor_gate {
    struct vendor_gate gate; /* for the connection */
    struct flow_engine_run *run;
    const struct profile_key *profile;
    const struct connector *connector; /* of the connection at hand */
    struct call_quota_place place;
    struct str host; /* that was called last; lives as long as the connection */
    bool has_held;   /* the call that was to be made last */
};

void flow_vendor_gate_init(struct flow_vendor_gate *self, struct flow_engine_run *run,
                           const struct profile_key *profile);
/* Leaves the line. Also of a zeroed one. */
void flow_vendor_gate_done(struct flow_vendor_gate *self);
