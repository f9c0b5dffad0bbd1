/* The client id and secret of an OAuth app: the operator's own, by connector, or a secret in AWS
 * Secrets Manager that clientCredentialsArn names. */
#pragma once

#include "auth/aws_call.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

struct oauth_app {
    struct str client_id;
    struct str client_secret;
};

/* What this points to outlives the apps. */
struct oauth_apps_config {
    const struct aws_access *aws; /* with which secrets are read; NULL: they cannot be */
    /* The operator's app for a connector type. False with ERR_NOT_FOUND, and a sentence that says
     * how to set one up, when there is none. NULL: there are no such apps. */
    bool (*find)(void *context, struct str connector_type, struct arena *arena,
                 struct oauth_app *ret_app, struct error *error);
    void *find_context;
    /* Where AWS Secrets Manager is; "{region}" becomes the region of the ARN. STR_NULL or empty:
     * "https://secretsmanager.{region}.amazonaws.com". */
    struct str secrets_manager_url;
};

struct oauth_apps;
struct oauth_apps *oauth_apps_new(const struct oauth_apps_config *config);
void oauth_apps_free(struct oauth_apps *apps); /* NULL is fine */

/* `arn` wins over the connector's own app when given. The app is in the arena, which wipes it.
 * - ERR_NOT_FOUND: there is no such app, or Secrets Manager is not set up; the sentence says what
 *   the operator can do.
 * - ERR_ACCESS_DENIED: the secret cannot be read (the real service's text), or holds no app.
 * - ERR_THROTTLING, ERR_CONNECTOR_SERVER, ERR_UNAVAILABLE: as secrets_manager_get. */
_must_use_ bool oauth_app_for(struct oauth_apps *apps, struct str connector_type, struct str arn,
                              int64_t deadline_ms, struct arena *arena, struct oauth_app *ret_app,
                              struct error *error);
