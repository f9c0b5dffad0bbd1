/* Everything that a definition must keep to beyond the model's constraints. */
#pragma once

#include "flow/definition.h"
#include "flow/replacement.h"
#include "profile/context.h"

struct flow_check {
    const struct profile_context *context;
    struct arena *arena;
    struct str account;
    struct str region;
    struct str kms_arn;                 /* that the flow has; STR_NULL: none */
    const struct flow_current *current; /* that the definition replaces; NULL: none */
    bool sub_minute_schedules;          /* are accepted */
};

/* ERR_VALIDATION names every fault and what would be right; ERR_NOT_FOUND when the only one is a
 * connector profile that the account does not have. No vendor is asked: whether buckets, objects
 * and fields exist shows when the flow runs. Sets what definition->source and destination get from
 * registered connectors. Waits for the store; never on an event loop. */
_must_use_ bool flow_check(const struct flow_check *check, struct flow_definition *definition,
                           struct error *error);
