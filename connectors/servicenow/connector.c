/* Servicenow: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_servicenow = {
    .type = STR("Servicenow"),
    .key = STR("ServiceNow"),
};
