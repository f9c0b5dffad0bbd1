/* Snowflake: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_snowflake = {
    .type = STR("Snowflake"),
    .key = STR("Snowflake"),
    .modes = MODE_PRIVATE,
    .private_service = "privateLinkServiceName",
};
