/* Asks a connector to verify, and counts the verdict. */
#include "profile/verify.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "connector/connection.h"

static void count(const struct connector *connector, enum verdict_kind verdict, int64_t duration_us)
{
    size_t index = connector_type_index(connector);
    metrics_count(METRIC_VERIFICATIONS, index, verdict);
    metrics_observe(METRIC_VERIFICATION_SECONDS, index, duration_us);
}

bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens)
{
    const struct connector *connector = question->target->connector;
    struct token_grant_journal token_grants;
    grant_journal_init(journal, context, arena, question->key, &token_grants);
    struct vendor_connection_config config = {
        .target = question->target,
        .stored = question->stored,
        .journal = &token_grants,
        .region = question->key.region,
        .arena = arena,
        .deadline_ms = clock_mono_ms() + context->verify_timeout_ms,
    };
    int64_t begun_us = clock_mono_us();
    bool accepted = connector->ops->verify(&config, ret_verdict, ret_tokens);
    count(connector, ret_verdict->kind, clock_mono_us() - begun_us);
    return accepted;
}
