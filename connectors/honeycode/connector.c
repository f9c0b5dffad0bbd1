/* Honeycode: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_honeycode = {
    .type = STR("Honeycode"),
    .key = STR("Honeycode"),
};
