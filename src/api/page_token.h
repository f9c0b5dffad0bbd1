/* Opaque tokens for the next page: where the last page ended, with a keyed hash over that and over
 * everything the page was asked for, so that a token cannot be made up, altered, or used elsewhere.
 */
#pragma once

#include "api/request.h"

/* input.maxResults, or the API's default. */
size_t page_size(const struct api_request *request);

/* `position` is the last name shown. */
struct str page_token_make(struct api_request *request, struct str position);

/* The position in input.nextToken; STR_NULL without one. ERR_VALIDATION for any other token than
 * one that was made for this account, region, operation and these filters. */
bool page_token_read(struct api_request *request, struct str *ret_position);
