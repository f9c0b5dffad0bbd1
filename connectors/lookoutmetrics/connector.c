/* Amazon Lookout for Metrics: detectors that scheduled flows write to, every 5 or 10 minutes, every
 * hour or every day (User Guide, "Amazon Lookout for Metrics"). It has no connector profiles. */
#include "connectors/catalogue_sets.h"

static const int periods_minutes[] = {5, 10, 60, 24 * 60};

static const struct catalogue_entry catalogue = {
    .name = "Amazon Lookout for Metrics",
    .triggers = TRIGGER_SCHEDULED,
    .frequencies = FREQUENCY_BY_MINUTE | FREQUENCY_HOURLY | FREQUENCY_DAILY,
    .flows = {.needs_kms_key = true, .periods_minutes = LIST(periods_minutes)},
};

const struct connector connector_lookoutmetrics = {
    .type = STR("LookoutMetrics"),
    .key = STR("LookoutMetrics"),
    .roles = ROLE_DESTINATION,
    .without_profiles = true,
    .catalogue = &catalogue,
};
