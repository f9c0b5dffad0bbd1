/* SAPOData: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_sapodata = {
    .type = STR("SAPOData"),
    .key = STR("SAPOData"),
    .modes = MODE_PRIVATE,
    .private_service = "privateLinkServiceName",
};
