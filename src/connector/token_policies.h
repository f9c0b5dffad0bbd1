/* The token policies in force: those of the connectors (connector/token_policy.h), as the
 * operator's --token-policy has changed them, and their settings as words. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "connector/connector.h"
#include "connector/token_policy.h"

enum { TOKEN_POLICY_TIME_MAX_S = 10 * 366 * 24 * 60 * 60 };

/* Reads "TYPE=SETTING:VALUE,…", such as "TYPE=rotation:always,grace:30s",
 * and has that hold for the connector from now on. Later settings win. Called at the start, before
 * threads read policies. ERR_VALIDATION: the message says what is expected, after "expected". */
_must_use_ bool token_policies_add(const char *text, struct error *error);
/* Whether it could be added; changes nothing. An option_check. */
_must_use_ bool token_policy_check(const char *text, struct error *expected);
void token_policies_clear(void); /* when no thread reads policies any more */

/* What holds instead of a connector's own policy, or that one itself. Lives as long as the process,
 * or until token_policies_clear. */
const struct token_policy *token_policy_in_force(const struct token_policy *own);

/* Its settings in the form of --token-policy: "rotation:possible, reuse:punished, life:2h". */
struct str token_policy_text(struct arena *arena, const struct token_policy *policy);
