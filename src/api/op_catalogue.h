/* The operations that describe connectors. DescribeConnectors and DescribeConnector return what is
 * compiled in (connector/catalogue.h); ListConnectors returns the account's registered connectors
 * alone, as the real service does. */
#pragma once

#include "api/request.h"

bool describe_connector(struct api_request *request);
bool describe_connectors(struct api_request *request);
bool list_connectors(struct api_request *request);
