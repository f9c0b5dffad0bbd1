/* May this caller do this? Asked for each operation of AppFlow at one place, after the input was
 * decoded and before the operation runs. */
#pragma once

#include "api/request.h"

/* Whether the policies of the caller's access key, and of its session, each allow the request's
 * operation on what it is about: each profile that it names, or all of them. True at once where
 * there is no policy. Else fails
 * request->error: ERR_ACCESS_DENIED, in AWS's words.
 *
 * A policy sees of the request: aws:SourceIp, aws:CurrentTime, aws:EpochTime,
 * aws:SecureTransport, aws:RequestedRegion, aws:PrincipalAccount, aws:UserAgent,
 * headgate:ConnectorType (of the profile, read from the store if the policy asks for it) and
 * headgate:Sandbox ("true" where vendors are mock servers). On the thread that runs the operation:
 * it may wait for the store. */
bool request_authorize(struct api_request *request);

/* Whether the caller may do `request->operation` of Secrets Manager with the secret `arn`. It must
 * be of the caller's account, and either
 * - the policy of the caller's access key allows it in a statement that names Secrets Manager
 *   ("secretsmanager:GetSecretValue", not "*"), and the policies of its session, if it has one,
 *   allow it as well. An access key without a policy may read no secret: nothing else that it can
 *   do shows a credential, so the right to see one is given on purpose; or
 * - the caller is a connector's process, and the secret is that of the call that it works on.
 * Else fails request->error: ERR_ACCESS_DENIED. `connector_type`: of the secret's profile;
 * STR_NULL: there is none. */
bool request_authorize_secret(struct api_request *request, struct str arn,
                              struct str connector_type);
