/* What `access-key create` limits a key to, and `access-key session` a session, from their options.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "cli/options.h"
#include "store/access_keys.h"

#define KEY_POLICY_OPTIONS                                                                         \
    {.name = "read-only",                                                                          \
     .kind = OPTION_FLAG,                                                                          \
     .heading = "Limits",                                                                          \
     .help = "Allow reads only (Describe..., List...)"},                                           \
        {.name = "connectors",                                                                     \
         .kind = OPTION_LIST,                                                                      \
         .argument = "TYPE,...",                                                                   \
         .check = check_connector,                                                                 \
         .help = "Allow profiles of these connector types only"},                                  \
        {.name = "names",                                                                          \
         .kind = OPTION_LIST,                                                                      \
         .argument = "PATTERN,...",                                                                \
         .check = check_name_pattern,                                                              \
         .help = "Allow profiles with such names only; * stands for any characters, ? for one"},   \
        {.name = "sandbox-only",                                                                   \
         .kind = OPTION_FLAG,                                                                      \
         .help = "Refuse the key where vendors are real"},                                         \
    {                                                                                              \
        .name = "policy", .argument = "FILE",                                                      \
        .help = "Policy in IAM's JSON, instead of the four options above"                          \
    }

#define KEY_LIMIT_OPTIONS                                                                          \
    KEY_POLICY_OPTIONS,                                                                            \
    {                                                                                              \
        .name = "expires", .argument = "WHEN", .check = check_expiry,                              \
        .help = "End of the key: in 90d, 12h or 30m, or at a time such as 2027-01-31T00:00:00Z"    \
    }

/* For a list. What the row says is shown as it is: only the server checks that it is sealed so. */
struct key_limits_shown {
    int64_t expires_at_ms; /* 0: never */
    struct str policy;     /* JSON in one line; STR_NULL: none */
};
void key_limits_show(const struct access_key *key, struct arena *arena,
                     struct key_limits_shown *ret_limits);

/* How long from now: 90d, 12h, 30m, 10s. */
bool read_span(struct str text, int64_t *ret_s);

_must_use_ bool check_name_pattern(const char *text, struct error *expected);
_must_use_ bool check_expiry(const char *text, struct error *expected);

/* The limits' text (api/access_limits.h), for keys of this account; STR_NULL: none are set. The
 * policy's file is read here. ERR_VALIDATION with what is wrong in it. */
_must_use_ bool key_limits_read(const struct options *options, const char *account,
                                struct arena *arena, struct str *ret_limits, struct error *error);
/* The same of a policy alone, which KEY_POLICY_OPTIONS say. */
_must_use_ bool key_policy_read(const struct options *options, const char *account,
                                struct arena *arena, struct str *ret_policy, struct error *error);
