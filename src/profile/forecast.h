/* Until when a profile's credentials work, because of what, and how sure that is: computed from
 * what is stored and from what the vendor says (connector/credential_life.h). No call is made. */
#pragma once

#include "auth/oauth_tokens.h"
#include "connector/credential_life.h"
#include "connector/token_policy.h"
#include "store/profiles.h"
#include "store/token_states.h"

enum credential_kind {
    CREDENTIAL_REFRESH_TOKEN,
    CREDENTIAL_CLIENT, /* of the client credentials grant */
    CREDENTIAL_PASSWORD,
    CREDENTIAL_KEY,
    CREDENTIAL_ROLE, /* of AWS */
    CREDENTIAL_ACCESS_TOKEN,
    CREDENTIAL_KINDS,
};

enum forecast_confidence {
    FORECAST_UNKNOWN,    /* the vendor says nothing */
    FORECAST_ASSUMED,    /* what usually applies, and may not apply here */
    FORECAST_ANNOUNCED,  /* the vendor has set a date for everyone */
    FORECAST_DOCUMENTED, /* the vendor's default, which its administrator can change */
    FORECAST_REPORTED,   /* the vendor said it of this credential when asked (end_lookup.h) */
    FORECAST_KNOWN,      /* the vendor said it of this credential when it gave it */
};

/* The worst first. */
enum forecast_state {
    FORECAST_UNREADABLE, /* what is stored does not open */
    FORECAST_NEEDS_REAUTHORIZATION,
    FORECAST_FAILED,      /* the private connection */
    FORECAST_PENDING,     /* the private connection */
    FORECAST_BACKING_OFF, /* renewals fail and are tried again */
    FORECAST_FELL_BACK,   /* the server put previous credentials back (profile/fallback.h) */
    FORECAST_DUE,         /* the access token is to be renewed */
    FORECAST_REFRESHING,
    FORECAST_FRESH,
    FORECAST_STATES,
};

const char *credential_kind_name(enum credential_kind kind);          /* "refresh token", … */
const char *forecast_confidence_name(enum forecast_confidence level); /* "assumed", … */
const char *forecast_state_name(enum forecast_state state); /* "needs re-authorization", … */

/* Times are wall clock in ms; 0: not known. */
struct credential_forecast {
    enum credential_kind kind;
    int64_t obtained_ms;
    int64_t expires_ms;     /* as the vendor said */
    int64_t works_until_ms; /* 0: no end is known */
    int64_t life_ms;        /* from its beginning, or last use, to that end; 0: not known */
    const char *because;
    enum forecast_confidence confidence;
    bool moves_with_use; /* the end was asked, and each use may move it */
};

struct profile_forecast {
    enum forecast_state state;
    struct credential_forecast credentials[CREDENTIAL_KINDS]; /* those that there are */
    size_t count;
    const struct credential_forecast *first; /* the one that ends first, or else decides; or NULL */
    const struct token_policy *policy;       /* of OAuth tokens; NULL: unreadable */
    int64_t works_until_ms;                  /* of `first` */
    int64_t verified_ms; /* when the vendor last accepted a change of the profile, or a renewal */
};

/* What a forecast is computed from. */
struct forecast_facts {
    const struct credential_life *life;
    const struct token_policy *policy; /* of OAuth tokens; all zeros for others */
    bool has[CREDENTIAL_KINDS];
    bool from_assertion;        /* an access token that only an assertion could renew */
    bool signs;                 /* the server signs assertions itself, as often as it needs one */
    int64_t access_expires_ms;  /* 0: the vendor did not say */
    int64_t refresh_expires_ms; /* 0: the vendor did not say */
    bool is_endless;            /* it said that the credential has no end, when it was asked */
    int64_t asked_end_ms;       /* what it said then; 0: no end, or not known */
    bool asked_moves;           /* each use may move that end */
    int64_t obtained_ms;        /* of the tokens; 0: not by this server */
    int64_t given_ms;           /* of the credentials */
    int64_t verified_ms;
    int64_t now_ms;
};

/* By the table of forecast.c. The state is that of the tokens. */
void forecast_compute(const struct forecast_facts *facts, struct profile_forecast *ret_forecast);

/* What the token keeper has met counts more than the table: while it backs off, or needs a person,
 * the access token's end is the credentials' end. As long as it has met nothing, an end of the
 * table that is past counts. Memory of the arena. */
void forecast_heed_keeper(struct profile_forecast *forecast, const struct token_state_row *row,
                          int64_t now_ms, struct arena *arena);

/* After forecast_heed_keeper: what the profile's row says beside its credentials, which are a
 * private connection that is not made, and previous credentials that the server put back. */
void forecast_heed_row(struct profile_forecast *forecast, const struct profile *profile);

struct keyring;
struct oauth_tokens_row;
struct profile_asked;
struct target;

/* Of a profile that is open: `target` has its credentials, `tokens` are those that were got for
 * them, `is_kept` says that the token keeper has a state of it. Without what it has met and what
 * the row says, see forecast_heed_keeper and forecast_heed_row. */
void forecast_of_target(const struct target *target, const struct profile *profile,
                        const struct oauth_tokens *tokens, const struct profile_asked *asked,
                        bool is_kept, int64_t now_ms, struct profile_forecast *ret_forecast);

/* What is stored of a profile. */
struct stored_credentials {
    const struct profile *profile;         /* whole, as profile_find gives it */
    const struct oauth_tokens_row *tokens; /* NULL: none */
    const struct token_state_row *state;   /* of the token keeper; NULL: none */
    const struct profile_asked *asked;     /* NULL: not known */
};

/* Opens profile and tokens: ERR_INTERNAL when they do not open. Memory of the arena. */
_must_use_ bool profile_forecast(const struct keyring *keyring,
                                 const struct stored_credentials *stored, int64_t now_ms,
                                 struct arena *arena, struct profile_forecast *ret_forecast,
                                 struct error *error);
