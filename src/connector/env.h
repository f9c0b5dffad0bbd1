/* What connectors need of the server around them: one for the process. */
#pragma once

#include "auth/aws_call.h"
#include "auth/oauth_app.h"
#include "base/str.h"
#include "net/client/client.h"

#include <stdint.h>

struct aws_role_cache;
struct function_runner;
struct s3_config;

struct connector_env {
    struct client *client;
    /* The operator's endpoint map: a base URL instead of a vendor's own, by connector type. */
    struct str (*endpoint_override)(void *context, struct str connector_type); /* STR_NULL: none */
    void *endpoint_context;
    struct oauth_apps *apps;      /* NULL: no apps are set up */
    const struct aws_access *aws; /* the server's own; NULL, or without a secret: it has none */
    struct str sts_url;           /* see aws_role_assume; STR_NULL or empty: AWS's own */
    /* How buckets are read for an account: see s3_session_open. NULL: they are not. */
    const struct s3_config *s3;
    struct aws_role_cache *s3_roles;
    /* What runs the functions of custom connectors: see function_invoke. NULL: nothing does. */
    struct function_runner *functions;
    /* The operator's token URLs for custom connectors, beside those that these declare: see
     * custom_token_url_matches. */
    const struct str *token_urls;
    size_t token_url_count;
    /* How calls are made and waits are spent; NULL: client_call, and sleeping. For tests. */
    void (*call)(struct client *client, struct arena *arena, const struct client_request *request,
                 struct client_response *ret_response);
    void (*pause)(int64_t duration_ms);
    int64_t (*wall_ms)(void); /* the time that goes into requests; NULL: clock_wall_ms */
};
