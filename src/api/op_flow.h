/* Creating, updating and deleting the definitions of flows, one function each. */
#pragma once

#include "api/request.h"

bool create_flow(struct api_request *request);
bool update_flow(struct api_request *request);
bool delete_flow(struct api_request *request);
