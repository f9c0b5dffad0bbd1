/* The operations on connector profiles, one function each. */
#pragma once

#include "service/call.h"

bool create_connector_profile(struct call *call);
bool update_connector_profile(struct call *call);
bool delete_connector_profile(struct call *call);
bool describe_connector_profiles(struct call *call);
