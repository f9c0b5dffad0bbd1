/* Redshift: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_redshift = {
    .type = STR("Redshift"),
    .key = STR("Redshift"),
};
