/* The answer to DescribeConnectorConfiguration: its members as tables (contract_shape.h), the rules
 * across them, and what the SDKs put where it leaves something out. */
#include "connector/custom/contract_configuration.h"

#include "connector/custom/contract.h"
#include "connector/custom/contract_shape.h"
#include "wire/api_ids.h"
#include "wire/json_value.h"

static const struct contract_word_row modes[] = {{"SOURCE", "SOURCE"},
                                                 {"DESTINATION", "DESTINATION"}};

/* In the order in which the real service lists them. */
static const struct contract_word_row triggers[] = {{"ONDEMAND", "OnDemand"},
                                                    {"SCHEDULED", "Scheduled"}};

static const struct contract_word_row scopes[] = {
    {"CONNECTOR_PROFILE", "CONNECTOR_PROFILE"},
    {"SOURCE", "SOURCE"},
    {"DESTINATION", "DESTINATION"},
    {"SOURCE_AND_DESTINATION", "SOURCE_AND_DESTINATION"}};

static const struct contract_member_row auth_parameter[] = {
    {.api = "key", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "isRequired", .contract = "required"},
    {.api = "label"},
    {.api = "description"},
    {.api = "isSensitiveField", .contract = "sensitiveField"},
    {.api = "connectorSuppliedValues"},
};

static const struct contract_member_row oauth2_parameter[] = {
    {.api = "key", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "isRequired", .contract = "required"},
    {.api = "label"},
    {.api = "description"},
    {.api = "isSensitiveField", .contract = "sensitiveField"},
    {.api = "connectorSuppliedValues"},
    {.api = "type", .flags = CONTRACT_NEEDED},
};

static const struct contract_member_row oauth2_defaults[] = {
    {.api = "oauthScopes", .contract = "oAuthScopes", .flags = CONTRACT_PATTERN},
    {.api = "tokenUrls",
     .contract = "tokenURL",
     .flags = CONTRACT_NEEDED | CONTRACT_PATTERN | CONTRACT_TEMPLATE},
    {.api = "authCodeUrls", .contract = "authURL", .flags = CONTRACT_PATTERN | CONTRACT_TEMPLATE},
    {.api = "oauth2GrantTypesSupported",
     .contract = "oAuth2GrantTypesSupported",
     .flags = CONTRACT_NEEDED},
    {.api = "oauth2CustomProperties",
     .other = "oAuth2CustomProperties",
     CONTRACT_MEMBERS(oauth2_parameter)},
};

static const struct contract_member_row custom_auth[] = {
    {.api = "customAuthenticationType",
     .contract = "authenticationType",
     .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "authParameters", CONTRACT_MEMBERS(auth_parameter)},
};

static const struct contract_member_row authentication[] = {
    {.api = "isBasicAuthSupported"},
    {.api = "isApiKeyAuthSupported"},
    {.api = "isOAuth2Supported"},
    {.api = "isCustomAuthSupported"},
    {.api = "oAuth2Defaults", CONTRACT_MEMBERS(oauth2_defaults)},
    {.api = "customAuthConfigs", .contract = "customAuthConfig", CONTRACT_MEMBERS(custom_auth)},
};

static const struct contract_member_row runtime_setting[] = {
    {.api = "key", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "dataType", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "isRequired", .contract = "required"},
    {.api = "label"},
    {.api = "description"},
    {.api = "scope", .flags = CONTRACT_NEEDED, CONTRACT_WORDS(scopes)},
    {.api = "connectorSuppliedValueOptions"},
};

static const struct contract_member_row declared[] = {
    {.api = "connectorOwner", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "connectorName", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "connectorVersion", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "connectorModes", .flags = CONTRACT_NEEDED, CONTRACT_WORDS(modes)},
    {.api = "authenticationConfig", CONTRACT_MEMBERS(authentication)},
    {.api = "connectorRuntimeSettings",
     .contract = "connectorRuntimeSetting",
     CONTRACT_MEMBERS(runtime_setting)},
    {.api = "supportedApiVersions", .flags = CONTRACT_NEEDED | CONTRACT_PATTERN},
    {.api = "supportedOperators", .contract = "operatorsSupported"},
    {.api = "supportedSchedulingFrequencies", .contract = "triggerFrequenciesSupported"},
    {.api = "supportedTriggerTypes", CONTRACT_WORDS(triggers)},
    {.api = "supportedWriteOperations"},
    {.api = "supportedDataTransferTypes"},
    {.api = "logoURL", .flags = CONTRACT_PATTERN},
};

/* --- rules across members --- */

static void check_authentication(const struct contract_place *whole)
{
    struct contract_place config = contract_member(whole, "authenticationConfig");
    struct contract_place defaults = contract_member(&config, "oAuth2Defaults");
    struct contract_place custom = contract_member(&config, "customAuthConfig");
    if (value_flag(config.value, "isOAuth2Supported", false) && !defaults.value)
        contract_fault(&defaults, "an object, since isOAuth2Supported is true");
    if (value_flag(config.value, "isCustomAuthSupported", false) && contract_count(&custom) == 0)
        contract_fault(&custom, "a list of at least one item, since isCustomAuthSupported is true");
}

static bool has_word(const struct value *list, const char *word)
{
    for (size_t i = 0; list && list->kind == VALUE_LIST && i < list->count; i++) {
        if (list->items[i]->kind == VALUE_STRING && str_eq(list->items[i]->text, str_from(word)))
            return true;
    }
    return false;
}

/* An explicit empty list; absent ones mean all of them. */
static void check_writes(const struct contract_place *whole)
{
    struct contract_place writes = contract_member(whole, "supportedWriteOperations");
    if (has_word(value_get(whole->value, "connectorModes"), "DESTINATION") && writes.value &&
        writes.value->kind == VALUE_LIST && writes.value->count == 0)
        contract_fault(&writes,
                       "a list of at least one item, since connectorModes has DESTINATION");
}

static struct str key_at(const struct value *settings, size_t index)
{
    return value_text(settings->items[index], "key");
}

static void check_keys(const struct contract_place *whole)
{
    struct contract_place settings = contract_member(whole, "connectorRuntimeSetting");
    const struct value *list = settings.value;
    if (!list || list->kind != VALUE_LIST || list->count > CONTRACT_LIST_MAX)
        return;
    for (size_t i = 0; i < list->count; i++) {
        bool repeated = false;
        for (size_t j = 0; j < i; j++)
            repeated =
                repeated || (key_at(list, i).data && str_eq(key_at(list, i), key_at(list, j)));
        struct contract_place item = contract_item(&settings, i);
        struct contract_place key = contract_member(&item, "key");
        if (repeated)
            contract_fault(&key, "a key that no setting before it has");
    }
}

/* --- defaults --- */

/* What the SDKs answer where a connector's author sets nothing: every word. */
static struct value *every_word(struct arena *arena, const struct contract_member_row *member,
                                const struct shape *list)
{
    const struct shape *shape = &api_shapes[list->element];
    struct value *all = value_list(arena);
    size_t count = member->words ? member->word_count : shape->enum_count;
    for (size_t i = 0; i < count; i++)
        value_append(arena, all,
                     value_string(arena, member->words ? str_from(member->words[i].api)
                                                       : shape->enum_values[i]));
    return all;
}

static void put_defaults(struct arena *arena, struct value *api)
{
    static const char *const every[] = {"supportedOperators", "supportedSchedulingFrequencies",
                                        "supportedTriggerTypes", "supportedWriteOperations"};
    const struct shape *shape = &api_shapes[API_SHAPE_ConnectorConfiguration];
    for (size_t i = 0; i < sizeof(declared) / sizeof(*declared); i++) {
        for (size_t j = 0; j < sizeof(every) / sizeof(*every); j++) {
            struct str name = str_from(every[j]);
            if (!str_eq(name, str_from(declared[i].api)) || value_get(api, every[j]))
                continue;
            const struct shape_member *member = shape_find_member(shape, name);
            value_put(arena, api, every[j],
                      every_word(arena, &declared[i], &api_shapes[member->shape]));
        }
    }
    if (value_get(api, "supportedDataTransferTypes"))
        return;
    struct value *records = value_list(arena);
    value_append(arena, records, value_string(arena, STR("RECORD")));
    value_put(arena, api, "supportedDataTransferTypes", records);
}

/* The flags that an answer leaves out are false: the real service shows all four. */
static void put_flags(struct arena *arena, const struct value *api)
{
    struct value *config = (struct value *)value_get(api, "authenticationConfig");
    for (size_t i = 0; config && i < 4; i++) {
        if (value_get(config, authentication[i].api))
            continue;
        value_put_flag(arena, config, authentication[i].api, false);
    }
}

/* In the order of the table, each once. */
static void sort_triggers(struct arena *arena, const struct value *api)
{
    struct value *list = (struct value *)value_get(api, "supportedTriggerTypes");
    struct value sorted = *value_list(arena);
    for (size_t i = 0; i < sizeof(triggers) / sizeof(*triggers); i++) {
        if (has_word(list, triggers[i].api))
            value_append(arena, &sorted, value_string(arena, str_from(triggers[i].api)));
    }
    if (list)
        *list = sorted;
}

/* --- the whole --- */

/* How the token endpoint is called, which the API does not show. */
static void check_oauth2(const struct contract_place *whole)
{
    static const char *const contents[] = {"URL_ENCODED", "APPLICATION_JSON"};
    static const char *const methods[] = {"HTTP_POST", "HTTP_GET"};
    struct contract_place config = contract_member(whole, "authenticationConfig");
    struct contract_place defaults = contract_member(&config, "oAuth2Defaults");
    struct contract_place content = contract_member(&defaults, "oAuth2ContentType");
    struct contract_place method = contract_member(&defaults, "oAuth2MethodType");
    (void)contract_word(&content, contents, 2);
    (void)contract_word(&method, methods, 2);
    (void)contract_flag(&defaults, "addBasicAuthHeader", false);
}

static struct buf encoded(const struct value *value, struct arena *arena)
{
    struct buf json = buf_in(arena, CONFIGURATION_JSON_MAX);
    value_encode(&json, value);
    return json;
}

bool contract_configuration_read(const struct value *answer, struct arena *arena,
                                 struct contract_configuration *ret_configuration,
                                 struct error *error)
{
    struct contract_check check = contract_check_new(arena);
    struct contract_place whole = contract_whole(&check, answer);
    const char *function = contract_function_name(CONTRACT_DESCRIBE_CONFIGURATION);
    if (!whole.value)
        return contract_check_end(&check, function, error);
    struct value *api = contract_shape_read(arena, &api_shapes[API_SHAPE_ConnectorConfiguration],
                                            declared, sizeof(declared) / sizeof(*declared), &whole);
    check_oauth2(&whole);
    check_authentication(&whole);
    check_writes(&whole);
    check_keys(&whole);
    if (encoded(answer, arena).overflow)
        contract_shape_fault(&whole, arena, "an object of at most %d bytes",
                             CONFIGURATION_JSON_MAX);
    put_defaults(arena, api);
    put_flags(arena, api);
    sort_triggers(arena, api);
    *ret_configuration = (struct contract_configuration){answer, api};
    return contract_check_end(&check, function, error);
}

struct str contract_configuration_store(const struct contract_configuration *configuration,
                                        struct arena *arena)
{
    struct buf json = encoded(configuration->declared, arena);
    return buf_str(&json);
}

struct str contract_configuration_summary(const struct contract_configuration *configuration,
                                          struct arena *arena)
{
    static const char *const members[] = {"connectorName", "connectorOwner", "connectorVersion",
                                          "connectorModes", "supportedDataTransferTypes"};
    struct value *summary = value_structure(arena);
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++)
        value_put(arena, summary, members[i],
                  (struct value *)value_get(configuration->api, members[i]));
    struct buf json = encoded(summary, arena);
    return buf_str(&json);
}

bool contract_configuration_load(struct str stored, struct arena *arena,
                                 struct contract_configuration *ret_configuration,
                                 struct error *error)
{
    struct value *answer;
    switch (json_parse_answer(stored, arena, &answer)) {
    case JSON_READ:
        return contract_configuration_read(answer, arena, ret_configuration, error);
    case JSON_NO_ROOM:
        return fail(error, ERR_THROTTLING,
                    "Rate exceeded: no memory is left for what the connector declares.");
    case JSON_UNFIT:
    case JSON_TOO_MANY:
        break;
    }
    return fail(error, ERR_INTERNAL, "What is stored of the connector is not JSON.");
}
