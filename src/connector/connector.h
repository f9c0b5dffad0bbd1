/* What a connector is: data that drives the engine. */
#pragma once

#include "base/str.h"

struct connector {
    struct str type; /* the API's ConnectorType, "Servicenow" */
    struct str key;  /* its member in the configuration's unions, "ServiceNow" */
};

/* NULL when there is none. Connectors may be added at run time later: ask each time. */
const struct connector *connector_by_type(struct str type);
const struct connector *connector_by_key(struct str key);
size_t connector_count(void);
const struct connector *connector_at(size_t index); /* in order of type */
