/* What creating and updating a profile have in common: the client token, the vendor, the seal, the
 * commit. Each step returns false with *change->error set. */
#pragma once

#include "base/trace.h"
#include "profile/config.h"
#include "profile/context.h"
#include "profile/grant_journal.h"
#include "profile/private_connection.h"
#include "profile/target.h"
#include "profile/tokens.h"
#include "profile/verify.h"
#include "store/audit.h"
#include "store/client_tokens.h"
#include "store/profiles.h"
#include "store/token_grants.h"

/* What a change is made from: all of it lives as long as the change. */
struct profile_change_request {
    const struct profile_context *context;
    struct arena *arena;       /* the request's */
    const struct value *input; /* decoded, within every constraint of the model */
    /* What the input leads to, where that was resolved already; NULL: it was not. */
    const struct target *target;
    struct str operation;     /* its name in the API */
    struct audit_entry audit; /* all but time, outcome and version */
    int64_t *stage_ns;        /* see trace_stage_end */
    struct error *error;
};

struct profile_change {
    const struct profile_context *context;
    struct arena *arena;
    const struct value *input;
    struct audit_entry audit;
    int64_t *stage_ns;
    struct error *error;
    struct str output; /* the answer's JSON, once a step has succeeded that sets it */
    const struct connector *connector;
    struct profile_config config;
    const struct target *resolved; /* see the request's target */
    struct target target;          /* of the new configuration; set by profile_change_check */
    struct profile profile;        /* as it is going to be */
    int64_t expected_version;      /* of the row that it replaces; 0: there must be none */
    struct profile_tokens stored;  /* got earlier for the same credentials */
    bool is_private;               /* the vendor is asked in the background, once it is committed */
    struct job_slot *private_slot; /* reserved there */
    bool has_stored; /* the credentials are those of the row, with what was got for them */
    struct oauth_tokens tokens; /* what shall be there for the credentials */
    struct profile_tokens_change tokens_change;
    struct grant_journal journal;
    struct client_token token; /* token.token is STR_NULL when the caller gave none */
    unsigned char request_hash[REQUEST_HASH_SIZE];
    struct idempotency_claim *claim;
};

void profile_change_init(struct profile_change *change,
                         const struct profile_change_request *request);
void profile_change_done(struct profile_change *change); /* releases what it holds */

/* Claims the client token. *ret_answered: the request was answered before, change->output has it.
 */
bool profile_change_claim(struct profile_change *change, bool *ret_answered);

/* Rules across members, before any call: the connector's, and that an OAuth app which is named by
 * its secret's ARN belongs to the caller's account, since the server reads it with its own rights.
 */
bool profile_change_check(struct profile_change *change);

/* connectionMode: ERR_VALIDATION when the connector has no private one. Sets is_private. */
bool profile_change_read_mode(struct profile_change *change);

/* With the vendor, within the service's time limit; in Private mode that comes later, and what is
 * reserved here is a slot for it: ERR_THROTTLING when there is none. */
bool profile_change_verify(struct profile_change *change);

/* Sets mode and provisioning of the row as it is going to be. */
void profile_change_set_mode(struct profile_change *change);

/* Seals and commits profile, exchanges, client token and audit as one; sets change->output. */
bool profile_change_commit(struct profile_change *change);

/* After any of these failed. The claim may be lost with the node's connection to a store that is
 * shared: when another node then finished the same request first, its answer is this one's too. */
bool profile_change_answered_meanwhile(struct profile_change *change);

#define _cleanup_change_ _cleanup_(profile_change_done)
