/* How a private connection stands, in the API's words. */
#pragma once

#include "base/arena.h"
#include "connector/verdict.h"
#include "store/profiles.h"

#define PROVISIONING_PENDING STR("PENDING")
#define PROVISIONING_CREATED STR("CREATED")
#define PROVISIONING_FAILED STR("FAILED")

enum { PROVISIONING_MESSAGE_MAX = 2048 }; /* the model's limit */

bool provisioning_is_pending(const struct provisioning *provisioning);

/* What is being verified in the background must not be replaced under it: else ERR_CONFLICT. */
_must_use_ bool provisioning_check_settled(const struct profile *profile, struct error *error);

/* CREATED for VERDICT_ACCEPTED; else FAILED with its cause, and `sentence` as the message. */
struct provisioning provisioning_of(struct arena *arena, enum verdict_kind verdict,
                                    struct str sentence);

/* The one place that moves a profile's private connection on from PENDING, to `result`; the same
 * result may be set again, for a commit that is repeated. */
void provisioning_end(struct provisioning *provisioning, const struct provisioning *result);

/* The sentence within the model's pattern for it, which knows no colon, comma, quote or bracket. */
struct str provisioning_message(struct arena *arena, struct str sentence);
