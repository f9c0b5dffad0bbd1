/* Resolving references: which are allowed, and what they lead to at this moment. */
#pragma once

#include "auth/aws_account.h"
#include "auth/reference_rules.h"

enum { REFERENCE_TIME_MS = 10 * 1000 }; /* to read one secret of AWS Secrets Manager */

/* All of it lives as long as the references. */
struct references_config {
    const struct reference_rules *rules;
    struct aws_account_config aws;  /* who reads secrets */
    struct str secrets_manager_url; /* see secrets_manager_get */
};

struct references;
struct references *references_new(const struct references_config *config);
void references_free(struct references *references); /* NULL is fine */

struct reference_question {
    struct str account, region; /* the profile's; a secret's name is looked for there */
    int64_t not_before_ms;      /* of clock_mono_ms(): what was read earlier is not good enough */
    int64_t deadline_ms;
};

/* Whether the account may use it: reads nothing. `references` NULL: none may be used. Errors as
 * reference_allowed. */
_must_use_ bool references_allow(const struct references *references, struct str account,
                                 const struct reference *reference, struct error *error);

/* The secret, in the arena. Variables are as at the server's start and files as they are now;
 * secrets of Secrets Manager are kept for SECRET_KEPT_MS. The messages are clauses without a
 * byte of a secret. ERR_VALIDATION: not allowed, or there is no such secret, member of it or file;
 * ERR_ACCESS_DENIED: AWS refuses; ERR_THROTTLING, ERR_CONNECTOR_SERVER, ERR_UNAVAILABLE: later it
 * may succeed. */
_must_use_ bool references_resolve(struct references *references,
                                   const struct reference_question *question,
                                   const struct reference *reference, struct arena *arena,
                                   struct str *ret_secret, struct error *error);
