/* Googleanalytics: known by its shapes; verifying is not built yet. */
#include "connector/connector.h"

const struct connector connector_googleanalytics = {
    .type = STR("Googleanalytics"),
    .key = STR("GoogleAnalytics"),
};
