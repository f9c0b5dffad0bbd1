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

const struct metric metric_source_pages = {
    "headgate_source_pages_total",
    "Pages of records that runs read from vendors, by connector.",
    BY_CONNECTOR,
};

const struct metric metric_source_bytes = {
    "headgate_source_bytes_total",
    "Bytes of the pages that runs read from vendors, decompressed, by connector.",
    BY_CONNECTOR,
};

const struct metric metric_source_records = {
    "headgate_source_records_total",
    "Records in the pages that runs read from vendors, by connector.",
    BY_CONNECTOR,
};

const struct metric metric_vendor_waits = {
    "headgate_vendor_waits_total",
    "Waits of runs before a call is made again, or for the limit of a vendor, by connector.",
    BY_CONNECTOR,
};

const struct metric metric_vendor_limits = {
    "headgate_vendor_limits_total",
    "Waits that vendors asked for, each for all runs of the vendor's customer, by connector.",
    BY_CONNECTOR,
};
