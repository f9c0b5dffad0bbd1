/* What a change of a profile does with a person's consent. It has two passes of the same checks:
 * when the link is made, with a place-holder for the code, as far as the vendor; and when the
 * vendor has given the code, through to the commit. */
#pragma once

#include "profile/change.h"
#include "profile/consent_terms.h"

/* The path below the server's URL to which the vendor of this connector sends browsers back. Each
 * has its own, so that one vendor's answer is not taken for another's (RFC 9700, 4.4). */
struct str consent_callback_path(const struct connector *connector, struct arena *arena);

/* Puts the code in the place of every token and code of the credentials that are given. */
_must_use_ bool consent_use_given(struct profile_change *change);
/* The same for those of the row, where none are given; they stay otherwise, so the receivers must.
 */
_must_use_ bool consent_use_stored(struct profile_change *change, const struct profile *current);

/* ERR_CONFLICT when the profile was changed since the link was made: the request of the link would
 * undo that. */
_must_use_ bool consent_use_is_current(struct profile_change *change,
                                       const struct profile *current);

/* Loads the tokens of the row that is replaced, which a rollback needs and which say the account
 * and the refresh tokens that were replaced. Those whose seal does not open count as none. */
_must_use_ bool consent_use_load_former(struct profile_change *change,
                                        const struct profile *current);

/* In place of the vendor's call, for a start: sets use->place. */
_must_use_ bool consent_use_start(struct profile_change *change);

/* After the vendor's call: the scopes that were asked for were granted, the account is the one of
 * before as far as it is known, and a refresh token came if there was one before.
 * ERR_CONNECTOR_AUTHENTICATION, with use->fault. */
_must_use_ bool consent_use_check(struct profile_change *change);
