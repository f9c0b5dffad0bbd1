/* Two places where an app can be: the operator's own, and a secret that the profile names. */
#include "auth/oauth_app.h"

#include "auth/secrets_manager.h"
#include "base/alloc.h"
#include "wire/restjson.h"

#include <stdlib.h>

struct oauth_apps {
    struct oauth_apps_config config;
};

struct oauth_apps *oauth_apps_new(const struct oauth_apps_config *config)
{
    struct oauth_apps *apps = xcalloc(1, sizeof(*apps));
    apps->config = *config;
    if (config->secrets_manager_url.len == 0)
        apps->config.secrets_manager_url = STR("https://secretsmanager.{region}.amazonaws.com");
    return apps;
}

void oauth_apps_free(struct oauth_apps *apps)
{
    free(apps);
}

static struct str either(const struct value *secret, const char *name, const char *other)
{
    struct str text = value_text(secret, name);
    return text.len > 0 ? text : value_text(secret, other);
}

/* The names that AppFlow's guide gives, and those of OAuth itself. */
static bool parse_secret(struct str text, struct arena *arena, struct oauth_app *ret_app,
                         struct error *error)
{
    _cleanup_(arena_done) struct arena parsed = arena_beside(arena);
    struct value *secret = NULL;
    struct oauth_app app = {STR_NULL, STR_NULL};
    if (json_parse(text, &parsed, &secret)) {
        app.client_id = either(secret, "clientId", "client_id");
        app.client_secret = either(secret, "clientSecret", "client_secret");
    }
    if (app.client_id.len == 0 || app.client_secret.len == 0)
        return fail(
            error, ERR_ACCESS_DENIED,
            "Please validate the ClientCredentialsArn provided: the secret is not JSON with "
            "the members clientId and clientSecret.");
    ret_app->client_id = arena_copy(arena, app.client_id);
    ret_app->client_secret = arena_copy(arena, app.client_secret);
    return true;
}

static bool app_from_secret(const struct oauth_apps_config *config, struct str arn,
                            int64_t deadline_ms, struct arena *arena, struct oauth_app *ret_app,
                            struct error *error)
{
    struct str text;
    const struct aws_access *access = config->aws;
    if (!access || !access->secret_access_key)
        return fail(error, ERR_NOT_FOUND,
                    "clientCredentialsArn cannot be read: this server has no access to AWS Secrets "
                    "Manager. Its operator gives it AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in "
                    "the environment and, for another endpoint, --secrets-manager-url.");
    return secrets_manager_get(access, config->secrets_manager_url, arn, deadline_ms, arena, &text,
                               error) &&
           parse_secret(text, arena, ret_app, error);
}

bool oauth_app_for(struct oauth_apps *apps, struct str connector_type, struct str arn,
                   int64_t deadline_ms, struct arena *arena, struct oauth_app *ret_app,
                   struct error *error)
{
    const struct oauth_apps_config *config = &apps->config;
    if (arn.len > 0)
        return app_from_secret(config, arn, deadline_ms, arena, ret_app, error);
    if (config->find)
        return config->find(config->find_context, connector_type, arena, ret_app, error);
    return fail(error, ERR_NOT_FOUND, "No OAuth app is set up for %.*s.", STR_ARG(connector_type));
}
