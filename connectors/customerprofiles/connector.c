/* Amazon Connect Customer Profiles: a domain that flows write objects to. It has no connector
 * profiles. */
#include "connectors/catalogue_sets.h"

static const struct catalogue_entry catalogue = {
    .name = "Customer Profiles",
};

const struct connector connector_customerprofiles = {
    .type = STR("CustomerProfiles"),
    .key = STR("CustomerProfiles"),
    .roles = ROLE_DESTINATION,
    .without_profiles = true,
    .catalogue = &catalogue,
};
