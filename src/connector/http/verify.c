/* Verification as a state machine: probe with what is in hand, renew it when it is not accepted any
 * more, probe again, until the vendor has spoken or nothing is left to try. */
#include "connector/http/verify.h"

#include "base/clock.h"
#include "connector/http/connection.h"

enum phase {
    PHASE_PROBE, /* show what is in hand */
    PHASE_RENEW, /* get tokens by the next grant */
    PHASE_END,   /* the verdict stands */
};

/* False: the verdict says why. */
static bool start(struct run *run, const struct verification *v)
{
    struct error error = {0};
    run_init(run, v);
    if (!scope_make(v->connector, v->properties, v->credentials, v->arena, &run->scope, &error))
        return run_conclude(run, VERDICT_MISCONFIGURED, STEP_NONE, str_from(error.message), NULL);
    run->way = way_for(v->arena, v->connector, &run->scope);
    if (!run->way)
        return run_conclude(run, VERDICT_REJECTED, STEP_NONE, STR_NULL,
                            "The credentials hold nothing to authenticate with.");
    if (!run->way->oauth2)
        return true;
    run->material = oauth2_material(v->arena, run->way->oauth2, &run->scope);
    redact_add(&run->redaction, run->material.assertion); /* it may stand in the properties */
    if (v->stored)
        run->tokens = *v->stored;
    if (!run->tokens.access_token.data)
        run->tokens.access_token = run->material.access_token;
    if (!run->tokens.refresh_token.data)
        run->tokens.refresh_token = run->material.refresh_token;
    redact_add(&run->redaction, run->tokens.access_token);
    redact_add(&run->redaction, run->tokens.refresh_token);
    return true;
}

/* Whether it is still good is the vendor's to say, unless its time is over and there is another. */
static enum phase first_phase(const struct run *run)
{
    bool expired = run->tokens.expires_at_ms != 0 && run->tokens.expires_at_ms <= clock_wall_ms();
    if (run->tokens.access_token.len > 0 && (!expired || !run_next_grant(run)))
        return PHASE_PROBE;
    return PHASE_RENEW;
}

static enum phase after_probe(struct run *run)
{
    if (run_probe(run) || !run->renewable || !run_next_grant(run))
        return PHASE_END;
    return PHASE_RENEW;
}

static enum phase after_renew(struct run *run)
{
    enum connector_grant grant = run_next_grant(run);
    if (grant == 0) {
        run_conclude(run, VERDICT_REJECTED, STEP_NONE, STR_NULL,
                     "The credentials hold neither a token nor what could be exchanged for one.");
        return PHASE_END;
    }
    if (run_exchange(run, grant))
        return PHASE_PROBE;
    bool other_may_work = run->verdict.kind == VERDICT_REJECTED && run_next_grant(run);
    return other_may_work ? PHASE_RENEW : PHASE_END;
}

/* Ends, since each renewal uses up one of the few grants (a refresh at most twice). */
static void drive(struct run *run)
{
    enum phase phase = first_phase(run);
    while (phase != PHASE_END)
        phase = phase == PHASE_PROBE ? after_probe(run) : after_renew(run);
}

static bool finish(struct run *run, struct verdict *ret_verdict, struct tokens *ret_tokens)
{
    const struct verification *v = run->v;
    bool accepted = run->verdict.kind == VERDICT_ACCEPTED;
    if (!accepted && run->note.data)
        run->verdict.hint = run->verdict.hint.data
                                ? arena_printf(v->arena, "%.*s %.*s", STR_ARG(run->verdict.hint),
                                               STR_ARG(run->note))
                                : run->note;
    *ret_verdict = run->verdict;
    *ret_tokens = run->exchanged ? run->tokens : v->stored ? *v->stored : (struct tokens){0};
    return accepted;
}

bool connector_verify(const struct verification *v, struct verdict *ret_verdict,
                      struct tokens *ret_tokens)
{
    struct run run;
    if (v->connector->verify)
        return v->connector->verify(v, ret_verdict, ret_tokens);
    if (!start(&run, v))
        return finish(&run, ret_verdict, ret_tokens);
    if (run.way->oauth2)
        drive(&run);
    else if (run.way->session)
        run_session(&run);
    else
        run_probe(&run);
    return finish(&run, ret_verdict, ret_tokens);
}
