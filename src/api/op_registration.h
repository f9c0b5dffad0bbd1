/* Registering connectors: a label for a function that speaks the connector contract. Registering
 * and updating call the function (DescribeConnectorConfiguration), and store what it says of
 * itself. */
#pragma once

#include "api/request.h"

bool register_connector(struct api_request *request);
bool update_connector_registration(struct api_request *request);
bool unregister_connector(struct api_request *request);
