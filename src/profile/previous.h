/* A profile's previous credentials: when they are kept, and what they are when they are opened.
 * store/previous_credentials.h has how they are stored, profile/rollback.h how they come back. */
#pragma once

#include "auth/oauth_tokens.h"
#include "base/arena.h"
#include "base/error.h"
#include "profile/context.h"
#include "store/previous_credentials.h"
#include "wire/value.h"

/* Names credentials where they are not opened, so that the same ones are known when they are given
 * again: SipHash under a key of the service, over the profile's key and the credentials as
 * value_encode writes them. Never 0, unless previous credentials are not kept. */
int64_t profile_credentials_hash(const struct profile_context *context,
                                 const struct profile_key *key, const struct value *given,
                                 struct arena *arena);

/* What becomes of the credentials in use, and of the previous ones, in a change. */
struct previous_plan {
    enum { PREVIOUS_LEAVE, PREVIOUS_MOVE, PREVIOUS_REMOVE } what;
    struct previous_keeping keeping; /* PREVIOUS_MOVE */
};

/* For new credentials with this hash: those in use are kept unless they are the same, so that an
 * update which is sent again does not push out what really was before; or the vendor never accepted
 * them; or their seal does not open. */
void previous_plan(const struct profile_context *context, const struct profile *current,
                   int64_t credentials_hash, struct arena *arena, struct previous_plan *ret_plan);

/* ERR_NOT_FOUND when the profile has none, or they have expired; ERR_CONFLICT when the profile has
 * changed since `current` was read. */
_must_use_ bool previous_load(const struct profile_context *context, const struct profile *current,
                              struct arena *arena, struct previous_credentials *ret_previous,
                              struct error *error);

/* Whether there may be any, without reading them. */
bool previous_may_exist(const struct profile_context *context, const struct profile *current);

/* For job_kind.looked: removes those that have expired, at most every PREVIOUS_SWEEP_MS. What is
 * removed is overwritten in the database and leaves its log at once (store_write.scrub). */
enum { PREVIOUS_SWEEP_MS = 60 * 60 * 1000 };
void previous_sweep_look(void *context);
