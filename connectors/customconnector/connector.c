/* CustomConnector: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_customconnector = {
    .type = STR("CustomConnector"),
    .key = STR("CustomConnector"),
};
