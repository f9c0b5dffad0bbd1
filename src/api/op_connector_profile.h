/* The operations on connector profiles, one function each. */
#pragma once

#include "api/request.h"

bool create_connector_profile(struct api_request *request);
bool update_connector_profile(struct api_request *request);
bool delete_connector_profile(struct api_request *request);
bool describe_connector_profiles(struct api_request *request);
