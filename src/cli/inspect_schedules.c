/* Schedules of flows: each that is active has the job that starts its runs, and no other flow has
 * one. */
#include "cli/inspect_internal.h"

#include "store/fsck.h"

static void problems_of(struct inspection *look, const struct fsck_flows *flows, const char *what)
{
    for (size_t i = 0; i < flows->count; i++) {
        const struct flow_key *key = &flows->keys[i];
        inspect_problem(look, arena_printf(&look->arena, "Flow %.*s (account %.*s, %.*s): %s",
                                           STR_ARG(key->name), STR_ARG(key->account),
                                           STR_ARG(key->region), what));
    }
}

bool inspect_schedules(struct inspection *look)
{
    struct fsck_flows without_job, stray_jobs;
    if (!fsck_schedules(look->reader, &look->arena, &look->inspection->schedules, &without_job,
                        &stray_jobs, look->error))
        return false;
    problems_of(look, &without_job,
                "its schedule is active, and no job starts its runs. Start it again: StartFlow.");
    problems_of(look, &stray_jobs,
                "it has a job for a schedule, and none is active. The server removes it.");
    arena_reset(&look->arena);
    return true;
}
