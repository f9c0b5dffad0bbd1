/* What a vendor does with OAuth tokens that are renewed: data, beside the connector's description
 * of its token endpoint (connector/http/http_connector.h). The zero value is the strictest: a
 * refresh token may work once, and showing it again may end everything that came from it.
 *
 * The connector's README.md names the source of each value; an operator can change them
 * (connector/token_policies.h). */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct target;

/* Whether a renewal replaces the refresh token (RFC 6749, 6; RFC 9700, 4.14.2). */
enum token_rotation {
    ROTATION_POSSIBLE, /* not known, or a setting of the customer's: treated as if it does */
    ROTATION_NEVER,
    ROTATION_ALWAYS,
};

/* What happens when a refresh token is shown that was replaced. */
enum token_reuse {
    REUSE_PUNISHED, /* not known, or its successors are revoked as well */
    REUSE_REFUSED,  /* it is refused, and nothing else happens */
};

/* How to find out, without spending it, whether a refresh token whose answer was lost was taken. */
enum token_probe {
    PROBE_NONE,
    PROBE_INTROSPECTION, /* RFC 7662 at `probe_path`, which takes the token endpoint's path's place;
                          * "active" false: it was taken */
    PROBE_OLD_ACCESS_TOKEN, /* GET `probe_path` of the API with the access token of before, which a
                             * renewal ends: refused before its time: the refresh token was taken */
};

struct token_policy {
    enum token_rotation rotation;
    enum token_reuse reuse;
    enum token_probe probe;
    const char *probe_path;
    bool old_access_ends; /* a renewal ends the access token of before */
    bool same_until_end;  /* asked before its end, the vendor gives the same access token again */
    const char *busy;     /* an answer of the token endpoint with this text means that it is busy,
                           * beside what the connector's rules say; NULL: none */
    int grace_s;    /* how long a replaced refresh token still works; 0: not at all, or not known */
    int margin_s;   /* how long before its end an access token is renewed; 0: by its life */
    int life_s;     /* of an access token whose end the vendor does not say; 0: not known */
    int idle_s;     /* a refresh token that is not used for so long ends; 0: no limit is known */
    int absolute_s; /* a refresh token ends so long after the consent; 0: no limit is known */
    bool is_changed; /* by the operator */
};

/* How the server can get new tokens for a target by itself, again and again. */
struct token_renewal {
    const struct token_policy *policy; /* lives as long as the target's connector */
    bool by_refresh_token;
    bool by_key;     /* by assertions that the server signs; with neither as client, or by a user's
                      * password */
    struct str host; /* of the token endpoint, as the port */
    int port;
    struct str route;  /* Private mode: where the operator's route leads; empty: Public */
    struct str client; /* what names the OAuth client: its id, the secret that has it, or the type
                        * whose app is the operator's */
};

/* False when nothing can be renewed: the credentials have no refresh token, and either their method
 * is not OAuth or the tokens come from the user. `target` has its credentials set; `stored`: what
 * was got for them before, perhaps nothing. */
bool token_renewal_of(const struct target *target, const struct oauth_tokens *stored,
                      struct token_renewal *ret_renewal);
