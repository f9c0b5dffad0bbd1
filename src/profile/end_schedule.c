/* The first lookup, and the wait until the next. */
#include "profile/end_schedule.h"

#include "base/clock.h"
#include "base/random.h"
#include "store/credential_end_job.h"
#include "store/jobs.h"

int64_t end_lookup_put_off_ms(int64_t now_ms, int64_t due_at_ms, int64_t attempts)
{
    bool is_late = attempts == 0 && due_at_ms < now_ms - END_LOOKUP_LATE_MS;
    return is_late ? 1 + random_u32() % END_LOOKUP_DAY_SPREAD_MS : 0;
}

static int64_t day_ms(void)
{
    return END_LOOKUP_DAY_MS - random_u32() % END_LOOKUP_DAY_SPREAD_MS;
}

int64_t end_lookup_wait_ms(int64_t now_ms, int64_t end_ms)
{
    int64_t half_ms = (end_ms - now_ms) / 2;
    if (end_ms <= now_ms || half_ms > END_LOOKUP_DAY_MS)
        return day_ms();
    return half_ms > END_LOOKUP_LEAST_MS ? half_ms : END_LOOKUP_LEAST_MS;
}

bool end_lookup_plan(struct db *db, struct profile_key key, struct error *error)
{
    const struct job_row job = {
        .key = {CREDENTIAL_END_JOB, key.account, key.region, key.name},
        .due_at_ms = clock_wall_ms() + END_LOOKUP_FIRST_MS + random_u32() % END_LOOKUP_SPREAD_MS,
        .fence = job_new_fence(),
        .payload = STR(""),
    };
    return job_insert(db, &job, STR(""), error);
}
