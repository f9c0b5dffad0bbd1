/* A registered connector's operations. To verify a profile,
 *   1. the function checks the settings (ValidateConnectorRuntimeSettings), before a one-time
 *      credential is used up for a profile that cannot work;
 *   2. tokens are got at the token URL, where the credentials are of OAuth 2;
 *   3. the function proves the credentials (ValidateCredentials), which it reads from the secret
 *      that the call grants it; one that it refuses is renewed by the next grant and shown again.
 *
 * Credentials go to the function, to the token URL, and to where the settings send the function.
 * All of that counts when a target is compared with an earlier one, so stored credentials go
 * nowhere else than before; and a function that hangs uses up its own share of the workers. */
#include "connector/custom/connector.h"

#include "base/buf.h"
#include "connector/custom/call.h"
#include "connector/custom/declared.h"
#include "connector/custom/entities.h"
#include "connector/custom/record_write.h"
#include "connector/custom/records.h"
#include "connector/http/http_connector.h"
#include "connector/http/internal.h"

enum {
    FIELDS_TEXT_MAX = 2048,          /* bytes of errorsByInputField in a message */
    SETTINGS_TEXT_MAX = 1024 * 1024, /* of all settings: the model has 50 with 2,048 characters */
};

/* Which of the settings tells the function where to go (an instance's URL) is its own affair. */
static struct str settings_text(const struct target *target)
{
    struct buf text = buf_in(target->arena, SETTINGS_TEXT_MAX);
    const struct value *settings = value_get(target->properties, "profileProperties");
    if (settings && settings->count > 0)
        value_encode(&text, settings);
    return buf_str(&text);
}

static void resolve(struct target *target)
{
    const struct custom_connector *custom = target->connector->custom;
    http_resolve(target);
    struct str *origins = arena_array(target->arena, struct str, target->origin_count + 1);
    for (size_t i = 0; i < target->origin_count; i++)
        origins[i] = target->origins[i];
    origins[target->origin_count] =
        arena_printf(target->arena, "function:%.*s", STR_ARG(custom->function_arn));
    target_set_origins(target, origins, target->origin_count + 1);
    target->receiver_settings = settings_text(target);
}

static const struct value *settings_of(const struct vendor_connection *connection)
{
    return value_get(connection->target->properties, "profileProperties");
}

/* --- settings --- */

/* errorsByInputField: a message for each setting. */
static struct str text_of_fields(struct arena *arena, const struct value *body)
{
    const struct value *fields = value_get(body, "errorsByInputField");
    struct buf text = buf_in(arena, FIELDS_TEXT_MAX);
    for (size_t i = 0; fields && fields->kind == VALUE_STRUCTURE && i < fields->count; i++) {
        const struct value *message = fields->items[i];
        buf_printf(&text, "%s%.*s: %.*s", i == 0 ? "" : "; ", STR_ARG(fields->names[i]),
                   STR_ARG(message->kind == VALUE_STRING ? message->text : STR("refused")));
    }
    return buf_str(&text);
}

static bool validate_settings(struct vendor_connection *connection)
{
    struct function_call call = custom_call_new(connection, false);
    struct contract_answer answer = {0};
    call.payload = contract_validate_settings(connection->arena, settings_of(connection),
                                              custom_authentication_type(connection->target));
    if (custom_call(connection, CONTRACT_VALIDATE_SETTINGS, &call, STEP_SETTINGS, true, &answer))
        return true;
    struct str fields = text_of_fields(connection->arena, answer.body);
    if (fields.len > 0)
        vendor_fail(connection, VERDICT_MISCONFIGURED, STEP_SETTINGS, fields,
                    "Check profileProperties.");
    return false;
}

/* --- credentials --- */

static bool validate_credentials(struct vendor_connection *connection)
{
    struct function_call call = custom_call_new(connection, true);
    struct contract_credentials credentials;
    struct contract_answer answer = {0};
    call.secret_is_new = true;
    if (!custom_call_place_secret(connection, &call, STEP_API, &credentials))
        return false;
    call.payload =
        contract_validate_credentials(connection->arena, settings_of(connection), &credentials);
    return custom_call(connection, CONTRACT_VALIDATE_CREDENTIALS, &call, STEP_API, true, &answer);
}

static bool verify(const struct vendor_connection_config *config, struct verdict *ret_verdict,
                   struct oauth_tokens *ret_tokens)
{
    struct vendor_connection *connection = vendor_connection_new(config);
    bool open = validate_settings(connection) && vendor_open(connection);
    while (open && !validate_credentials(connection))
        open = vendor_state(connection) == VENDOR_STALE && vendor_renew(connection);
    vendor_close(connection);
    *ret_verdict = vendor_verdict(connection);
    *ret_tokens = vendor_tokens(connection);
    return ret_verdict->kind == VERDICT_ACCEPTED;
}

static const struct connector_ops custom_ops = {
    .resolve = resolve,
    .choose_auth = http_choose_auth,
    .check = custom_check,
    .open = vendor_open,
    .check_query = custom_check_query,
    .verify = verify,
    .list_entities = custom_list_entities,
    .describe_entity = custom_describe_entity,
    .read = custom_read,
    .read_next = custom_read_next,
    .write = custom_write,
};

const struct connector *custom_connector_new(struct arena *arena,
                                             const struct custom_registration *registration)
{
    const struct connector *usual = connector_by_type(CUSTOM_CONNECTOR);
    struct connector *connector = arena_new(arena, struct connector);
    struct custom_connector *custom = arena_new(arena, struct custom_connector);
    *custom = (struct custom_connector){registration->function_arn, registration->configuration};
    *connector = *usual;
    connector->label = registration->label;
    connector->owner = registration->account;
    connector->version = registration->version;
    connector->modes = 0;
    connector->ops = &custom_ops;
    connector->http = custom_description_new(arena, registration->configuration);
    connector->custom = custom;
    return connector;
}
