/* Whether the credentials of an update go on from what the profile has: deployment tools send a
 * whole configuration again, with the refresh token or code that they know, beside what they
 * change. */
#pragma once

#include "profile/change.h"

/* For an update whose credentials are not the stored ones. A refresh token that the profile's
 * vendor has replaced since, and a code whose tokens the profile has, stand for what the profile
 * has now: sent again, they could end it (RFC 9700, 4.14.2; RFC 6749, 4.1.2). So does the refresh
 * token that is stored. Then change->has_stored is set as for the stored credentials, and
 * change->renews where only a renewal proves the others beside it; an access token among the
 * credentials that is another one than before is used first. ERR_VALIDATION where the successor
 * would go to another address than before (profile/receivers.h). What the profile has, if it cannot
 * be read now: the errors of envelope_open. */
_must_use_ bool token_line_recognize(struct profile_change *change, const struct profile *current,
                                     struct error *error);
