/* A consent: a person authorizes in a browser, and the code that the vendor gives becomes a
 * profile's credentials in the same way as one that an API call brings. Here is the life of its row
 * (store/consents.h); what the change does with the code is in profile/consent_use.h.
 *
 * - The link is 256 random bits; the row is found by a hash of it.
 * - `state` is the row's id, a point and 256 random bits, of which the row has a hash. A browser's
 *   cookie is known by a hash too. Both are compared in constant time.
 * - PKCE's verifier is derived from a random value, sealed in the row, and `state`, so that each
 *   request to the vendor has its own, and no browser ever has it.
 * - A vendor's answer is taken once (TAKEN), so a code is exchanged by one request of one node. */
#pragma once

#include "profile/context.h"
#include "store/audit.h"
#include "store/consents.h"
#include "wire/value.h"

#include <stdbool.h>

enum {
    /* After the vendor's answer was taken, beside the time for the vendor's calls: the change that
     * it leads to has ended by then, or was interrupted. */
    CONSENT_FINISH_MS = 2 * 60 * 1000,
    CONSENT_SECRET_TEXT =
        43, /* characters of a link, of a browser's cookie, of state's second half */
    CONSENT_STATE_TEXT = 32 + 1 + CONSENT_SECRET_TEXT,
};

/* What the link was made for: sealed in the row. */
struct consent_ticket {
    struct str operation;     /* "CreateConnectorProfile", "UpdateConnectorProfile" */
    struct str input;         /* its body as JSON, without a code */
    struct str access_key_id; /* that asked for the link, as the audit shows it */
    struct str access_key;    /* the same, or of a session the access key that it comes from */
    struct str connector;     /* its name for people */
    struct str url;           /* struct consent_place, as the next three */
    struct str host;
    struct str origin;
    struct str scope;
    struct str redirect_uri;
    struct str seed;  /* of PKCE's verifiers; empty: there is none */
    bool any_account; /* the vendor's account may be another than before */
    int64_t version;  /* of the profile when the link was made; 0: there was none */
};

struct consent {
    struct consent_row row;
    struct consent_ticket ticket; /* once consent_open was called */
};

/* --- secrets; all of them in the arena --- */

struct str consent_secret_new(struct arena *arena); /* CONSENT_SECRET_TEXT characters */
/* Whether a text has the form of one. */
bool consent_is_secret(struct str text);
struct str consent_hash(struct arena *arena, struct str secret); /* CONSENT_HASH_SIZE bytes */
struct str consent_id_of(struct arena *arena, struct str link);  /* of the row */
bool consent_state_split(struct str state, struct str *ret_id, struct str *ret_secret);
/* What a page's form carries, so that another site's form is no consent: it is made of the link and
 * the browser's cookie. */
struct str consent_form_token(struct arena *arena, struct str link, struct str browser);
struct str consent_verifier(struct arena *arena, struct str seed, struct str state);
struct str consent_challenge(struct arena *arena, struct str verifier); /* S256 */

/* --- the life --- */

/* *ret_link: the link's secret. ERR_QUOTA as consent_row_add. */
_must_use_ bool consent_new(const struct profile_context *context, struct profile_key key,
                            const struct consent_ticket *ticket, const struct audit_entry *audit,
                            struct arena *arena, struct str *ret_link, struct error *error);

_must_use_ bool consent_find(const struct profile_context *context, struct str id,
                             struct arena *arena, struct consent *ret_consent, bool *ret_found,
                             struct error *error);
/* Its time has passed before it ended. */
bool consent_is_expired(const struct consent *consent);
/* Unseals the ticket. ERR_INTERNAL when it does not open. */
_must_use_ bool consent_open(const struct profile_context *context, struct consent *consent,
                             struct arena *arena, struct error *error);

/* Sends the browser with this cookie to the vendor: *ret_url. ERR_LOST_RACE: another browser has
 * begun, or the link was used. The ticket is open. */
_must_use_ bool consent_ask(const struct profile_context *context, struct consent *consent,
                            struct str browser, struct arena *arena, struct str *ret_url,
                            struct error *error);

/* Whether this is the browser that was sent to the vendor, and with this state. */
bool consent_is_browser(const struct consent *consent, struct str browser, struct arena *arena);
bool consent_is_state(const struct consent *consent, struct str secret, struct arena *arena);

/* Of one whose answer was taken, and that has not ended: whether no request works on it any more,
 * since the server was killed or lost its store. With a store that nodes share another one may
 * work on it, so its time must be over, by the wall clock. */
bool consent_is_interrupted(const struct profile_context *context, const struct consent *consent);

/* Takes the vendor's answer. ERR_LOST_RACE: it was taken before. */
_must_use_ bool consent_take(const struct profile_context *context, const struct consent *consent,
                             struct error *error);
_must_use_ bool consent_end(const struct profile_context *context, const struct consent *consent,
                            const char *outcome, struct str words, struct error *error);
