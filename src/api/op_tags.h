/* The operations on tags, one function each. */
#pragma once

#include "api/request.h"

bool tag_resource(struct api_request *request);
bool untag_resource(struct api_request *request);
bool list_tags_for_resource(struct api_request *request);
