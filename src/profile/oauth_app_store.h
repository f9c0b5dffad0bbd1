/* The operator's OAuth apps, kept sealed in the store. */
#pragma once

#include "auth/oauth_app.h"
#include "profile/context.h"
#include "vault/seal.h"

/* What the client secret of a connector's app is sealed to, the client id among it; the command
 * line seals with it too. */
struct seal_binding oauth_app_binding(struct str connector_type, struct str client_id);

/* For struct oauth_apps_config; the context is a struct profile_context. */
_must_use_ bool oauth_app_stored_find(void *context, struct str connector_type, struct arena *arena,
                                      struct oauth_app *ret_app, struct error *error);
