/* AWS Secrets Manager, as far as connectors call it: GetSecretValue and DescribeSecret for the
 * secrets that profiles' credentialsArns name. authorize.h says who may. */
#pragma once

#include "api/request.h"

enum { SECRETS_OPERATIONS = 2 };

/* In the order of their metrics, from METRIC_SECRETS on. */
extern const struct operation secrets_operations[SECRETS_OPERATIONS];

/* The JSON 1.1 protocol: X-Amz-Target names the operation. Fails request->error. */
bool secrets_find(struct api_request *request);
/* Sets request->input: the JSON of the body, whose members have the types and lengths that Secrets
 * Manager wants. Fails request->error. */
bool secrets_decode(struct api_request *request);
