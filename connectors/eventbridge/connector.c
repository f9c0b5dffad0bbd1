/* Amazon EventBridge: a partner event bus that flows with an event trigger write to. It has no
 * connector profiles. */
#include "connectors/catalogue_sets.h"

static const struct catalogue_entry catalogue = {
    .name = "Amazon EventBridge",
    .triggers = TRIGGER_EVENT,
};

const struct connector connector_eventbridge = {
    .type = STR("EventBridge"),
    .key = STR("EventBridge"),
    .roles = ROLE_DESTINATION,
    .without_profiles = true,
    .catalogue = &catalogue,
};
