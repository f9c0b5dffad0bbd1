/* A dry run of a change: every check of the change in its order, the vendor too, and then nothing
 * is stored but the row in the audit.
 *
 * - The client token is looked at and stays unused.
 * - Tokens that are renewed with a profile's stored credentials are kept, as of every connection.
 * - With new credentials, an authorization code or an assertion is not used, since it works once. A
 *   refresh token may be: what the vendor gives for it is kept in the grant journal, for the change
 *   that sends the same one within TOKEN_GRANT_TRIAL_DAYS.
 * - A Private profile is verified at once, over its private route. */
#pragma once

#include "profile/change.h"

/* In place of profile_change_claim: ERR_CONFLICT when the client token was used with other
 * parameters. */
bool profile_dry_run_begin(struct profile_change *change);

/* In place of profile_change_verify. ERR_VALIDATION when the credentials are nothing but one that
 * works once. */
bool profile_dry_run_verify(struct profile_change *change);

/* In place of profile_change_commit: what the commit would find; the audit; change->output. */
bool profile_dry_run_end(struct profile_change *change);
