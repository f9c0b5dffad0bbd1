/* A connection without credentials, tokens and journal: the connector finds its own way to the
 * account's rights. */
#include "profile/connector_metadata.h"

#include "base/clock.h"
#include "connector/connection.h"
#include "connector/connector.h"

struct connector_question {
    const struct profile_context *context;
    struct arena *arena;
    const struct metadata_question *question;
    struct target target;
    int64_t deadline_ms; /* on clock_mono_ms() */
};

struct profile_key connector_metadata_key(const struct connector *connector, struct arena *arena,
                                          struct str account, struct str region)
{
    return (struct profile_key){account, region,
                                arena_printf(arena, ":%.*s", STR_ARG(connector->type))};
}

static bool find_resets(const struct connector_question *asking, struct metadata_resets *ret_resets,
                        struct error *error)
{
    struct store *store = asking->context->store;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, error))
        return false;
    bool found = metadata_resets_find(reader, asking->question->key, ret_resets, error);
    store_point_reader_put(store, reader);
    return found;
}

static struct str cache_key(const struct connector_question *asking,
                            const struct metadata_resets *resets)
{
    const struct metadata_question *question = asking->question;
    struct str prefix = metadata_prefix(asking->arena, &question->key, question->kind);
    int64_t count = question->kind == METADATA_LIST ? resets->names : resets->details;
    return arena_printf(asking->arena, "%.*s%lld%s%.*s", STR_ARG(prefix), (long long)count,
                        question->query.name.data ? "\n" : "", STR_ARG(question->query.name));
}

static bool ask(void *context, struct metadata *metadata, struct error *error)
{
    struct connector_question *asking = context;
    const struct vendor_connection_config config = {
        .target = &asking->target,
        .region = asking->question->key.region,
        .request_id = asking->question->request_id,
        .arena = asking->arena,
        .deadline_ms = asking->deadline_ms,
    };
    struct vendor_connection *connection = vendor_connection_new(&config);
    bool found = metadata_call(asking->question, connection, metadata);
    struct verdict verdict = vendor_verdict(connection);
    return found || metadata_fail(asking->target.connector, &verdict, asking->arena, error);
}

struct metadata *connector_metadata(const struct profile_context *context,
                                    const struct connector *connector, struct arena *arena,
                                    const struct metadata_question *question, struct error *error)
{
    struct connector_question asking = {
        .context = context,
        .arena = arena,
        .question = question,
        .deadline_ms = clock_mono_ms() + context->verify_timeout_ms,
    };
    const struct target_source source = {
        .connector = connector,
        .env = context->connectors,
        .properties = value_structure(arena),
        .account = question->key.account,
    };
    struct metadata_resets resets;
    if (!find_resets(&asking, &resets, error))
        return NULL;
    target_resolve(&asking.target, &source, arena);
    const struct metadata_lookup lookup = {
        .cache = context->metadata,
        .account = question->key.account,
        .key = cache_key(&asking, &resets),
        .connector_type = connector->type,
        .deadline_ms = asking.deadline_ms,
        .get = ask,
        .context = &asking,
    };
    return metadata_look_up(&lookup, arena, error);
}
