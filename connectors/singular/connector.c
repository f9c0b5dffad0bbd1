/* Singular: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_singular = {
    .type = STR("Singular"),
    .key = STR("Singular"),
    .modes = MODE_PRIVATE,
};
