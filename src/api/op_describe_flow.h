/* Describing and listing flows, one function each. */
#pragma once

#include "api/request.h"

bool describe_flow(struct api_request *request);
bool list_flows(struct api_request *request);
