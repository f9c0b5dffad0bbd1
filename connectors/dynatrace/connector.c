/* Dynatrace: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_dynatrace = {
    .type = STR("Dynatrace"),
    .key = STR("Dynatrace"),
};
