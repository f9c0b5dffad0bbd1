/* Going back to a profile's previous credentials without a person: when the vendor refuses those in
 * use for good, and accepts the previous ones in a verification that is made at that time.
 *
 * Credentials that were refused so become the previous ones and are not tried again by the server;
 * nor are previous ones that were refused as well. Previous ones about which the vendor could not
 * be asked are left alone for a while (profile/fallback_pause.h). `headgate profile rollback` may
 * try all of them. */
#pragma once

#include "base/arena.h"
#include "base/metrics.h"
#include "connector/verdict.h"
#include "profile/context.h"
#include "store/profiles.h"

extern const struct metric metric_fallbacks; /* outcome: restored, refused, undecided */

enum fallback_end {
    FALLBACK_NOT,  /* the profile keeps its credentials */
    FALLBACK_DONE, /* it has others now: what was loaded of it is to be loaded again */
    FALLBACK_LATER /* it keeps them; the vendor could not be asked about the previous ones */
};

/* After a use of `current`, the row, was refused with this verdict, also with what references lead
 * to now. A verdict that may pass, or that says nothing of the credentials, is FALLBACK_NOT, as is
 * a profile without previous credentials, or whose private connection is being made; these cost
 * nothing. Else waits for the vendor, or for another use that asks it, until `deadline_ms`
 * (monotonic clock), never on an event loop. 0: for the vendor as long as a verification may take,
 * and for another use not at all. request_id: STR_NULL, when no request waits. `arena`: whose limit
 * counts. */
enum fallback_end profile_fall_back(const struct profile_context *context,
                                    const struct profile *current, const struct verdict *verdict,
                                    struct str request_id, int64_t deadline_ms,
                                    struct arena *arena);
