/* A connector's OAuth app: the operator's own, or the sandbox's when that is what we talk to. */
#include "profile/oauth_app_store.h"

#include "store/meta.h"

struct seal_binding oauth_app_binding(struct str connector_type, struct str client_id)
{
    return (struct seal_binding){
        .purpose = STR("oauth-app"),
        .name = connector_type,
        .context = {client_id},
        .context_count = 1,
    };
}

static bool find_row(const struct profile_context *context, struct str connector_type,
                     struct arena *arena, struct oauth_app_row *ret_row, bool *ret_found,
                     struct error *error)
{
    struct store_reader *reader;
    if (!store_point_reader_take(context->store, &reader, error))
        return false;
    bool ok = oauth_app_find(reader, arena, connector_type, ret_row, ret_found, error);
    store_point_reader_put(context->store, reader);
    return ok;
}

static bool use_default(const struct profile_context *context, struct str connector_type,
                        struct oauth_app *ret_app, struct error *error)
{
    struct oauth_app app = {STR_NULL, STR_NULL};
    if (context->default_oauth_app)
        context->default_oauth_app(connector_type, &app.client_id, &app.client_secret);
    if (!app.client_id.data)
        return fail(error, ERR_NOT_FOUND,
                    "No OAuth app is set up for %.*s. The operator sets one with: headgate "
                    "oauth-app set --connector %.*s --client-id ID",
                    STR_ARG(connector_type), STR_ARG(connector_type));
    *ret_app = app;
    return true;
}

bool oauth_app_stored_find(void *context, struct str connector_type, struct arena *arena,
                           struct oauth_app *ret_app, struct error *error)
{
    const struct profile_context *profiles = context;
    struct oauth_app_row row;
    bool found = false;
    if (!find_row(profiles, connector_type, arena, &row, &found, error))
        return false;
    if (!found)
        return use_default(profiles, connector_type, ret_app, error);
    struct seal_binding binding = oauth_app_binding(connector_type, row.client_id);
    ret_app->client_id = row.client_id;
    return seal_open(profiles->keyring, &binding, row.sealed_secret, arena, &ret_app->client_secret,
                     error);
}
