/* OAuth 2.0 token requests and answers (RFC 6749, RFC 7523): bytes only, no call is made here. */
#pragma once

#include "auth/oauth_app.h"
#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/client/client.h"
#include "wire/value.h"

#include <stdbool.h>

enum {
    OAUTH2_PARAMS_MAX = 64,
    OAUTH2_BODY_MAX = 1024 * 1024, /* bytes; a credential has 8,000 at most, each of fifty further
                                    * parameters 2,048, and all may be escaped */
};

struct oauth2_param {
    const char *name;
    struct str value;
    bool is_number; /* of JSON; in a form there are texts only */
};

/* A token request in the making: parameters in the order in which they are sent. */
struct oauth2_request {
    struct oauth2_param params[OAUTH2_PARAMS_MAX];
    size_t count;
};

/* Adds a parameter; one without a value (STR_NULL) is left out. */
void oauth2_add(struct oauth2_request *request, const char *name, struct str value);

void oauth2_add_number(struct oauth2_request *request, const char *name, int number,
                       struct arena *arena);

/* The grants: each starts a request anew. */
void oauth2_code(struct oauth2_request *request, struct str code, struct str redirect_uri);
void oauth2_refresh(struct oauth2_request *request, struct str refresh_token);
void oauth2_jwt_bearer(struct oauth2_request *request, struct str assertion); /* RFC 7523, 2.1 */
void oauth2_client_credentials(struct oauth2_request *request);
void oauth2_password(struct oauth2_request *request, struct str username, struct str password);

enum oauth2_style {
    OAUTH2_FORM = 0,
    OAUTH2_JSON = 1 << 0,  /* the body is a JSON object */
    OAUTH2_BASIC = 1 << 1, /* client id and secret in a Basic header (RFC 6749, 2.3.1) */
    OAUTH2_USER = 1 << 2,  /* with BASIC: as they are (RFC 7617), and the id in the body as well */
    OAUTH2_GET = 1 << 3,   /* the parameters are in the URL's query; OAUTH2_JSON has no effect */
};

/* The POST, or with OAUTH2_GET the GET, that asks for tokens. `app` is who asks; NULL: the grant
 * proves itself. */
void oauth2_build(struct arena *arena, struct oauth2_request *request, struct str token_url,
                  const struct oauth_app *app, unsigned style, struct client_request *ret_request);

enum {
    OAUTH2_TOKEN_MAX = 16 * 1024,  /* bytes of a token */
    OAUTH2_LIFE_MAX_S = 315360000, /* ten years: a longer life is taken for that */
};

/* Where the tokens are in an answer: at the JSON pointer `at`, where that is a structure with an
 * access_token, else in the answer itself. `at` NULL: the latter. `json` may be NULL. */
const struct value *oauth2_holder(const struct value *json, const char *at);

/* Reads a successful answer (RFC 6749, 5.1). expires_in may be a number, a numeric string or
 * anything else, which then counts as not said. ERR_CONNECTOR_SERVER when there is no access_token,
 * or something in it could not be sent in a header, or is too long. `json` is NULL when the answer
 * was no JSON. Texts point into `json`. */
_must_use_ bool oauth2_read_tokens(const struct value *json, int64_t now_ms,
                                   struct oauth_tokens *ret_tokens, struct error *error);
