/* From a question to the cache, or to the vendor and into the cache. */
#include "profile/metadata.h"

#include "base/clock.h"
#include "base/fault.h"
#include "connector/connection.h"
#include "connector/connector.h"
#include "profile/fallback.h"
#include "profile/vendor_access.h"
#include "wire/errors.h"

struct metadata_request {
    const struct profile_context *context;
    struct arena *arena;
    const struct metadata_question *question;
    struct vendor_access access;
    struct metadata_resets resets;
    int64_t deadline_ms; /* of all of it, on clock_mono_ms() */
    struct error *error;
};

/* --- the profile --- */

static bool load(struct metadata_request *asking)
{
    struct store *store = asking->context->store;
    struct store_reader *reader;
    struct profile_key key = asking->question->key;
    if (!store_point_reader_take(store, &reader, asking->error))
        return false;
    bool ok = vendor_access_find(&asking->access, reader, key, asking->error) &&
              metadata_resets_find(reader, key, &asking->resets, asking->error);
    store_point_reader_put(store, reader);
    return ok;
}

static bool check_type(const struct metadata_request *asking)
{
    struct str wanted = asking->question->connector_type,
               type = asking->access.profile.connector_type;
    return !wanted.data || str_eq(wanted, type) ||
           fail(asking->error, ERR_VALIDATION,
                "Connector Profile with name %.*s is of connectorType %.*s, not of %.*s.",
                STR_ARG(asking->question->key.name), STR_ARG(type), STR_ARG(wanted));
}

static bool has_operation(const struct metadata_request *asking)
{
    const struct connector *connector = asking->access.target.connector;
    return connector_has_entities(connector) ||
           fail(asking->error, ERR_NOT_IMPLEMENTED,
                "Headgate %s cannot list or describe the entities of %.*s.", HEADGATE_VERSION,
                STR_ARG(connector->type));
}

static bool check_query(const struct metadata_request *asking)
{
    const struct connector_ops *ops = asking->access.target.connector->ops;
    return !ops->check_query ||
           ops->check_query(&asking->access.target, &asking->question->query, asking->error);
}

/* --- the vendor --- */

/* True: the answer is there, or *ret_verdict says why not. */
static bool ask_vendor(struct metadata_request *asking, struct metadata *metadata, bool *ret_found,
                       struct verdict *ret_verdict)
{
    struct vendor_connection *connection =
        vendor_access_connect(&asking->access, asking->deadline_ms);
    *ret_found = metadata_call(asking->question, connection, metadata);
    fault_point("metadata:asked");
    return vendor_access_close(&asking->access, ret_verdict, asking->error);
}

/* Once more when a reference leads to another secret than the one that was rejected. */
static bool ask_twice(struct metadata_request *asking, struct metadata *metadata, bool *ret_found,
                      struct verdict *ret_verdict)
{
    if (!ask_vendor(asking, metadata, ret_found, ret_verdict))
        return false;
    return *ret_found || ret_verdict->kind != VERDICT_REJECTED ||
           !vendor_access_reread(&asking->access, asking->error) ||
           ask_vendor(asking, metadata, ret_found, ret_verdict);
}

/* The profile has other credentials now, whose verification took of the time. */
static bool load_again(struct metadata_request *asking)
{
    asking->deadline_ms = clock_mono_ms() + asking->context->verify_timeout_ms;
    return load(asking) && vendor_access_target(&asking->access, asking->error) &&
           vendor_access_load(&asking->access, asking->error);
}

static bool ask(struct metadata_request *asking, struct metadata *metadata)
{
    struct verdict verdict = {0};
    bool found = false;
    if (!ask_twice(asking, metadata, &found, &verdict))
        return false;
    if (!found &&
        profile_fall_back(asking->context, &asking->access.profile, &verdict,
                          asking->question->request_id, asking->deadline_ms,
                          asking->arena) == FALLBACK_DONE &&
        !(load_again(asking) && ask_vendor(asking, metadata, &found, &verdict)))
        return false;
    if (!found && asking->question->verdict)
        *asking->question->verdict = verdict;
    return found ||
           metadata_fail(asking->access.target.connector, &verdict, asking->arena, asking->error);
}

/* --- the cache --- */

/* Of what a registered connector says, its registration and the API version are a part; other
 * connectors have one version. */
static struct str key_of(const struct metadata_request *asking)
{
    const struct metadata_question *question = asking->question;
    const struct connector *connector = asking->access.target.connector;
    struct str version = connector->ops->check_query ? question->query.api_version : STR_NULL;
    int64_t resets =
        question->kind == METADATA_LIST ? asking->resets.names : asking->resets.details;
    return arena_printf(asking->arena, "%.*s%lld %lld %lld %.*s%s%.*s",
                        STR_ARG(metadata_prefix(asking->arena, &question->key, question->kind)),
                        (long long)asking->access.profile.version, (long long)resets,
                        (long long)connector->version, STR_ARG(version),
                        question->query.name.data ? "\n" : "", STR_ARG(question->query.name));
}

static bool get(void *context, struct metadata *metadata, struct error *error)
{
    struct metadata_request *asking = context;
    (void)error; /* which is asking->error */
    return vendor_access_load(&asking->access, asking->error) && ask(asking, metadata);
}

struct metadata *profile_metadata(const struct profile_context *context, struct arena *arena,
                                  const struct metadata_question *question, struct error *error)
{
    struct metadata_request asking = {
        .context = context,
        .arena = arena,
        .question = question,
        .access = {.context = context,
                   .arena = arena,
                   .request_id = question->request_id,
                   .gate = question->gate,
                   .without_waits = question->gate != NULL},
        .deadline_ms = clock_mono_ms() + context->verify_timeout_ms,
        .error = error,
    };
    if (!load(&asking) || !check_type(&asking) || !vendor_access_target(&asking.access, error) ||
        !has_operation(&asking) || !check_query(&asking))
        return NULL;
    const struct metadata_lookup lookup = {
        .cache = context->metadata,
        .account = question->key.account,
        .key = key_of(&asking),
        .connector_type = asking.access.profile.connector_type,
        .deadline_ms = asking.deadline_ms,
        .get = get,
        .context = &asking,
    };
    return metadata_look_up(&lookup, arena, error);
}

void profile_metadata_forget(const struct profile_context *context, struct arena *arena,
                             const struct profile_key *key, const struct metadata_resets *resets)
{
    if (resets->names > 0)
        metadata_cache_drop(context->metadata, metadata_prefix(arena, key, METADATA_LIST));
    if (resets->details > 0)
        metadata_cache_drop(context->metadata, metadata_prefix(arena, key, METADATA_FIELDS));
}
