/* Where a person authorizes, and what an answer says of the vendor's account: the part of a consent
 * that a connector's description decides (struct connector_consent). */
#pragma once

#include "connector/http/http_connector.h"
#include "connector/target.h"
#include "wire/value.h"

/* The method of authentication that a person can authorize; NULL: the connector has none. */
const struct connector_auth *consent_auth(const struct connector *connector);

enum { CONSENT_URL_MAX = 8 * 1024 }; /* bytes of the address that a browser is sent to */

struct consent_place {
    struct str url;    /* with all parameters but state and PKCE's; more can follow after '&' */
    struct str host;   /* for people: where they will be */
    struct str origin; /* that an answer's `iss` must have (RFC 9207) */
    struct str scope;  /* what is asked for; empty: the app's own settings decide */
    bool with_pkce;
};

struct consent_wish {
    struct str scope; /* STR_NULL: the connector's own */
    /* One of those that the connector declares; STR_NULL: the only one, or the only one at the host
     * of the profile's token URL. */
    struct str authorization_url;
    struct str redirect_uri; /* where the vendor sends the browser back to */
    int64_t deadline_ms;     /* to find the operator's app; on clock_mono_ms() */
};

/* `target` has credentials, whose method of authentication is consent_auth. May wait, for the app's
 * secret or for the address of a host. ERR_VALIDATION: what has to be changed. */
_must_use_ bool consent_place(const struct target *target, const struct consent_wish *wish,
                              struct consent_place *ret_place, struct error *error);

/* The values at all of the pointers, with '/' between, in the arena; STR_NULL unless each is there.
 */
struct str consent_account(struct arena *arena, const struct value *json,
                           const struct connector_texts *pointers);
/* Whether two of them are the same account (connector_consent.account_is_url). */
bool consent_same_account(const struct connector_oauth2 *oauth2, struct str one, struct str other);
/* Never NULL. */
const struct connector_texts *consent_account_in_tokens(const struct connector_oauth2 *oauth2);

/* What `wanted` has and `granted` has not, with blanks between, in the arena; empty: nothing.
 * Scopes are separated by blanks or commas. A server may not list the one that asks for a refresh
 * token: it counts as granted when one came. */
struct str consent_missing_scopes(struct arena *arena, struct str wanted, struct str granted,
                                  bool has_refresh_token);
