/* Marketo: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_marketo = {
    .type = STR("Marketo"),
    .key = STR("Marketo"),
};
