/* What a vendor gives for credentials. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdint.h>

struct oauth_tokens {
    struct str access_token;  /* STR_NULL: none */
    struct str refresh_token; /* STR_NULL: none */
    struct str instance_url;  /* where its API is for this user; STR_NULL: the vendor did not say */
    struct str token_type;
    struct str scope;
    struct str account;    /* whose they are, as the vendor says it; STR_NULL: it did not */
    int64_t expires_at_ms; /* wall clock; 0: the vendor did not say */
    int64_t obtained_at_ms;
    int64_t refresh_expires_at_ms; /* of the refresh token; 0: the vendor did not say */
};

struct value *tokens_to_value(struct arena *arena, const struct oauth_tokens *tokens);
void tokens_from_value(const struct value *value, struct oauth_tokens *ret_tokens);
/* Moves their texts into the arena. */
void tokens_copy(struct arena *arena, struct oauth_tokens *tokens);
