/* What the checks of one definition share. */
#pragma once

#include "flow/definition.h"
#include "flow/faults.h"
#include "flow/written_fields.h"
#include "profile/context.h"

struct flow_checking {
    const struct profile_context *context;
    struct arena *arena;
    struct str account;
    struct str region;
    struct flow_definition *definition;
    bool sub_minute_schedules;     /* are accepted */
    struct written_fields written; /* by the definition's tasks */
    struct flow_faults faults;
    struct str missing_profiles[2]; /* that the ends name and the account does not have */
    size_t missing_count;
    struct error *error; /* of what could not be looked up */
};
