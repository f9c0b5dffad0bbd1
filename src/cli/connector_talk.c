/* What each request needs, and what each answer gives. */
#include "cli/connector_talk.h"

#include "cli/connector_options.h"
#include "connector/custom/contract_configuration.h"
#include "wire/json_value.h"

#include <string.h>

enum { PAGE_MAX = 1000 }; /* entities or records, as AppFlow asks for */

/* --- from options --- */

/* Each record is a text of its own in the request. */
static const struct value *texts_of(const struct value *records, struct arena *arena)
{
    struct value *list = value_list(arena);
    for (size_t i = 0; records && i < records->count; i++) {
        struct buf json = buf_in(arena, FUNCTION_PAYLOAD_MAX);
        value_encode(&json, records->items[i]);
        value_append(arena, list, value_string(arena, buf_str(&json)));
    }
    return records ? list : NULL;
}

bool connector_talk_new(const struct options *options, struct connector_host *host,
                        bool with_secret, struct arena *arena, struct connector_talk *ret_talk,
                        struct error *error)
{
    const struct value *settings, *records;
    if (!connector_option_json(options, "settings", VALUE_STRUCTURE, arena, &settings, error) ||
        !connector_option_json(options, "records", VALUE_LIST, arena, &records, error))
        return false;
    *ret_talk = (struct connector_talk){
        .host = host,
        .arena = arena,
        .context = {.settings = settings,
                    .credentials = {.secret_arn = with_secret ? STR(HOST_SECRET_ARN) : STR_NULL,
                                    .authentication_type =
                                        str_from(options_text(options, "authentication"))},
                    .api_version = str_from(options_text(options, "api-version")),
                    .profile_name = STR("connector")},
        .records = {.entity = str_from(options_text(options, "entity")),
                    .fields = connector_option_list(options, "fields", arena),
                    .filter = str_from(options_text(options, "filter")),
                    .max = PAGE_MAX,
                    .id_field = str_from(options_text(options, "id-field")),
                    .ids = connector_option_list(options, "ids", arena),
                    .operation = str_from(options_text(options, "operation")),
                    .records = texts_of(records, arena)},
        .path = str_from(options_text(options, "path")),
    };
    return true;
}

const char *connector_talk_lacks(const struct connector_talk *talk, enum contract_function function)
{
    const struct contract_records *records = &talk->records;
    bool has_secret = talk->context.credentials.secret_arn.data != NULL;
    if (function == CONTRACT_VALIDATE_CREDENTIALS && !has_secret)
        return "give --secret-file or --secret-variable";
    if (function >= CONTRACT_DESCRIBE_ENTITY && !records->entity.data)
        return "no entity is listed: give --entity";
    if (function == CONTRACT_RETRIEVE_DATA && !records->id_field.data)
        return "no field is the primary key: give --id-field";
    if (function == CONTRACT_RETRIEVE_DATA && !records->ids)
        return "no record was found: give --ids";
    if (function == CONTRACT_WRITE_DATA && (!records->operation.data || !records->records))
        return "it changes data: give --operation and --records";
    return NULL;
}

static struct str request_of(struct connector_talk *talk, enum contract_function function,
                             struct str next_token)
{
    const struct contract_context *context = &talk->context;
    struct contract_records records = talk->records;
    records.next_token = next_token;
    switch (function) {
    case CONTRACT_DESCRIBE_CONFIGURATION:
        return contract_describe_configuration(talk->arena, STR("connector"));
    case CONTRACT_VALIDATE_SETTINGS:
        return contract_validate_settings(talk->arena, context->settings,
                                          context->credentials.authentication_type);
    case CONTRACT_VALIDATE_CREDENTIALS:
        return contract_validate_credentials(talk->arena, context->settings, &context->credentials);
    case CONTRACT_LIST_ENTITIES:
        return contract_list_entities(talk->arena, context, talk->path, PAGE_MAX, next_token);
    case CONTRACT_DESCRIBE_ENTITY:
        return contract_describe_entity(talk->arena, context, records.entity);
    case CONTRACT_QUERY_DATA:
        return contract_query_data(talk->arena, context, &records);
    case CONTRACT_RETRIEVE_DATA:
        return contract_retrieve_data(talk->arena, context, &records);
    case CONTRACT_WRITE_DATA:
        return contract_write_data(talk->arena, context, &records);
    case CONTRACT_FUNCTIONS:
        break;
    }
    return STR_NULL;
}

/* --- from answers --- */

static void learn_configuration(struct connector_talk *talk, const struct value *answer)
{
    static const struct {
        const char *flag;
        struct str type;
    } types[] = {
        {"isApiKeyAuthSupported", STR("APIKEY")},
        {"isBasicAuthSupported", STR("BASIC")},
        {"isOAuth2Supported", STR("OAUTH2")},
        {"isCustomAuthSupported", STR("CUSTOM")},
    };
    const struct value *versions = value_get(answer, "supportedApiVersions");
    const struct value *authentication = value_get(answer, "authenticationConfig");
    struct str *type = &talk->context.credentials.authentication_type;
    if (!talk->context.api_version.data && versions && versions->count > 0 &&
        versions->items[0]->kind == VALUE_STRING)
        talk->context.api_version = versions->items[0]->text;
    for (size_t i = 0; !type->data && i < sizeof(types) / sizeof(*types); i++) {
        if (value_flag(authentication, types[i].flag, false))
            *type = types[i].type;
    }
}

static void learn_definition(struct connector_talk *talk, const struct value *answer)
{
    const struct value *definition = value_get(answer, "entityDefinition");
    const struct value *fields = value_get(definition, "fields");
    bool all = !talk->records.fields;
    struct value *names = value_list(talk->arena);
    for (size_t i = 0; fields && i < fields->count; i++) {
        struct str name = value_text(fields->items[i], "fieldName");
        const struct value *read = value_get(fields->items[i], "readProperties");
        if (name.data && value_flag(fields->items[i], "isPrimaryKey", false) &&
            !talk->records.id_field.data)
            talk->records.id_field = name;
        if (name.data && value_flag(read, "isRetrievable", true))
            value_append(talk->arena, names, value_string(talk->arena, name));
    }
    talk->context.definition = definition;
    if (all && names->count > 0)
        talk->records.fields = names;
}

/* The ids of the records of a page, as texts. */
static void learn_records(struct connector_talk *talk, const struct value *answer)
{
    const struct value *records = value_get(answer, "records");
    struct value *ids = value_list(talk->arena);
    if (talk->records.ids || !talk->records.id_field.data)
        return;
    const char *field = arena_cstr(talk->arena, talk->records.id_field);
    for (size_t i = 0; records && i < records->count; i++) {
        struct value *record;
        struct buf text = buf_in(talk->arena, FUNCTION_PAYLOAD_MAX);
        if (records->items[i]->kind != VALUE_STRING ||
            !json_parse(records->items[i]->text, talk->arena, &record))
            continue;
        const struct value *id = value_get(record, field);
        if (id && id->kind == VALUE_STRING)
            buf_add(&text, id->text);
        else if (id && id->kind == VALUE_INTEGER)
            buf_add_i64(&text, id->integer);
        if (text.len > 0)
            value_append(talk->arena, ids, value_string(talk->arena, buf_str(&text)));
    }
    if (ids->count > 0)
        talk->records.ids = ids;
}

static void learn(struct connector_talk *talk, enum contract_function function,
                  const struct talk_answer *answer)
{
    const struct value *body = answer->contract.body;
    if (function == CONTRACT_DESCRIBE_CONFIGURATION)
        learn_configuration(talk, body);
    else if (function == CONTRACT_LIST_ENTITIES && !talk->records.entity.data)
        talk->records.entity = answer->page.first;
    else if (function == CONTRACT_DESCRIBE_ENTITY)
        learn_definition(talk, body);
    else if (function == CONTRACT_QUERY_DATA)
        learn_records(talk, body);
}

/* --- an exchange --- */

/* What it says about itself is checked as it is where it is registered. */
static struct str configuration_faults(const struct value *body, struct arena *arena)
{
    struct contract_configuration configuration;
    struct error error = {0};
    if (contract_configuration_read(body, arena, &configuration, &error))
        return STR("");
    return arena_printf(arena, "%s", error.message);
}

static struct str faults_of(struct connector_talk *talk, enum contract_function function,
                            struct talk_answer *answer)
{
    const struct value *body = answer->contract.body;
    struct contract_check check = contract_check_new(talk->arena);
    struct contract_place whole = contract_whole(&check, body);
    contract_check_answer(function, &whole, &answer->page);
    if (check.count > 0)
        return contract_check_text(&check, talk->arena);
    if (function == CONTRACT_DESCRIBE_CONFIGURATION)
        return configuration_faults(body, talk->arena);
    size_t sent = talk->records.records ? talk->records.records->count : 0;
    if (function == CONTRACT_WRITE_DATA && answer->page.count != sent)
        return arena_printf(talk->arena,
                            "/writeRecordResults: expected a result for each of %zu records, "
                            "found %zu",
                            sent, answer->page.count);
    return STR("");
}

void connector_talk_ask(struct connector_talk *talk, enum contract_function function,
                        struct str next_token, struct talk_answer *ret_answer)
{
    struct function_call call = connector_host_call_new(
        talk->host, request_of(talk, function, next_token), contract_time_ms(function));
    *ret_answer = (struct talk_answer){.page.cache_s = -1, .faults = STR("")};
    contract_invoke(connector_host_runner(talk->host), function, &call, talk->arena,
                    &ret_answer->contract);
    ret_answer->took_ms = connector_host_last(talk->host)->took_ms;
    if (ret_answer->contract.kind != VERDICT_ACCEPTED)
        return;
    ret_answer->faults = faults_of(talk, function, ret_answer);
    learn(talk, function, ret_answer);
}
