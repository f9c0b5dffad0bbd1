/* Trendmicro: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_trendmicro = {
    .type = STR("Trendmicro"),
    .key = STR("Trendmicro"),
    .modes = MODE_PRIVATE,
};
