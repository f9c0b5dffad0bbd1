/* Veeva: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_veeva = {
    .type = STR("Veeva"),
    .key = STR("Veeva"),
};
