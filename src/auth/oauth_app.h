/* The client id and secret of an OAuth app: the operator's own, by connector, or a secret in AWS
 * Secrets Manager that clientCredentialsArn names. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client.h"
#include "vault/secret.h"

struct oauth_app {
    struct str client_id;
    struct str client_secret;
};

struct oauth_apps_config {
    struct client *client;
    /* The operator's app for a connector type. False with ERR_NOT_FOUND when there is none. */
    bool (*find)(void *context, struct str connector_type, struct arena *arena,
                 struct oauth_app *ret_app, struct error *error);
    void *find_context;
    /* "https://secretsmanager.{region}.amazonaws.com" unless the operator says otherwise. */
    struct str secrets_manager_url;
    struct str aws_access_key_id;         /* with which requests there are signed */
    const struct secret *aws_secret_access_key; /* NULL: Secrets Manager is not set up */
};

struct oauth_apps;
struct oauth_apps *oauth_apps_new(const struct oauth_apps_config *config);
void oauth_apps_free(struct oauth_apps *apps);

/* `arn` wins over the connector's own app when given. ERR_NOT_FOUND when there is no such app,
 * ERR_ACCESS_DENIED with the real service's text when the secret cannot be read. */
bool oauth_app_for(struct oauth_apps *apps, struct str connector_type, struct str arn,
                   int64_t deadline_ms, struct arena *arena, struct oauth_app *ret_app,
                   struct error *error);
