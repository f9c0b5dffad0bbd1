/* Rows of metrics whose only label is the connector. */
#include "flow/run_metrics.h"

#include "connector/connector.h"

static struct str type_name(size_t value)
{
    return value < connector_count() ? connector_at(value)->type : STR_NULL;
}

#define BY_CONNECTOR                                                                               \
    .labels = {{"connector", CONNECTOR_TYPES_MAX, .name_of = type_name}},                          \
    METRIC_SERIES(CONNECTOR_TYPES_MAX)

const struct metric metric_vendor_limits = {
    "headgate_vendor_limits_total",
    "Waits that vendors asked for, each for all runs of the vendor's customer, by connector.",
    BY_CONNECTOR,
};
