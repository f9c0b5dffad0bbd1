/* The event of a profile whose tokens have a new state: planned by who writes that state, the token
 * keeper or a change. */
#pragma once

#include "auth/oauth_tokens.h"
#include "profile/credential_event.h"

struct target;

/* NULL: nothing is new. `target`: with the credentials set; one without a method of authentication
 * counts as a profile that did not open. `profile` as it was loaded, with `fell_back_at_ms` as it
 * will be stored; the plan is the arena's. */
struct credential_event_plan *
token_event_plan(const struct profile_context *context, const struct target *target,
                 const struct profile *profile, const struct oauth_tokens *tokens,
                 const struct token_state_row *state, struct arena *arena);

/* The keeper's line of the log, which has the reason and the vendor's words. */
void token_event_log_move(const struct profile_key *key, const struct token_state_row *before,
                          const struct token_state_row *after);
