/* Infornexus: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_infornexus = {
    .type = STR("Infornexus"),
    .key = STR("InforNexus"),
};
