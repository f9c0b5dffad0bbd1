/* Runs of flows: each is of a flow that exists, in a known state, and one that has not ended has
 * the job that carries it out and the definition, with its MAC, that the server sealed at its
 * start. */
#include "cli/inspect_internal.h"

#include "flow/definition.h"
#include "flow/run.h"
#include "store/fsck.h"
#include "wire/json_value.h"

static struct str name_of(struct inspection *look, const struct flow_run_row *run)
{
    return arena_printf(&look->arena, "Run %.*s of flow %.*s (account %.*s, %.*s)",
                        STR_ARG(run->id), STR_ARG(run->flow.name), STR_ARG(run->flow.account),
                        STR_ARG(run->flow.region));
}

static void problem_of(struct inspection *look, const struct flow_run_row *run, const char *what)
{
    struct str name = name_of(look, run);
    inspect_problem(look, arena_printf(&look->arena, "%.*s: %s", STR_ARG(name), what));
}

static void check_definition(struct inspection *look, const struct flow_run_row *run)
{
    struct value *definition;
    struct error error = {0};
    if (!flow_run_check_seal(look->inspection->service_secret, run, &error))
        problem_of(look, run, error.message);
    else if (json_parse_own(run->definition, FLOW_NODES_MAX, &look->arena, &definition) !=
             JSON_READ)
        problem_of(look, run, "its definition cannot be read.");
}

static void check_job(struct inspection *look, const struct fsck_flow_run *found)
{
    if (!found->job.data)
        problem_of(look, &found->run,
                   "it has not ended, and no job carries it out. Cancel it: CancelFlowExecutions.");
    else if (!str_eq(found->job, found->run.id))
        problem_of(look, &found->run,
                   "it has not ended, and the job of its flow is for another run.");
}

static void check_run(struct inspection *look, const struct fsck_flow_run *found)
{
    enum run_state state;
    if (!found->has_flow) {
        problem_of(look, &found->run, "there is no such flow.");
        return;
    }
    if (!run_state_read(found->run.state, &state)) {
        struct str what = arena_printf(&look->arena, "it is in the unknown state %.*s.",
                                       STR_ARG(found->run.state));
        problem_of(look, &found->run, arena_cstr(&look->arena, what));
        return;
    }
    check_definition(look, &found->run);
    check_job(look, found);
}

/* Where the next page begins; the texts are in an arena of its own. */
struct run_cursor {
    struct arena arena;
    struct flow_key flow;
    struct str id;
};

static void cursor_set(struct run_cursor *cursor, const struct flow_run_row *run)
{
    struct arena *arena = &cursor->arena;
    arena_reset(arena);
    cursor->flow =
        (struct flow_key){arena_copy(arena, run->flow.account), arena_copy(arena, run->flow.region),
                          arena_copy(arena, run->flow.name)};
    cursor->id = arena_copy(arena, run->id);
}

static bool check_runs(struct inspection *look, struct run_cursor *cursor)
{
    struct fsck_flow_run *found;
    size_t count;
    do {
        if (!fsck_flow_runs(look->reader, &look->arena, cursor->flow, cursor->id, &found, &count,
                            look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check_run(look, &found[i]);
        if (count > 0)
            cursor_set(cursor, &found[count - 1].run);
        arena_reset(&look->arena);
    } while (count == FSCK_RUNS_PAGE);
    return true;
}

static bool check_jobs(struct inspection *look)
{
    struct job_row *stray;
    size_t count;
    if (!fsck_flow_run_jobs(look->reader, &look->arena, &look->inspection->flow_runs, &stray,
                            &count, look->error))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct job_key *key = &stray[i].key;
        inspect_problem(look, arena_printf(&look->arena,
                                           "Flow %.*s (account %.*s, %.*s): it has a job for run "
                                           "%.*s, but no run in progress. The server removes it.",
                                           STR_ARG(key->name), STR_ARG(key->account),
                                           STR_ARG(key->region), STR_ARG(stray[i].payload)));
    }
    arena_reset(&look->arena);
    return true;
}

bool inspect_flow_runs(struct inspection *look)
{
    struct run_cursor cursor = {.flow = {STR(""), STR(""), STR("")}, .id = STR("")};
    bool ok = check_runs(look, &cursor) && check_jobs(look);
    arena_done(&cursor.arena);
    return ok;
}
