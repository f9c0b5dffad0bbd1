/* One call with its bounded repetitions. */
#include "connector/http/connection.h"

#include "base/clock.h"
#include "connector/http/classify.h"
#include "connector/http/vendor_message.h"
#include "work/cpu_slots.h"

void run_init(struct run *run, const struct verification *v)
{
    *run = (struct run){
        .v = v,
        .deadline_ms = v->deadline_ms,
        .redaction = {.arena = v->arena},
        .verdict = {.kind = VERDICT_INTERNAL},
    };
    redact_add_value(&run->redaction, v->credentials);
}

bool run_conclude(struct run *run, enum verdict_kind kind, enum verdict_step step, struct str words,
                  const char *hint)
{
    run->renewable = false;
    run->verdict = (struct verdict){
        .kind = kind,
        .step = step,
        .words = words_clean(&run->redaction, words),
        .hint = str_from(hint),
    };
    return false;
}

static void sleep_for(int64_t duration_ms)
{
    slot_release();
    clock_nap_us(1000 * duration_ms);
    slot_acquire();
}

void run_pause(const struct run *run, int64_t duration_ms)
{
    (run->v->env->pause ? run->v->env->pause : sleep_for)(duration_ms);
}

static void call_once(struct run *run, struct client_request *request, struct answer *answer)
{
    const struct connector_env *env = run->v->env;
    request->deadline_ms = run->deadline_ms;
    answer->response =
        (struct client_response){.outcome = CLIENT_TIMEOUT, .detail = "the time limit passed"};
    if (clock_mono_ms() < run->deadline_ms)
        (env->call ? env->call : client_call)(env->client, run->v->arena, request,
                                              &answer->response);
    answer_read(run->v->arena, answer);
}

static bool is_server_fault(const struct client_response *response)
{
    if (response->outcome == CLIENT_BROKEN)
        return response->reused; /* an idle connection that the vendor had closed already */
    return response->outcome == CLIENT_OK && (response->status >= 500 || response->status == 408);
}

/* How long to wait before another try; -1: no other try. */
static int64_t pause_before(const struct run *run, const struct judgement *judgement,
                            const struct answer *answer, int tries, bool repeatable)
{
    int64_t pause_ms = -1;
    if (judgement->kind == VERDICT_THROTTLED && run->verdict.retry_after_ms >= 0)
        pause_ms = run->verdict.retry_after_ms;
    else if (judgement->kind == VERDICT_THROTTLED && answer->response.status == 429)
        pause_ms = (int64_t)CALL_THROTTLED_PAUSE_MS << (tries - 1);
    else if (judgement->kind == VERDICT_UNREACHABLE && repeatable && tries == 1 &&
             is_server_fault(&answer->response))
        pause_ms =
            run->verdict.retry_after_ms >= 0 ? run->verdict.retry_after_ms : CALL_FAULT_PAUSE_MS;
    bool fits = pause_ms <= run->deadline_ms - clock_mono_ms() - CALL_ROOM_MS;
    return tries < CALL_TRIES_MAX && fits ? pause_ms : -1;
}

static void conclude_answer(struct run *run, const struct judgement *judgement,
                            const struct answer *answer)
{
    bool answered = answer->response.outcome == CLIENT_OK;
    run->renewable = judgement->renewable;
    run->verdict = (struct verdict){
        .kind = judgement->kind,
        .step = judgement->step,
        .status = answered ? answer->response.status : 0,
        .hint = str_from(judgement->hint),
        .retry_after_ms = answered
                              ? answer_retry_after_ms(run->v->arena, answer,
                                                      &run->v->connector->wait, clock_wall_ms())
                              : -1,
    };
}

bool run_call(struct run *run, enum verdict_step step, const char *needs,
              struct client_request *request, bool repeatable, struct answer *ret_answer)
{
    struct arena *arena = run->v->arena;
    struct judgement judgement;
    int64_t pause_ms;
    if (!run_take_way(run, step, request))
        return false;
    for (int tries = 1;; tries++) {
        call_once(run, request, ret_answer);
        judgement = judge(arena, run->v->connector, step, needs, ret_answer);
        conclude_answer(run, &judgement, ret_answer);
        pause_ms = pause_before(run, &judgement, ret_answer, tries, repeatable);
        if (pause_ms < 0)
            break;
        run_pause(run, pause_ms);
    }
    if (judgement.kind != VERDICT_THROTTLED || run->verdict.retry_after_ms < 0)
        run->verdict.retry_after_ms = 0;
    if (judgement.kind == VERDICT_ACCEPTED)
        return true;
    run->verdict.words = words_of(&run->redaction, run->v->connector, ret_answer);
    return false;
}
