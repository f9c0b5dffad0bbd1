/* Jobs of vendors that take records now and write them later: asked for until they have ended, with
 * growing pauses. */
#include "connector/http/internal.h"

#include "base/clock.h"
#include "connector/http/read_source.h"
#include "connector/http/write_source.h"
#include "wire/json_pointer.h"

enum {
    JOB_PAUSE_MS = 100, /* before it is asked for first; then doubled */
    JOB_PAUSE_MAX_MS = 5000,
    JOB_TIME_MS = 5 * 60 * 1000, /* of one job; a batch may take several */
    JOB_NAME_MAX = 200,          /* bytes */
};

static const char hint_unknown[] = "Which of the records were written is not known.";

static bool fail_job(struct vendor_connection *connection, const struct vendor_response *response,
                     struct str message)
{
    return vendor_fail_status(connection, VERDICT_UNREACHABLE, STEP_API, response->http.status,
                              message, hint_unknown);
}

/* Names the job for {write.job}. */
static bool take_name(struct vendor_connection *connection, const struct write_job *job,
                      const struct vendor_response *response)
{
    struct arena *arena = connection->arena;
    struct str name = pointer_text(arena, response->json, job->id);
    struct value *write = value_structure(arena);
    if (name.len > JOB_NAME_MAX || !read_name_is_fit("-_", name))
        return fail_job(connection, response,
                        STR("the response does not name the job that writes"));
    value_put_text(arena, write, "job", arena_copy(arena, name)); /* it outlives the answer */
    connection->scope.write = write;
    return true;
}

static bool fail_ended(struct vendor_connection *connection, const struct write_job *job,
                       const struct vendor_response *response, struct str state)
{
    struct arena *arena = connection->arena;
    struct str message =
        job->message ? pointer_text(arena, response->json, job->message) : STR_NULL;
    return fail_job(connection, response,
                    arena_printf(arena, "the job that writes is %.*s%s%.*s", STR_ARG(state),
                                 message.len > 0 ? ": " : "", STR_ARG(message)));
}

bool write_job_await(struct vendor_connection *connection, const struct write_job *job,
                     struct vendor_response *response)
{
    int64_t pause_ms = JOB_PAUSE_MS;
    if (!take_name(connection, job, response))
        return false;
    for (;;) {
        if (!vendor_has_time(connection, pause_ms))
            return fail_job(connection, response,
                            STR("the job that writes had not ended when the time limit passed"));
        vendor_pause(connection, pause_ms);
        if (!vendor_may_go_on(connection) || !vendor_call(connection, &job->call, response))
            return false;
        struct str state = pointer_text(connection->arena, response->json, job->state);
        if (connector_texts_have(&job->ended, state)) {
            vendor_set_deadline(connection, clock_mono_ms() + JOB_TIME_MS); /* for the next one */
            return true;
        }
        if (connector_texts_have(&job->failed, state))
            return fail_ended(connection, job, response, state);
        pause_ms = pause_ms < JOB_PAUSE_MAX_MS / 2 ? 2 * pause_ms : JOB_PAUSE_MAX_MS;
    }
}
