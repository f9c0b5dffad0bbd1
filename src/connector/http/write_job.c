/* Jobs of vendors that take records now and write them later: asked for until they have ended, with
 * growing pauses. */
#include "connector/http/internal.h"

#include "base/clock.h"
#include "base/int64.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "wire/json_pointer.h"

enum {
    JOB_PAUSE_MS = 100, /* before it is asked for first; then doubled */
    JOB_PAUSE_MAX_MS = 5000,
    JOB_LOOK_MS = 1000,          /* between two looks whether to go on, in a pause */
    JOB_CALL_MS = 60 * 1000,     /* of one call that asks for it */
    JOB_NEXT_MS = 5 * 60 * 1000, /* of what follows a job: a batch may take several */
    JOB_NAME_MAX = 200,          /* bytes */
};

static const char hint_unknown[] = "Which of the records were written is not known.";

static bool fail_job(struct vendor_connection *connection, const struct vendor_response *response,
                     struct str message)
{
    return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_API, response->http.status,
                              message, hint_unknown);
}

bool write_job_begin(struct vendor_connection *connection, const struct write_job *job,
                     const struct vendor_response *response, struct write_batch *batch)
{
    struct str name = pointer_text(connection->arena, response->json, job->id);
    if (name.len > JOB_NAME_MAX || !read_name_is_fit("-_", name))
        return fail_job(connection, response,
                        STR("the response does not name the job that writes"));
    batch->job = arena_copy(batch->arena, name);
    batch->job_until_ms = clock_mono_ms() + WRITE_JOB_TIME_MS;
    return true;
}

/* For {write.job}. */
static void name_job(struct vendor_connection *connection, const struct write_batch *batch)
{
    struct value *write = value_structure(connection->arena);
    value_put_text(connection->arena, write, "job", batch->job);
    connection->scope.write = write;
}

/* In slices, so that a run that is canceled does not wait. */
static bool wait_for_job(struct vendor_connection *connection, int64_t pause_ms)
{
    while (pause_ms > 0) {
        int64_t slice_ms = i64_min(pause_ms, JOB_LOOK_MS);
        vendor_pause(connection, slice_ms);
        pause_ms -= slice_ms;
        if (!vendor_may_go_on(connection))
            return false;
    }
    return true;
}

static void fail_ended(struct vendor_connection *connection, const struct write_job *job,
                       const struct vendor_response *response, struct str state)
{
    struct arena *arena = connection->arena;
    struct str message =
        job->message ? pointer_text(arena, response->json, job->message) : STR_NULL;
    ignore_failure(fail_job(connection, response,
                            arena_printf(arena, "the job that writes is %.*s%s%.*s", STR_ARG(state),
                                         message.len > 0 ? ": " : "", STR_ARG(message))));
}

/* Of a call that failed: whether the same question may be answered later, or to other credentials.
 */
static bool may_be_answered(const struct vendor_connection *connection,
                            const struct write_batch *batch)
{
    static const unsigned kinds = 1U << VERDICT_THROTTLED | 1U << VERDICT_BUSY |
                                  1U << VERDICT_UNREACHABLE | 1U << VERDICT_INTERNAL |
                                  1U << VERDICT_REJECTED;
    const struct verdict *verdict = &connection->verdict;
    return ((kinds & 1U << verdict->kind) || verdict->transient ||
            vendor_state(connection) == VENDOR_STALE) &&
           clock_mono_ms() < batch->job_until_ms;
}

/* WRITE_JOB_LATER: the job still runs. */
static enum write_job_end judge(struct vendor_connection *connection, const struct write_job *job,
                                const struct write_batch *batch,
                                const struct vendor_response *response)
{
    struct str state = pointer_text(connection->arena, response->json, job->state);
    if (connector_texts_have(&job->ended, state))
        return WRITE_JOB_ENDED;
    if (connector_texts_have(&job->failed, state)) {
        fail_ended(connection, job, response, state);
        return WRITE_JOB_LOST;
    }
    if (clock_mono_ms() < batch->job_until_ms)
        return WRITE_JOB_LATER;
    ignore_failure(fail_job(connection, response,
                            STR("the job that writes had not ended when the time limit passed")));
    return WRITE_JOB_LOST;
}

enum write_job_end write_job_await(struct vendor_connection *connection,
                                   const struct write_job *job, struct write_batch *batch,
                                   struct vendor_response *response)
{
    enum write_job_end end = WRITE_JOB_LATER;
    name_job(connection, batch);
    for (int64_t pause_ms = JOB_PAUSE_MS; end == WRITE_JOB_LATER;
         pause_ms = i64_min(2 * pause_ms, JOB_PAUSE_MAX_MS)) {
        if (!wait_for_job(connection, pause_ms))
            return WRITE_JOB_LATER;
        vendor_set_deadline(connection, clock_mono_ms() + JOB_CALL_MS);
        if (!vendor_call(connection, &job->call, response))
            return may_be_answered(connection, batch) ? WRITE_JOB_LATER : WRITE_JOB_LOST;
        batch->answers++;
        end = judge(connection, job, batch, response);
    }
    vendor_set_deadline(connection, clock_mono_ms() + JOB_NEXT_MS);
    return end;
}
