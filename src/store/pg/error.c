/* PostgreSQL's driver: what an error means (manual, appendix "PostgreSQL Error Codes"). */
#include "store/pg/internal.h"

#include "base/metrics.h"

#include <string.h>

enum meaning {
    OURS,       /* trying again gives the same */
    CROSSED,    /* another transaction was in the way: the same may succeed */
    NOT_HERE,   /* another server, or this one a little later */
    NO_ROOM,    /* until the operator makes some */
    CONSTRAINT, /* counted by nobody as the store's failure */
};

static const struct kind {
    const char *start; /* of the SQLSTATE */
    enum meaning meaning;
} kinds[] = {
    {"08P01", OURS},       /* what we sent makes no sense */
    {"08", NOT_HERE},      /* connection */
    {"21000", CONSTRAINT}, /* two changes of a batch to one row */
    {"23", CONSTRAINT},    /* integrity */
    {"25006", NOT_HERE},   /* a primary that became a standby */
    {"40001", CROSSED},    /* serialization */
    {"40P01", CROSSED},    /* deadlock */
    {"40003", NOT_HERE},   /* completion unknown */
    {"53100", NO_ROOM},    /* disk full */
    {"53200", NO_ROOM},    /* memory */
    {"53300", NOT_HERE},   /* too many connections */
    {"55P03", CROSSED},    /* lock not available */
    {"57P", NOT_HERE},     /* shutting down, crashed, starting, idle too long */
    {"25P03", NOT_HERE},   /* idle in a transaction too long */
};

static enum meaning meaning_of(const char *state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strncmp(state, kinds[i].start, strlen(kinds[i].start)) == 0)
            return kinds[i].meaning;
    }
    return OURS;
}

bool pg_fail_result(struct pg_db *db, const struct pg_result *result, struct error *error)
{
    const char *state = libpq.resultErrorField(result, LIBPQ_FIELD_SQLSTATE);
    const char *words = libpq.resultErrorField(result, LIBPQ_FIELD_MESSAGE);
    enum meaning meaning = state ? meaning_of(state) : NOT_HERE;
    if (meaning == NOT_HERE)
        return pg_fail_lost(db, error);
    if (meaning != CONSTRAINT)
        metrics_count(METRIC_STORE_ERRORS, 0, 0);
    db->committing = false;
    db->lost = meaning == CROSSED;
    db->failure = meaning == CROSSED ? DB_FAILED_AGAIN : DB_FAILED;
    if (meaning == CROSSED)
        return fail(error, ERR_UNAVAILABLE,
                    "Other changes were in this one's way again and again (SQLSTATE %s).", state);
    if (meaning == NO_ROOM)
        return fail(error, ERR_UNAVAILABLE,
                    "The store's database has no room left: %s (SQLSTATE %s).", words, state);
    return fail(error, ERR_INTERNAL, "The store's database failed: %s (SQLSTATE %s).", words,
                state);
}
