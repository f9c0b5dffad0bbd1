/* Resources that can be tagged: registered connectors and flows (Service Authorization Reference,
 * "Amazon AppFlow"; connector profiles have no tags). */
#pragma once

#include "api/request.h"
#include "store/tags.h"

/* The resource that an ARN names, arn:aws:appflow:REGION:ACCOUNT:KIND/NAME; points into `arn`.
 * ERR_VALIDATION for what is no such ARN or is of a kind that has no tags. ERR_NOT_FOUND for
 * another account or region: whether it exists there is not said. */
_must_use_ bool tagged_resource_read(const struct api_request *request, struct str arn,
                                     struct tagged *ret_tagged, struct error *error);

/* The resource that the request is about, by its ARN or by its name. False: none that has tags. */
bool tagged_resource_of(const struct api_request *request, struct tagged *ret_tagged);

/* ERR_NOT_FOUND when it does not exist. */
_must_use_ bool tagged_resource_check(struct store_reader *reader, struct arena *arena,
                                      const struct tagged *tagged, struct error *error);
/* The same inside a write, until whose commit the resource is not deleted. */
_must_use_ bool tagged_resource_hold(struct db *db, const struct tagged *tagged,
                                     struct error *error);
