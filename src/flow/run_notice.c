/* All events have the same head and the same first members of their detail. */
#include "flow/run_notice.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "base/random.h"
#include "flow/definition.h"
#include "flow/flow.h"
#include "job/job.h"
#include "store/event_queue.h"
#include "vault/crypto.h"

enum { ID_BYTES = 16 }; /* of the resource's id: 32 hexadecimal digits */

struct notice {
    struct flow_key flow;
    struct flow_definition definition; /* all absent: unknown */
    struct arena *arena;
    struct value *event, *detail;
};

/* 2023-08-29T12:55:23.835Z[UTC] */
static struct str detail_time(struct arena *arena, int64_t at_ms)
{
    char text[CLOCK_TEXT_SIZE];
    clock_text(at_ms, text);
    struct str seconds = str_from(text);
    seconds.len--; /* the Z */
    return arena_printf(arena, "%.*s.%03dZ[UTC]", STR_ARG(seconds), (int)(at_ms % 1000));
}

static void put_number(const struct notice *notice, const char *name, int64_t number)
{
    value_put_text(notice->arena, notice->detail, name,
                   arena_printf(notice->arena, "%lld", (long long)number));
}

/* The type in capitals; where there is a profile, a slash and its name. */
static struct str end_text(struct arena *arena, const struct flow_end *end)
{
    struct buf text = buf_in(arena, 256);
    for (size_t i = 0; i < end->type.len; i++)
        buf_add(&text, (struct str){(char[]){ascii_upper(end->type.data[i])}, 1});
    if (end->connector && !end->connector->without_profiles && end->profile.data)
        buf_printf(&text, "/%.*s", STR_ARG(end->profile));
    return buf_str(&text);
}

/* s3://bucket/prefix, or the entity's name. */
static struct str object_text(struct arena *arena, const struct flow_end *end)
{
    const struct value *properties = flow_end_properties(end);
    struct str bucket = value_text(properties, "bucketName");
    struct str prefix = value_text(properties, "bucketPrefix");
    if (!bucket.data)
        return flow_end_entity(end);
    return arena_printf(arena, "s3://%.*s%s%.*s", STR_ARG(bucket), prefix.len > 0 ? "/" : "",
                        STR_ARG(prefix));
}

static struct str trigger_text(struct str trigger_type)
{
    if (str_eq(trigger_type, STR("OnDemand")))
        return STR("ONDEMAND");
    return str_eq(trigger_type, STR("Scheduled")) ? STR("SCHEDULED") : STR("EVENT");
}

/* The service's own resource is an id of 32 digits, not an ARN; rules match on either. */
static struct value *resources(struct arena *arena, struct str arn)
{
    unsigned char hash[CRYPTO_HASH_SIZE];
    char id[2 * ID_BYTES + 1];
    struct value *list = value_list(arena);
    crypto_sha256(arn, hash);
    encode_hex(hash, ID_BYTES, id);
    value_append(arena, list, value_string(arena, arena_copy(arena, str_from(id))));
    value_append(arena, list, value_string(arena, arn));
    return list;
}

static void put_ends(const struct notice *notice)
{
    struct arena *arena = notice->arena;
    const struct flow_definition *definition = &notice->definition;
    if (!definition->input)
        return;
    value_put_text(arena, notice->detail, "created-by", value_text(definition->input, "createdBy"));
    value_put_text(arena, notice->detail, "source", end_text(arena, &definition->source));
    value_put_text(arena, notice->detail, "destination", end_text(arena, &definition->destination));
    value_put_text(arena, notice->detail, "source-object", object_text(arena, &definition->source));
    value_put_text(arena, notice->detail, "destination-object",
                   object_text(arena, &definition->destination));
    value_put_text(arena, notice->detail, "trigger-type", trigger_text(definition->trigger_type));
}

static void begin(struct notice *notice, const char *type, int64_t now_ms)
{
    struct arena *arena = notice->arena;
    const struct flow_key *flow = &notice->flow;
    struct str arn = flow_arn(arena, flow);
    char id[UUID_SIZE], time[CLOCK_TEXT_SIZE];
    random_uuid(id);
    clock_text(now_ms, time);
    notice->event = value_structure(arena);
    notice->detail = value_structure(arena);
    value_put_text(arena, notice->event, "version", STR("0"));
    value_put_text(arena, notice->event, "id", arena_copy(arena, str_from(id)));
    value_put_text(arena, notice->event, "detail-type", str_from(type));
    value_put_text(arena, notice->event, "source", STR("aws.appflow"));
    value_put_text(arena, notice->event, "account", flow->account);
    value_put_text(arena, notice->event, "time", arena_copy(arena, str_from(time)));
    value_put_text(arena, notice->event, "region", flow->region);
    value_put(arena, notice->event, "resources", resources(arena, arn));
    value_put_text(arena, notice->detail, "flow-name", flow->name);
    value_put_text(arena, notice->detail, "flow-arn", arn);
    put_ends(notice);
}

/* Both of a run's events have these. How the service writes the range is not published: here as an
 * interval of ISO 8601, of the times that dataPullStartTime and dataPullEndTime have. */
static void put_run(const struct notice *notice, const struct flow_run_row *run)
{
    struct arena *arena = notice->arena;
    value_put_text(arena, notice->detail, "execution-id", run->id);
    value_put_text(arena, notice->detail, "start-time", detail_time(arena, run->started_at_ms));
    if (run->window_to_ms != 0)
        value_put_text(arena, notice->detail, "incremental-transfer-time-range",
                       arena_printf(arena, "%.*s/%.*s",
                                    STR_ARG(detail_time(arena, run->window_from_ms)),
                                    STR_ARG(detail_time(arena, run->window_to_ms))));
}

/* The same event for each receiver, which take it at times of their own. */
static bool add(const struct notice *notice, struct db *db, const struct profile_context *context,
                struct error *error)
{
    const struct flow_key *flow = &notice->flow;
    struct buf json = buf_in(notice->arena, FLOW_NOTICE_MAX);
    struct event_key key = {flow->account, flow->region,
                            arena_printf(notice->arena, EVENT_OF_FLOW "%.*s", STR_ARG(flow->name))};
    value_put(notice->arena, notice->event, "detail", notice->detail);
    value_encode(&json, notice->event);
    if (json.overflow) { /* not with what the model lets in, and the messages that runs have */
        log_warn("An event of flow %.*s (account %.*s, %.*s) is longer than %d bytes, and is not "
                 "sent.",
                 STR_ARG(flow->name), STR_ARG(flow->account), STR_ARG(flow->region),
                 FLOW_NOTICE_MAX);
        return true;
    }
    if (context->webhook && !event_queue_add(db, key, buf_str(&json), error))
        return false;
    key.subject = arena_printf(notice->arena, EVENT_FOR_BUS "%.*s", STR_ARG(flow->name));
    return !context->event_bus || event_queue_add(db, key, buf_str(&json), error);
}

bool flow_notices_are_on(const struct profile_context *context)
{
    return context->webhook || context->event_bus;
}

void flow_notices_look(const struct profile_context *context)
{
    if (context->webhook)
        job_runner_look(context->webhook);
    if (context->event_bus)
        job_runner_look(context->event_bus);
}

static struct notice notice_of(struct flow_key flow, const struct value *definition,
                               struct arena *arena)
{
    struct notice notice = {.flow = flow, .arena = arena};
    if (definition)
        flow_definition_read(definition, &notice.definition);
    return notice;
}

bool flow_run_notice_start(struct db *db, const struct profile_context *context,
                           const struct flow_run_row *run, const struct value *definition,
                           struct arena *arena, struct error *error)
{
    if (!flow_notices_are_on(context))
        return true;
    struct notice notice = notice_of(run->flow, definition, arena);
    begin(&notice, "AppFlow Start Flow Run Report", run->started_at_ms);
    put_run(&notice, run);
    return add(&notice, db, context, error);
}

/* The service's words for the first two are seen; nothing is published for the third. */
static struct str status_text(enum run_state state)
{
    if (state == RUN_SUCCESSFUL)
        return STR("Execution Successful");
    return state == RUN_CANCELED ? STR("Execution Canceled") : STR("Execution Failed");
}

bool flow_run_notice_end(struct db *db, const struct profile_context *context,
                         const struct flow_run_row *run, enum run_state state,
                         const struct flow_progress *progress, const struct value *definition,
                         struct arena *arena, struct error *error)
{
    if (!flow_notices_are_on(context))
        return true;
    struct notice notice = notice_of(run->flow, definition, arena);
    begin(&notice, "AppFlow End Flow Run Report", run->updated_at_ms);
    put_run(&notice, run);
    value_put_text(arena, notice.detail, "end-time", detail_time(arena, run->updated_at_ms));
    put_number(&notice, "num-of-records-processed", run->counts.records);
    put_number(&notice, "num-of-record-failures", (int64_t)flow_progress_failures(progress));
    put_number(&notice, "num-of-records-filtered", (int64_t)progress->left_out[LEFT_FILTERED]);
    put_number(&notice, "num-of-documents-processed",
               0); /* files of records: no connector reads any */
    put_number(&notice, "data-processed", run->counts.bytes_written);
    value_put_text(arena, notice.detail, "status", status_text(state));
    if (state == RUN_ERROR)
        value_put_text(arena, notice.detail, "error", run->message);
    return add(&notice, db, context, error);
}

bool flow_notice_deactivated(struct db *db, const struct profile_context *context,
                             struct flow_key flow, int64_t at_ms, struct str reason,
                             const struct value *definition, struct arena *arena,
                             struct error *error)
{
    if (!flow_notices_are_on(context))
        return true;
    struct notice notice = notice_of(flow, definition, arena);
    begin(&notice, "AppFlow Scheduled Flow Deactivated", at_ms);
    value_put_text(arena, notice.detail, "deactivation-reason", reason);
    value_put_text(arena, notice.detail, "deactivation-time", detail_time(arena, at_ms));
    return add(&notice, db, context, error);
}
