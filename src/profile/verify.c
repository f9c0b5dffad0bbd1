/* Asks a connector to verify, and counts the verdict. */
#include "profile/verify.h"

#include "base/clock.h"
#include "connector/connection.h"

enum { VERDICTS = VERDICT_INTERNAL + 1 };

static struct str type_name(size_t value)
{
    return value < connector_count() ? connector_at(value)->type : STR_NULL;
}

static struct str verdict_name(size_t value)
{
    return str_from(verdict_kind_name((enum verdict_kind)value));
}

#define CONNECTOR                                                                                  \
    {                                                                                              \
        "connector", CONNECTOR_TYPES_MAX, .name_of = type_name                                     \
    }

const struct metric metric_verifications = {
    "headgate_verifications_total",
    "Credentials verified with their vendor, by connector and verdict.",
    .labels = {CONNECTOR, {"verdict", VERDICTS, .name_of = verdict_name}},
    METRIC_SERIES((CONNECTOR_TYPES_MAX) * (VERDICTS)),
};

const struct metric metric_verification_seconds = {
    "headgate_verification_duration_seconds",
    "Verifying credentials with their vendor, by connector.",
    .labels = {CONNECTOR},
    .scale = &metric_times,
    METRIC_HISTOGRAMS(CONNECTOR_TYPES_MAX),
};

static void count(const struct connector *connector, enum verdict_kind verdict, int64_t duration_us)
{
    size_t index = connector_type_index(connector);
    metrics_count(&metric_verifications, index, verdict);
    metrics_observe(&metric_verification_seconds, index, duration_us);
}

bool profile_verify(const struct profile_context *context, const struct profile_question *question,
                    struct arena *arena, struct grant_journal *journal, struct verdict *ret_verdict,
                    struct oauth_tokens *ret_tokens)
{
    const struct connector *connector = question->target->connector;
    struct token_grant_journal token_grants;
    int64_t begun_ms = clock_mono_ms();
    grant_journal_init(journal, context, arena, question->key, &token_grants);
    grant_journal_seal_under(journal, question->data_key);
    if (question->owner)
        grant_journal_follow(journal, connector, question->owner, question->stored);
    if (question->is_trial && !question->stored)
        grant_journal_keep_longer(journal);
    struct vendor_connection_config config = {
        .target = question->target,
        .stored = question->stored ? &question->stored->tokens : NULL,
        .renews = question->renews,
        .journal = &token_grants,
        .region = question->key.region,
        .secret_arn = question->credentials_arn,
        .request_id = question->request_id,
        .arena = arena,
        .deadline_ms = question->deadline_ms != 0 ? question->deadline_ms
                                                  : begun_ms + context->verify_timeout_ms,
        .withheld = question->withheld | (question->is_trial ? DRY_RUN_WITHHOLDS : 0),
        .withheld_note = question->is_trial
                             ? STR("The code or assertion beside it was not used: it would have "
                                   "been used up.")
                             : STR_NULL,
        .times = question->times,
        .end = question->end,
    };
    int64_t begun_us = clock_mono_us();
    bool accepted = connector->ops->verify(&config, ret_verdict, ret_tokens);
    count(connector, ret_verdict->kind, clock_mono_us() - begun_us);
    return accepted;
}
