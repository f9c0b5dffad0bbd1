/* Creating, updating and deleting connector profiles. */
#include "api/op_connector_profile.h"

#include "base/clock.h"
#include "base/fault.h"
#include "profile/arn.h"
#include "profile/change.h"
#include "profile/provisioning_state.h"
#include "profile/receivers.h"
#include "profile/seal.h"
#include "wire/restjson.h"

static bool load_profile(struct profile_change *change, struct profile *ret_profile,
                         bool *ret_found)
{
    struct store *store = change->context->store;
    struct store_reader *reader;
    if (!store_point_reader_take(store, &reader, change->error))
        return false;
    bool ok = profile_find(reader, change->arena, change->profile.key, ret_profile, ret_found,
                           change->error);
    store_point_reader_put(store, reader);
    return ok;
}

static bool fail_missing(struct error *error, struct str name)
{
    return fail(error, ERR_NOT_FOUND, "Connector Profile with name %.*s does not exist.",
                STR_ARG(name));
}

static bool check_built(const struct connector *connector, struct error *error)
{
    if (connector_is_built(connector))
        return true;
    return fail(error, ERR_NOT_IMPLEMENTED,
                "Connector profiles for %.*s are valid, but this version of Headgate cannot verify "
                "their credentials yet, so nothing was stored.",
                STR_ARG(connector->type));
}

/* A label names a connector that the account registered. */
static bool check_registered(const struct profile_change *change, struct str label)
{
    if (!str_eq(change->connector->type, CUSTOM_CONNECTOR))
        return true;
    if (label.len == 0)
        return fail(change->error, ERR_VALIDATION,
                    "Validation exception: ConnectorLabel cannot be blank for connector: "
                    "CUSTOMCONNECTOR");
    return change->connector->label.len > 0 ||
           fail(change->error, ERR_NOT_FOUND,
                "Connector:%.*s is not registered. Please register it first before creating "
                "ConnectorProfile.",
                STR_ARG(label));
}

/* The connector that the account means. One that is not registered is checked by its type's shapes
 * first, so that a mistake in the configuration is reported before the missing registration. */
static const struct connector *look_up(const struct profile_change *change, struct str type,
                                       struct str label)
{
    const struct connector *found =
        connector_find(type, label, change->profile.key.account, change->arena);
    return found ? found : connector_by_type(type);
}

static bool read_config(struct profile_change *change, struct str owner)
{
    if (!profile_config_read(value_get(change->input, "connectorProfileConfig"), change->connector,
                             owner, change->arena, &change->config, change->error))
        return false;
    change->profile.properties =
        profile_config_properties_json(change->arena, change->connector, change->config.properties);
    return true;
}

static bool run_change(struct api_request *request, bool (*make)(struct profile_change *change))
{
    _cleanup_change_ struct profile_change change;
    bool answered, ok;
    profile_change_init(&change, &(struct profile_change_request){
                                     .context = &request->service->profiles,
                                     .arena = request->arena,
                                     .input = request->input,
                                     .target = request->target,
                                     .operation = request->operation->name,
                                     .audit = request_audit_entry(request, "", STR("")),
                                     .stage_ns = &request->stage_ns,
                                     .error = &request->error,
                                 });
    if (!profile_change_claim(&change, &answered))
        return false;
    ok = answered || make(&change) || profile_change_answered_meanwhile(&change);
    request->output = change.output;
    return ok;
}

/* --- create --- */

static bool find_connector(struct profile_change *change)
{
    struct str type = value_text(change->input, "connectorType");
    struct str label = value_text(change->input, "connectorLabel");
    change->connector = look_up(change, type, label);
    if (!change->connector)
        return fail(change->error, ERR_VALIDATION,
                    "Connector type %.*s has no connector profiles: flows use it without one.",
                    STR_ARG(type));
    if (label.data && !str_eq(type, CUSTOM_CONNECTOR))
        return fail(change->error, ERR_VALIDATION,
                    "connectorLabel is only for connectorType CustomConnector, not for %.*s.",
                    STR_ARG(type));
    change->profile.connector_type = change->connector->type;
    change->profile.connector_label = label;
    return true;
}

/* Credentials that are left out are judged like empty ones: the connector says which is missing. */
static bool check_new_config(struct profile_change *change)
{
    if (!read_config(change, STR("connectorType")) ||
        !check_built(change->connector, change->error))
        return false;
    if (!change->config.credentials)
        change->config.credentials = value_structure(change->arena);
    return profile_change_check(change) &&
           check_registered(change, change->profile.connector_label);
}

/* Before the vendor is called, since a code works once; the commit checks again. */
static bool check_name_is_free(struct profile_change *change)
{
    struct profile existing;
    bool found = false;
    if (!load_profile(change, &existing, &found))
        return false;
    if (found)
        return fail(change->error, ERR_CONFLICT, "ConnectorProfile with name %.*s already exists.",
                    STR_ARG(change->profile.key.name));
    trace_stage_end(change->stage_ns, STAGE_LOAD);
    return true;
}

static void set_new_row(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->created_at_ms = profile->updated_at_ms = clock_wall_ms();
    profile->version = profile->created_at_ms * 1000;
    profile_change_set_mode(change);
    profile->kms_arn = value_text(change->input, "kmsArn");
    profile->credentials_arn =
        credentials_arn(change->arena, &profile->key, profile->created_at_ms);
}

static bool create(struct profile_change *change)
{
    if (!find_connector(change) || !profile_change_read_mode(change) || !check_new_config(change))
        return false;
    trace_stage_end(change->stage_ns, STAGE_CHECK);
    if (!check_name_is_free(change) || !profile_change_verify(change))
        return false;
    set_new_row(change);
    return profile_change_commit(change);
}

bool create_connector_profile(struct api_request *request)
{
    return run_change(request, create);
}

/* --- update --- */

static bool load_current(struct profile_change *change, struct profile *ret_current)
{
    bool found = false;
    if (!load_profile(change, ret_current, &found))
        return false;
    if (!found)
        return fail_missing(change->error, change->profile.key.name);
    change->connector = look_up(change, ret_current->connector_type, ret_current->connector_label);
    if (!change->connector)
        return fail(change->error, ERR_INTERNAL, "Profile %.*s is for a connector unknown here.",
                    STR_ARG(change->profile.key.name));
    trace_stage_end(change->stage_ns, STAGE_LOAD);
    fault_point("change:loaded");
    return true;
}

/* What is being verified in the background must not be replaced under it. */
static bool check_is_settled(const struct profile *current, struct error *error)
{
    if (!provisioning_is_pending(&current->provisioning))
        return true;
    return fail(error, ERR_CONFLICT,
                "The private connection of Connector Profile with name %.*s is still being made. "
                "Try again when its privateConnectionProvisioningState is CREATED or FAILED.",
                STR_ARG(current->key.name));
}

static bool load_tokens(struct profile_change *change, const struct profile *current,
                        struct error *error)
{
    return profile_tokens_load(change->context, change->connector, current, change->arena,
                               &change->stored, error);
}

/* The stored credentials stay, with what was got for them. A caller that cannot read them must
 * not be able to have them sent to a host of its choice. */
static bool keep_credentials(struct profile_change *change, const struct profile *current)
{
    if (!profile_same_receivers(change, current))
        return fail(change->error, ERR_VALIDATION,
                    "The new connectorProfileProperties send the credentials to another address "
                    "than before. Give connectorProfileCredentials again with this change.");
    change->has_stored = true;
    if (!profile_unseal(change->context->keyring, current, change->arena,
                        &change->config.credentials, NULL, change->error))
        return false;
    target_set_credentials(&change->target, change->config.credentials);
    return load_tokens(change, current, change->error);
}

/* Deployment tools send a profile's whole configuration again at each run. When its credentials are
 * the stored ones, what was got for them counts: a code that was exchanged, or a refresh token that
 * was replaced, would not work a second time. Seals that do not open any more are no obstacle here:
 * new credentials are how that is mended. */
static void recognize_credentials(struct profile_change *change, const struct profile *current)
{
    struct error ignored = {0};
    bool same;
    change->has_stored =
        profile_same_receivers(change, current) &&
        profile_unseal_same(change->context->keyring, current, change->config.credentials,
                            change->arena, &same, &ignored) &&
        same && load_tokens(change, current, &ignored);
}

static bool check_changed_config(struct profile_change *change, const struct profile *current)
{
    struct str owner =
        arena_printf(change->arena, "the profile %.*s", STR_ARG(change->profile.key.name));
    if (!read_config(change, owner) || !check_built(change->connector, change->error) ||
        !profile_change_check(change) || !check_registered(change, current->connector_label))
        return false;
    if (!change->config.credentials)
        return keep_credentials(change, current);
    recognize_credentials(change, current);
    return true;
}

static void set_changed_row(struct profile_change *change, const struct profile *current)
{
    struct profile *profile = &change->profile;
    struct str properties = profile->properties;
    *profile = *current;
    profile->properties = properties;
    profile_change_set_mode(change);
    profile->version = current->version + 1;
    profile->updated_at_ms = clock_wall_ms();
    change->expected_version = current->version;
}

static bool update(struct profile_change *change)
{
    struct profile current;
    if (!load_current(change, &current) || !check_is_settled(&current, change->error) ||
        !profile_change_read_mode(change) || !check_changed_config(change, &current))
        return false;
    trace_stage_end(change->stage_ns, STAGE_CHECK);
    if (!profile_change_verify(change))
        return false;
    set_changed_row(change, &current);
    return profile_change_commit(change);
}

bool update_connector_profile(struct api_request *request)
{
    return run_change(request, update);
}

/* --- delete --- */

static bool apply_delete(struct db *db, void *argument, struct error *error)
{
    struct api_request *request = argument;
    struct profile_key key = {request->caller.account, request->caller.region,
                              value_text(request->input, "connectorProfileName")};
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    return profile_delete(db, key, error) && audit_add(db, &entry, error);
}

bool delete_connector_profile(struct api_request *request)
{
    if (!store_apply(request->service->config.store, apply_delete, request, true,
                     &request->error)) {
        if (request->error.code == ERR_NOT_FOUND)
            return fail_missing(&request->error,
                                value_text(request->input, "connectorProfileName"));
        return false;
    }
    trace_stage_end(&request->stage_ns, STAGE_COMMIT);
    request->output = STR("{}");
    return true;
}
