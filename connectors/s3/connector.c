/* Amazon S3: files in buckets, as source and as destination. A flow reads and writes them with the
 * rights of the account that it belongs to, so there are no connector profiles. */
#include "connectors/catalogue_sets.h"
#include "connectors/s3/entities.h"

static const struct catalogue_entry catalogue = {
    .name = "Amazon S3",
    .triggers = TRIGGERS_POLLED,
    .frequencies = FREQUENCIES_FROM_MINUTE,
    .destinations = TEXT_LIST(DESTINATIONS_COMMON, "SAPOData"),
    .flows = {.has_object_times = true, .writes_objects = true},
};

static const struct connector_ops ops = {
    .list_entities = s3_list_entities,
    .describe_entity = s3_describe_entity,
};

const struct connector connector_s3 = {
    .type = STR("S3"),
    .key = STR("S3"),
    .roles = ROLE_SOURCE | ROLE_DESTINATION,
    .without_profiles = true,
    .catalogue = &catalogue,
    .ops = &ops,
};
