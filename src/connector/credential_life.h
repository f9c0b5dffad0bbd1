/* How long credentials of a vendor work, as far as the vendor says, beside the lifetimes of OAuth
 * tokens, which their policy has (connector/token_policy.h): facts for a forecast
 * (profile/forecast.h). All zeros: nothing is known. Sources: "Lifetimes" in the connector's
 * README. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { LIFE_DAY_S = 24 * 60 * 60 };

struct credential_life {
    bool idle_is_conditional; /* the policy's idle limit is only where the OAuth app has it */
    /* A refresh token may end so many seconds after the authorization; one that has not, does not.
     */
    int64_t young_s;
    const char *young; /* why */
    /* The vendor ends this way of signing in with a password at this time (epoch, ms). */
    int64_t password_ends_ms;
    const char *password_ends; /* why */
    const char *password;      /* what is known of passwords otherwise; NULL: nothing */
    const char *refresh;       /* of refresh tokens without an end of the policy; NULL: nothing */
    const char *key;           /* of keys; NULL: nothing */
    bool basic_is_key;         /* what Basic authentication sends is a key, not a password */
};
