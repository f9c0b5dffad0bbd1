/* The engine's question, put together from a profile and the service. */
#include "profile/verify.h"

#include "base/clock.h"
#include "base/metrics.h"

static void count(const struct connector *connector, enum verdict_kind verdict, int64_t duration_us)
{
    size_t index = connector_index(connector);
    metrics_count(METRIC_VERIFICATIONS, index, verdict);
    metrics_observe(METRIC_VERIFICATION_SECONDS, index, duration_us);
}

bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens)
{
    struct token_grant_journal exchanges;
    grant_journal_init(journal, context, arena, question->key, &exchanges);
    struct verification verification = {
        .env = context->connectors,
        .connector = question->connector,
        .properties = question->properties,
        .credentials = question->credentials,
        .stored = question->stored,
        .journal = &exchanges,
        .region = question->key.region,
        .private_routes = question->is_private ? context->private_routes : NULL,
        .arena = arena,
        .deadline_ms = clock_mono_ms() + context->verify_timeout_ms,
    };
    int64_t begun_us = clock_mono_us();
    bool accepted = connector_verify(&verification, ret_verdict, ret_tokens);
    count(question->connector, ret_verdict->kind, clock_mono_us() - begun_us);
    return accepted;
}
