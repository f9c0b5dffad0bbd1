/* Pardot: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_pardot = {
    .type = STR("Pardot"),
    .key = STR("Pardot"),
};
