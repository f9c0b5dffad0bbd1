/* Entities: what flows can read from and write to with a profile. */
#pragma once

#include "api/request.h"

bool list_connector_entities(struct api_request *request);
bool describe_connector_entity(struct api_request *request);
bool reset_connector_metadata_cache(struct api_request *request);
