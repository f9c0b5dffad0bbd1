/* Which references which account may use: the operator's rules, each of the form
 *
 *   ACCOUNT=env:NAME                a variable of the server's environment
 *   ACCOUNT=file:/DIRECTORY         every file beneath it
 *   ACCOUNT=secretsmanager:PATTERN  every secret of AWS Secrets Manager of that account whose name
 *                                   matches; '*' stands for any characters, '?' for one
 *
 * What no rule of an account allows is refused to it. */
#pragma once

#include "auth/reference.h"
#include "base/arena.h"

#include <stddef.h>

struct reference_rules;

/* ERR_VALIDATION, with a sentence, for a rule that is none or that is there twice. */
_must_use_ bool reference_rules_new(const char *const *texts, size_t count,
                                    struct reference_rules **ret_rules, struct error *error);
void reference_rules_free(struct reference_rules *rules); /* NULL is fine */

/* Takes the variables out of the environment of this process, into locked memory. ERR_VALIDATION
 * when one is not set. Once, before other threads and before children are started. */
_must_use_ bool reference_rules_take_variables(struct reference_rules *rules, struct error *error);

/* Wipes the values of the variables from the environment: for a child that was forked before they
 * were taken. Safe in a child of a process with one thread. */
void reference_rules_wipe_variables(const struct reference_rules *rules);

/* What is allowed, as far as the rules alone know it. */
struct reference_grant {
    struct str value;     /* of the variable, while the rules live */
    struct str directory; /* that the file is beneath */
    struct str path;      /* of the file, relative to it */
};

/* ERR_VALIDATION, with a clause that names the option that would allow it, when no rule does. */
_must_use_ bool reference_allowed(const struct reference_rules *rules, struct str account,
                                  const struct reference *reference,
                                  struct reference_grant *ret_grant, struct error *error);
