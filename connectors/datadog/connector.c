/* Datadog: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_datadog = {
    .type = STR("Datadog"),
    .key = STR("Datadog"),
};
