/* What creating and updating a profile have in common: the client token, the vendor, the seal, the
 * commit. Each step returns false with *change->error set. */
#pragma once

#include "connector/credential_end.h"
#include "profile/config.h"
#include "profile/context.h"
#include "profile/credentials.h"
#include "profile/grant_journal.h"
#include "profile/previous.h"
#include "profile/private_connection.h"
#include "profile/target.h"
#include "profile/token_claim.h"
#include "profile/tokens.h"
#include "profile/trace.h"
#include "profile/verify.h"
#include "store/audit.h"
#include "store/profiles.h"
#include "store/token_grants.h"

/* What a change is made from: all of it lives as long as the change. */
struct profile_change_request {
    const struct profile_context *context;
    struct arena *arena;       /* the request's */
    const struct value *input; /* decoded, within every constraint of the model */
    /* What the input leads to, where that was resolved already; NULL: it was not. */
    const struct target *target;
    struct audit_entry audit; /* all but time, outcome and version */
    int64_t *stage_ns;        /* see trace_stage_end */
    struct error *error;
    struct str operation;        /* the API's name of it */
    bool is_dry_run;             /* see profile/dry_run.h */
    struct consent_use *consent; /* see profile/consent_use.h; NULL: no person authorizes */
};

/* What the vendor was asked, and what came of it. */
struct profile_verification {
    bool is_made;
    struct verdict verdict;
    struct step_times times;
    int64_t took_us;
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
    struct profile_credentials credentials; /* of the config, or those that stay; resolved */
    const struct target *resolved;          /* see the request's target */
    struct target target;          /* of the new configuration; set by profile_change_check */
    struct profile profile;        /* as it is going to be */
    int64_t expected_version;      /* of the row that it replaces; 0: there must be none */
    struct profile_tokens stored;  /* got earlier for the same credentials, or those before */
    bool is_private;               /* the vendor is asked in the background, once it is committed */
    struct job_slot *private_slot; /* reserved there */
    const struct data_key *data_key; /* what is sealed is encrypted under; NULL: nothing */
    bool has_stored;                 /* what was got for the row's credentials is good for these */
    bool is_other;                 /* then: they are not those of the row (profile/token_line.h) */
    bool renews;                   /* then: only a renewal proves them */
    bool has_tokens_row;           /* tokens of the row's credentials are there, to be kept */
    const struct profile *current; /* the row that is replaced; NULL: a new profile */
    struct oauth_tokens tokens;    /* what shall be there for the credentials */
    struct profile_tokens_change tokens_change;
    struct previous_plan previous; /* what becomes of the credentials in use */
    int64_t deadline_ms;           /* of a rollback's verification: profile_question.deadline_ms */
    struct grant_journal journal;
    struct token_claim claim;
    struct str operation;
    struct str detail; /* for the audit; STR_NULL: nothing */
    bool is_dry_run;
    struct consent_use *consent;
    struct profile_verification verification;
    struct credential_end end; /* what the verification's answers said of it */
};

void profile_change_init(struct profile_change *change,
                         const struct profile_change_request *request);
void profile_change_done(struct profile_change *change); /* releases what it holds */

/* Resolves the credentials that are going to be the profile's, as they are now, and gives them to
 * the target. */
bool profile_change_use_credentials(struct profile_change *change, const struct value *given);

/* What a claim on the change's client token, or a look at it, is about; by reference to the change.
 */
struct token_claim_request profile_change_claim_request(const struct profile_change *change);

/* Claims the client token. *ret_answered: the request was answered before, change->output has it.
 */
bool profile_change_claim(struct profile_change *change, bool *ret_answered);

/* Rules across members, before any call: the connector's, and that an OAuth app which is named by
 * its secret's ARN belongs to the caller's account, since the server reads it with its own rights.
 */
bool profile_change_check(struct profile_change *change);

/* What the credentials and tokens of a profile with a kmsArn are going to be encrypted under: the
 * data key of the row `current`, or a new one where it has none; NULL: there is no row. It is taken
 * before the vendor is asked, since a code works once. Without --kms-url a new profile has none.
 * Errors as data_keys_make. */
bool profile_change_take_key(struct profile_change *change, const struct profile *current);

/* connectionMode: ERR_VALIDATION when the connector has no private one. Sets is_private. */
bool profile_change_read_mode(struct profile_change *change);

/* A dry run of anything else than the stored properties with the stored credentials. That the
 * credentials go to the same addresses is not enough: other properties (the parameters of a grant)
 * decide which tokens come back. */
bool profile_change_is_trial(const struct profile_change *change);

/* With the vendor, within the service's time limit; in Private mode that comes later, and what is
 * reserved here is a slot for it: ERR_THROTTLING when there is none. */
bool profile_change_verify(struct profile_change *change);

/* Always false: fails *error with what the vendor said. */
bool profile_change_fail_verdict(const struct profile_change *change, const struct verdict *verdict,
                                 struct error *error);

/* Sets mode and provisioning of the row as it is going to be. */
void profile_change_set_mode(struct profile_change *change);

/* Seals and commits profile, token grants, client token and audit as one; sets change->output. */
bool profile_change_commit(struct profile_change *change);

/* The body of the answer to a change that was made. */
struct str profile_change_answer(const struct profile_change *change);

/* After any of these failed. The claim may be lost with the node's connection to a store that is
 * shared: when another node then finished the same request first, its answer is this one's too. */
bool profile_change_answered_meanwhile(struct profile_change *change);

#define _cleanup_change_ _cleanup_(profile_change_done)
