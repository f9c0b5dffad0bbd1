/* What the database says, and what it means: the same at the end of a connection and in the Error
 * of a statement that the Data API ran. */
#include "redshift.h"

#include <string.h>
#include <strings.h>

struct meaning {
    const char *sqlstate; /* its beginning; NULL: not looked at */
    const char *contains; /* letter case does not count; NULL: not looked at */
    enum verdict_kind kind;
    const char *hint;
};

#define HINT_USER "Check username and password."
#define HINT_LATER "Try again later."
#define HINT_DATABASE "Check the name of the database."

/* The first that matches. Redshift answers 28000 to a wrong password, PostgreSQL 28P01. */
static const struct meaning meanings[] = {
    {NULL, "no pg_hba.conf entry", VERDICT_REJECTED,
     "The database does not let this user in from here, or not without TLS."},
    {"28", NULL, VERDICT_REJECTED, HINT_USER},
    {"3D000", NULL, VERDICT_MISCONFIGURED, HINT_DATABASE},
    {"42501", NULL, VERDICT_FORBIDDEN, "Grant the user what it lacks."},
    {"53300", NULL, VERDICT_THROTTLED, "Too many connections are open. Try again later."},
    {"57P03", NULL, VERDICT_UNREACHABLE, "The database is starting up or stopping. " HINT_LATER},
    {"08", NULL, VERDICT_UNREACHABLE, HINT_LATER},
    {"53", NULL, VERDICT_UNREACHABLE, HINT_LATER},
    {"57", NULL, VERDICT_UNREACHABLE, HINT_LATER},
    {NULL, "password authentication failed", VERDICT_REJECTED, HINT_USER},
    {NULL, "not authorized to perform", VERDICT_FORBIDDEN,
     "Give the role of dataApiRoleArn redshift:GetClusterCredentials for a cluster, or "
     "redshift-serverless:GetCredentials for a workgroup."},
    {NULL, "permission denied", VERDICT_FORBIDDEN, "Grant the user what it lacks."},
    {NULL, "too many connections", VERDICT_THROTTLED,
     "Too many connections are open. Try again later."},
    {NULL, "starting up", VERDICT_UNREACHABLE, HINT_LATER},
    {NULL, "database \"", VERDICT_MISCONFIGURED, HINT_DATABASE},
    {NULL, "user \"", VERDICT_REJECTED, HINT_USER},
    {NULL, NULL, VERDICT_UNREACHABLE, HINT_LATER},
};

static bool contains_nocase(struct str text, const char *part)
{
    size_t len = strlen(part);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp(text.data + i, part, len) == 0)
            return true;
    }
    return false;
}

bool redshift_fail(struct vendor_connection *connection, struct str sqlstate, struct str message)
{
    const struct meaning *meaning = meanings;
    while ((meaning->sqlstate && !str_starts(sqlstate, str_from(meaning->sqlstate))) ||
           (meaning->contains && !contains_nocase(message, meaning->contains)))
        meaning++;
    return vendor_fail(connection, meaning->kind, STEP_API, message, meaning->hint);
}
