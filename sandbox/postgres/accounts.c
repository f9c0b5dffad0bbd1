/* Fixed test accounts of the sandbox's PostgreSQL endpoint, and what each sign-in ends in. */
#include "sandbox/postgres/internal.h"

#include "sandbox/glob.h"

#define GOOD "sandbox-password"

/* Redshift answers a wrong password with 28000, and reports itself as PostgreSQL 8.0.2. */
static const struct account accounts[] = {
    {.user = "sandbox_md5", .password = GOOD, .method = METHOD_MD5},
    {.user = "sandbox_scram", .password = GOOD, .method = METHOD_SCRAM},
    {.user = "sandbox_sha256", .password = GOOD, .method = METHOD_SHA256},
    {.user = "sandbox_after_throttle_*",
     .password = GOOD,
     .sqlstate = "53300",
     .message = "too many connections for user",
     .once = true},
    {.user = "sandbox_throttled",
     .password = GOOD,
     .sqlstate = "53300",
     .message = "too many connections for user \"sandbox_throttled\""},
    {.user = "sandbox_expired", .password = "sandbox-former-password"},
    {.user = "sandbox_forbidden",
     .password = GOOD,
     .sqlstate = "42501",
     .message = "permission denied for database dev"},
    {.user = "sandbox_no_query",
     .password = GOOD,
     .sqlstate = "42501",
     .message = "permission denied",
     .at_query = true},
    {.user = "sandbox_no_entry",
     .sqlstate = "28000",
     .message = "no pg_hba.conf entry for host \"198.51.100.7\", user \"sandbox_no_entry\", "
                "database \"dev\", SSL on"},
    {.user = "sandbox_starting",
     .sqlstate = "57P03",
     .message = "the database system is starting up"},
    {.user = "sandbox_reset", .fault = FAULT_CLOSED_AT_ONCE},
    {.user = "sandbox_truncated", .password = GOOD, .fault = FAULT_CUT},
    {.user = "sandbox_slow", .password = GOOD, .fault = FAULT_LATE},
    {.user = "sandbox_malformed", .fault = FAULT_FOREIGN},
    {.user = "sandbox_oversized", .password = GOOD, .fault = FAULT_HUGE},
};

const struct account *account_find(struct str user)
{
    for (size_t i = 0; i < sizeof(accounts) / sizeof(*accounts); i++) {
        if (glob_match(str_from(accounts[i].user), user))
            return &accounts[i];
    }
    return NULL;
}
