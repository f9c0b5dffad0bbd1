/* Slack: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_slack = {
    .type = STR("Slack"),
    .key = STR("Slack"),
};
