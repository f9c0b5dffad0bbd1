/* How a private connection stands, in the API's words. */
#pragma once

#include "base/arena.h"
#include "connector/verdict.h"
#include "store/profiles.h"

#define PROVISIONING_PENDING STR("PENDING")

enum { PROVISIONING_MESSAGE_MAX = 2048 }; /* the model's limit */

bool provisioning_is_pending(const struct provisioning *provisioning);

/* CREATED for VERDICT_ACCEPTED; else FAILED with its cause, and `sentence` as the message. */
struct provisioning provisioning_of(struct arena *arena, enum verdict_kind verdict,
                                    struct str sentence);

/* The sentence within the model's pattern for it, which knows no colon, comma, quote or bracket. */
struct str provisioning_message(struct arena *arena, struct str sentence);
