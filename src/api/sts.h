/* AWS's Security Token Service, as far as clients of other services call it: GetCallerIdentity, by
 * which Terraform and the CLI learn which account an access key belongs to, and AssumeRole and
 * GetSessionToken, by which SDKs obtain temporary credentials (session_token.h) of this server. */
#pragma once

#include "api/request.h"

/* METRIC_SECRETS - METRIC_STS of them, in the order of their metrics. */
extern const struct operation sts_operations[];

/* The query protocol: the operation is the parameter Action, of the body or, in a GET, of the
 * query. Fails request->error. */
bool sts_find(struct api_request *request);
