/* A stored profile's vendor, over a connection with the profile's credentials. Tokens that are
 * renewed on the way are stored as those of a verification are (profile/keep_tokens.h).
 *
 *     vendor_access_load     the row's target, credentials and tokens
 *     vendor_access_connect  a connection; another one after a reread
 *     …                      calls over it
 *     vendor_access_close    its tokens are stored
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/connection.h"
#include "profile/context.h"
#include "profile/credentials.h"
#include "profile/grant_journal.h"
#include "profile/tokens.h"
#include "store/profiles.h"

#include <stdbool.h>
#include <stdint.h>

struct vendor_access {
    /* Set by the caller. */
    const struct profile_context *context;
    struct arena *arena;    /* of all that it holds */
    struct profile profile; /* the row */
    struct str request_id;  /* for the log of a connector's function */
    bool without_waits;     /* see vendor_connection_config; also the next */
    struct vendor_caller caller;
    const struct vendor_gate *gate;
    /* Set by vendor_access_target. */
    struct target target;
    /* Its own. */
    struct profile_credentials credentials;
    struct profile_tokens stored;
    struct grant_journal journal;
    struct token_grant_journal grants;
    struct vendor_connection_config config;
    struct vendor_connection *connection; /* NULL: there is none */
};

/* The row of a profile. ERR_NOT_FOUND: there is none. */
_must_use_ bool vendor_access_find(struct vendor_access *access, struct store_reader *reader,
                                   struct profile_key key, struct error *error);
/* Where the row's properties lead. Errors as profile_target_of_row. */
_must_use_ bool vendor_access_target(struct vendor_access *access, struct error *error);
/* Opens the row's credentials and tokens. Errors as profile_credentials_open. Waits for what
 * references lead to. */
_must_use_ bool vendor_access_load(struct vendor_access *access, struct error *error);

/* A connection on which nothing was sent yet, whose calls end by `deadline_ms` (monotonic clock).
 */
struct vendor_connection *vendor_access_connect(struct vendor_access *access, int64_t deadline_ms);
/* Another time by which its calls end, from now on. */
void vendor_access_extend(struct vendor_access *access, int64_t deadline_ms);
/* Ends the connection, unless it is closed already; its verdict is the last one. False: its tokens
 * could not be stored. */
_must_use_ bool vendor_access_close(struct vendor_access *access, struct verdict *ret_verdict,
                                    struct error *error);

/* After the vendor rejected what was sent: true when references lead to something else now, which
 * is loaded. */
_must_use_ bool vendor_access_reread(struct vendor_access *access, struct error *error);
