/* The role behind a session is in a cache, so opening another costs little. */
#include "flow/run_s3.h"

#include "base/clock.h"
#include "base/int64.h"
#include "wire/errors.h"

enum { SESSION_MS = 60 * 1000 }; /* the cache's credentials last longer: AWS_ROLE_SPARE_MS */

void run_s3_init(struct run_s3 *s3, struct flow_engine_run *run)
{
    *s3 = (struct run_s3){.run = run, .arena = arena_beside(run->arena)};
}

void run_s3_done(struct run_s3 *s3)
{
    s3_session_done(&s3->session);
    arena_done(&s3->arena);
    s3->renew_at_ms = 0;
}

static bool is_to_end(void *context)
{
    struct run_s3 *s3 = context;
    return flow_engine_is_to_end(s3->run);
}

/* Between the attempts of s3_get. */
static bool renew(void *context, struct error *error)
{
    struct run_s3 *s3 = context;
    if (is_to_end(s3))
        return flow_engine_check(s3->run, error);
    return flow_engine_check_time(s3->run, error) && run_s3_call(s3, error);
}

const struct s3 *run_s3_call(struct run_s3 *s3, struct error *error)
{
    const struct flow_key *flow = &s3->run->row->flow;
    int64_t now_ms = clock_mono_ms(), deadline_ms = now_ms + RUN_S3_CALL_MS;
    if (s3->run->s3_deadline_ms > 0)
        deadline_ms = i64_min(deadline_ms, s3->run->s3_deadline_ms);
    if (now_ms >= s3->renew_at_ms) {
        run_s3_done(s3);
        if (!s3_session_open(s3->run->config->s3, s3->run->config->roles, flow->account,
                             flow->region, deadline_ms, &s3->arena, &s3->session, error))
            return NULL;
        s3->renew_at_ms = now_ms + SESSION_MS;
        s3->session.s3.is_to_end = is_to_end;
        s3->session.s3.renew = renew;
        s3->session.s3.context = s3;
    }
    s3->session.s3.deadline_ms = deadline_ms;
    return &s3->session.s3;
}

bool run_s3_ended(struct flow_engine_run *run, bool ok, struct error *error)
{
    if (ok || (error->code != ERR_CONNECTOR_SERVER && error->code != ERR_THROTTLING))
        return ok;
    error->code = ERR_UNAVAILABLE;
    run->is_away = true;
    return false;
}
