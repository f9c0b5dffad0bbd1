/* The requests of the contract. Members that are not set are left out: the SDKs read absent and
 * null alike. */
#include "connector/custom/contract.h"

#include "base/buf.h"

#include <assert.h>

static const struct {
    const char *name;
    int64_t time_ms;
} functions[CONTRACT_FUNCTIONS] = {
    [CONTRACT_DESCRIBE_CONFIGURATION] = {"DescribeConnectorConfiguration", FUNCTION_TIME_MS},
    [CONTRACT_VALIDATE_SETTINGS] = {"ValidateConnectorRuntimeSettings", FUNCTION_TIME_MS},
    [CONTRACT_VALIDATE_CREDENTIALS] = {"ValidateCredentials", FUNCTION_TIME_MS},
    [CONTRACT_LIST_ENTITIES] = {"ListEntities", FUNCTION_TIME_MS},
    [CONTRACT_DESCRIBE_ENTITY] = {"DescribeEntity", FUNCTION_TIME_MS},
    [CONTRACT_QUERY_DATA] = {"QueryData", FUNCTION_DATA_TIME_MS},
    [CONTRACT_RETRIEVE_DATA] = {"RetrieveData", FUNCTION_DATA_TIME_MS},
    [CONTRACT_WRITE_DATA] = {"WriteData", FUNCTION_DATA_TIME_MS},
};

static const struct {
    struct str api, contract;
} authentication_types[] = {
    {STR("BASIC"), STR("BasicAuth")},
    {STR("OAUTH2"), STR("OAuth2")},
    {STR("APIKEY"), STR("ApiKey")},
    {STR("CUSTOM"), STR("CustomAuth")},
};

const char *contract_function_name(enum contract_function function)
{
    return functions[function].name;
}

int64_t contract_time_ms(enum contract_function function)
{
    return functions[function].time_ms;
}

struct str contract_authentication_type(struct str authentication_type)
{
    for (size_t i = 0; i < sizeof(authentication_types) / sizeof(*authentication_types); i++) {
        if (str_eq(authentication_types[i].api, authentication_type))
            return authentication_types[i].contract;
    }
    return STR_NULL;
}

static struct value *request_of(struct arena *arena, enum contract_function function)
{
    struct value *request = value_structure(arena);
    value_put_text(arena, request, "type",
                   arena_printf(arena, "%sRequest", functions[function].name));
    return request;
}

static struct str encoded(struct arena *arena, const struct value *request)
{
    struct buf json = buf_in(arena, FUNCTION_PAYLOAD_MAX);
    value_encode(&json, request);
    assert(!json.overflow); /* of a request to this server, which is far shorter */
    return buf_str(&json);
}

/* The SDKs want the map also where it is empty. The value is written and not changed. */
static void put_settings(struct arena *arena, struct value *request, const struct value *settings)
{
    value_put(arena, request, "connectorRuntimeSettings",
              settings ? (struct value *)settings : value_structure(arena));
}

/* NULL puts nothing. The value is written and not changed. */
static void put_known(struct arena *arena, struct value *request, const char *name,
                      const struct value *value)
{
    if (value)
        value_put(arena, request, name, (struct value *)value);
}

static struct value *credentials_of(struct arena *arena,
                                    const struct contract_credentials *credentials)
{
    struct value *value = value_structure(arena);
    value_put_text(arena, value, "secretArn", credentials->secret_arn);
    value_put_text(arena, value, "authenticationType",
                   contract_authentication_type(credentials->authentication_type));
    return value;
}

static struct value *context_of(struct arena *arena, const struct contract_context *context)
{
    struct value *value = value_structure(arena);
    put_settings(arena, value, context->settings);
    value_put(arena, value, "credentials", credentials_of(arena, &context->credentials));
    value_put_text(arena, value, "apiVersion", context->api_version);
    value_put_text(arena, value, "connectorProfileLabel", context->profile_name);
    put_known(arena, value, "entityDefinition", context->definition);
    return value;
}

struct str contract_describe_configuration(struct arena *arena, struct str label)
{
    struct value *request = request_of(arena, CONTRACT_DESCRIBE_CONFIGURATION);
    value_put_text(arena, request, "locale", STR("en-US"));
    value_put_text(arena, request, "connectorLabel", label);
    return encoded(arena, request);
}

struct str contract_validate_settings(struct arena *arena, const struct value *settings,
                                      struct str authentication_type)
{
    struct value *request = request_of(arena, CONTRACT_VALIDATE_SETTINGS);
    value_put_text(arena, request, "scope", STR("CONNECTOR_PROFILE"));
    put_settings(arena, request, settings);
    value_put_text(arena, request, "authenticationType",
                   contract_authentication_type(authentication_type));
    return encoded(arena, request);
}

struct str contract_validate_credentials(struct arena *arena, const struct value *settings,
                                         const struct contract_credentials *credentials)
{
    struct value *request = request_of(arena, CONTRACT_VALIDATE_CREDENTIALS);
    value_put(arena, request, "credentials", credentials_of(arena, credentials));
    put_settings(arena, request, settings);
    return encoded(arena, request);
}

struct str contract_list_entities(struct arena *arena, const struct contract_context *context,
                                  struct str path, int64_t max, struct str next_token)
{
    struct value *request = request_of(arena, CONTRACT_LIST_ENTITIES);
    value_put(arena, request, "connectorContext", context_of(arena, context));
    value_put_text(arena, request, "entitiesPath", path);
    value_put_integer(arena, request, "maxResult", max); /* so in both SDKs, without an s */
    value_put_text(arena, request, "nextToken", next_token);
    return encoded(arena, request);
}

struct str contract_describe_entity(struct arena *arena, const struct contract_context *context,
                                    struct str entity)
{
    struct value *request = request_of(arena, CONTRACT_DESCRIBE_ENTITY);
    value_put_text(arena, request, "entityIdentifier", entity);
    value_put(arena, request, "connectorContext", context_of(arena, context));
    return encoded(arena, request);
}

/* --- records --- */

static struct value *records_request(struct arena *arena, enum contract_function function,
                                     const struct contract_context *context,
                                     const struct contract_records *records)
{
    struct value *request = request_of(arena, function);
    value_put_text(arena, request, "entityIdentifier", records->entity);
    value_put(arena, request, "connectorContext", context_of(arena, context));
    return request;
}

/* These grow with what a flow carries. */
static struct str encoded_records(struct arena *arena, const struct value *request)
{
    struct buf json = buf_in(arena, FUNCTION_PAYLOAD_MAX);
    value_encode(&json, request);
    return json.overflow ? STR_NULL : buf_str(&json);
}

struct str contract_query_data(struct arena *arena, const struct contract_context *context,
                               const struct contract_records *records)
{
    struct value *request = records_request(arena, CONTRACT_QUERY_DATA, context, records);
    put_known(arena, request, "selectedFieldNames", records->fields);
    value_put_text(arena, request, "filterExpression", records->filter);
    value_put_integer(arena, request, "maxResults",
                      records->max); /* with an s, unlike ListEntities */
    value_put_text(arena, request, "nextToken", records->next_token);
    return encoded_records(arena, request);
}

struct str contract_retrieve_data(struct arena *arena, const struct contract_context *context,
                                  const struct contract_records *records)
{
    struct value *request = records_request(arena, CONTRACT_RETRIEVE_DATA, context, records);
    put_known(arena, request, "selectedFieldNames", records->fields);
    value_put_text(arena, request, "idFieldName", records->id_field);
    put_known(arena, request, "ids", records->ids);
    return encoded_records(arena, request);
}

struct str contract_write_data(struct arena *arena, const struct contract_context *context,
                               const struct contract_records *records)
{
    struct value *request = records_request(arena, CONTRACT_WRITE_DATA, context, records);
    value_put_text(arena, request, "operation", records->operation);
    put_known(arena, request, "idFieldNames", records->id_fields);
    put_known(arena, request, "records", records->records);
    value_put_flag(arena, request, "allOrNone", records->all_or_none);
    return encoded_records(arena, request);
}
