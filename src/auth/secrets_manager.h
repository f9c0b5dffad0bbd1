/* Reading a secret from AWS Secrets Manager, or from something that speaks its protocol. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client.h"
#include "vault/secret.h"

#include <stdint.h>

enum { SECRETS_MANAGER_ARN_MAX = 2048, SECRETS_MANAGER_REGION_MAX = 32 };

struct secrets_manager {
    struct client *client;
    struct str url; /* of the endpoint; "{region}" in it becomes the secret's region */
    struct str access_key_id;
    const struct secret *secret_access_key;
    const struct secret *session_token; /* NULL: the access key is a lasting one */
};

/* GetSecretValue, its current version's SecretString, in the arena. The endpoint is chosen by the
 * region in the ARN. Errors:
 * - ERR_ACCESS_DENIED with AppFlow's own text: not an ARN of a secret, no such secret, no
 * permission to read or decrypt it, or it holds bytes instead of text. The service's own words are
 * left out, since they name the operator's identity.
 * - ERR_THROTTLING: asked to come back later.
 * - ERR_CONNECTOR_SERVER: no usable answer; the message says why.
 * - ERR_UNAVAILABLE: this server is stopping. */
bool secrets_manager_get(const struct secrets_manager *manager, struct str arn, int64_t deadline_ms,
                         struct arena *arena, struct str *ret_text, struct error *error);

/* What AppFlow says when it cannot use the secret that clientCredentialsArn names. */
bool secrets_manager_deny(struct error *error);
