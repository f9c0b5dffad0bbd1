/* Upsolver: flows write to a bucket that it made, whose name begins with "upsolver-appflow". It has
 * no connector profiles. */
#include "connectors/catalogue_sets.h"

static const struct catalogue_entry catalogue = {
    .name = "Upsolver",
    .flows = {.writes_objects = true},
};

const struct connector connector_upsolver = {
    .type = STR("Upsolver"),
    .key = STR("Upsolver"),
    .roles = ROLE_DESTINATION,
    .without_profiles = true,
    .catalogue = &catalogue,
};
