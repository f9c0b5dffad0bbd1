/* GetCallerIdentity, the one operation of AWS's Security Token Service that clients of other
 * services call: Terraform and the CLI learn from it which account an access key belongs to. */
#pragma once

#include "api/request.h"

extern const struct operation sts_get_caller_identity_operation;

/* The query protocol: the operation is the parameter Action, of the body or, in a GET, of the
 * query. Fails request->error. */
bool sts_find(struct api_request *request);
