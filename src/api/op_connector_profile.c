/* Creating, updating and deleting connector profiles. */
#include "api/op_connector_profile.h"

#include "api/consent_link.h"
#include "api/dry_run.h"
#include "base/clock.h"
#include "base/fault.h"
#include "profile/arn.h"
#include "profile/change.h"
#include "profile/consent_use.h"
#include "profile/dry_run.h"
#include "profile/provisioning_state.h"
#include "profile/receivers.h"
#include "profile/registration.h"
#include "profile/rollback.h"
#include "profile/seal.h"
#include "profile/secret_mirror.h"
#include "profile/token_line.h"
#include "store/flows.h"
#include "wire/restjson.h"

static bool load_profile(struct profile_change *change, struct profile *ret_profile,
                         bool *ret_found)
{
    return profile_load(change->context->store, change->arena, change->profile.key, ret_profile,
                        ret_found, change->error);
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
static bool check_registered(const struct profile_change *change)
{
    struct str label = change->profile.connector_label;
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
static bool look_up(struct profile_change *change, struct str type, struct str label)
{
    struct connector_key key = {change->profile.key.account, change->profile.key.region, label};
    if (!registration_connector(change->context, NULL, type, key, change->arena, &change->connector,
                                change->error))
        return false;
    if (!change->connector)
        change->connector = connector_by_type(type);
    return true;
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

static bool try_change(struct api_request *request, struct profile_change *change,
                       bool (*make)(struct profile_change *change))
{
    bool ok = profile_dry_run_begin(change) && make(change);
    request_report_verification(request, &change->verification);
    request->output = change->output;
    return ok;
}

static bool start_consent(struct api_request *request, struct profile_change *change,
                          bool (*make)(struct profile_change *change))
{
    bool ok = make(change) && request_make_consent_link(request, change);
    request->output = change->output;
    return ok;
}

static bool run_change(struct api_request *request, bool (*make)(struct profile_change *change))
{
    _cleanup_change_ struct profile_change change;
    bool answered, ok;
    struct audit_entry audit = request_audit_entry(request, "", STR(""));
    profile_change_init(
        &change, &(struct profile_change_request){
                     .context = &request->service->profiles,
                     .arena = request->arena,
                     .input = request->input,
                     .target = request->target,
                     .audit = audit,
                     .stage_ns = &request->stage_ns,
                     .error = &request->error,
                     .operation = request->is_rollback ? audit.operation : request->operation->name,
                     .is_dry_run = request->is_dry_run,
                     .consent = request->consent,
                 });
    if (request->is_dry_run)
        return try_change(request, &change, make);
    if (request->consent && request->consent->is_start)
        return start_consent(request, &change, make);
    if (!profile_change_claim(&change, &answered))
        return false;
    ok = answered || make(&change) || profile_change_answered_meanwhile(&change);
    if (request->is_rollback)
        request_report_verification(request, &change.verification);
    request->output = change.output;
    return ok;
}

static bool verify(struct profile_change *change)
{
    if (change->consent && change->consent->is_start)
        return consent_use_start(change);
    if (change->consent)
        return profile_change_verify(change) && consent_use_check(change);
    return change->is_dry_run ? profile_dry_run_verify(change) : profile_change_verify(change);
}

static bool commit(struct profile_change *change)
{
    if (change->consent && change->consent->is_start) {
        change->output = profile_change_answer(change);
        return true;
    }
    return change->is_dry_run ? profile_dry_run_end(change) : profile_change_commit(change);
}

/* --- create --- */

static bool find_connector(struct profile_change *change)
{
    struct str type = value_text(change->input, "connectorType");
    struct str label = value_text(change->input, "connectorLabel");
    if (!look_up(change, type, label))
        return false;
    if (!change->connector || change->connector->without_profiles)
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
    if (change->consent && !consent_use_given(change))
        return false;
    return profile_change_check(change) && check_registered(change);
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
}

/* Before the vendor is called: a connector's function reads the credentials under this name. */
static void name_credentials(struct profile_change *change)
{
    struct profile *profile = &change->profile;
    profile->credentials_arn =
        credentials_arn(change->arena, &profile->key, profile->connector_label, clock_wall_ms());
}

static bool take_new_key(struct profile_change *change)
{
    change->profile.kms_arn = value_text(change->input, "kmsArn");
    return profile_change_take_key(change, NULL);
}

static bool create(struct profile_change *change)
{
    if (!find_connector(change) || !profile_change_read_mode(change) || !check_new_config(change))
        return false;
    trace_stage_end(change->stage_ns, STAGE_CHECK);
    name_credentials(change);
    if (!check_name_is_free(change) || !take_new_key(change) || !verify(change))
        return false;
    set_new_row(change);
    return commit(change);
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
    if (!look_up(change, ret_current->connector_type, ret_current->connector_label))
        return false;
    if (ret_current->connector_label.len > 0 && change->connector->label.len == 0)
        return registration_fail_removed(ret_current->connector_label, change->error);
    if (!change->connector)
        return fail(change->error, ERR_INTERNAL, "Profile %.*s is for a connector unknown here.",
                    STR_ARG(change->profile.key.name));
    change->current = ret_current;
    change->profile.credentials_arn = ret_current->credentials_arn;
    change->profile.reported = ret_current->reported;
    if (change->consent && !consent_use_is_current(change, ret_current))
        return false;
    trace_stage_end(change->stage_ns, STAGE_LOAD);
    fault_point("change:loaded");
    return true;
}

static bool load_tokens(struct profile_change *change, const struct profile *current,
                        struct error *error)
{
    return profile_tokens_load(change->context, change->connector, current, change->arena,
                               &change->stored, error);
}

/* The stored credentials stay, with what was got for them, unless a token among them is a reference
 * that leads to another one now. A caller that cannot read them must
 * not be able to have them sent to a host of its choice. */
static bool keep_credentials(struct profile_change *change, const struct profile *current)
{
    if (!profile_same_receivers(change, current))
        return fail(change->error, ERR_VALIDATION,
                    "The new connectorProfileProperties send the credentials to another address "
                    "than before. Give connectorProfileCredentials again with this change.");
    struct profile_sealed sealed;
    if (!profile_unseal(change->context, current, change->arena, &sealed, change->error) ||
        !profile_change_use_credentials(change, sealed.credentials) ||
        !profile_credentials_check(&change->credentials, &change->target, change->error))
        return false;
    change->data_key = sealed.data_key;
    change->has_stored = str_eq(sealed.seed, change->credentials.seed);
    return change->has_stored ? load_tokens(change, current, change->error)
                              : token_line_recognize(change, current, change->error);
}

/* Deployment tools send a profile's whole configuration again at each run. When its credentials are
 * the stored ones, or go on from them, what was got for them counts: a code that was exchanged, or
 * a refresh token that was replaced, would not work a second time. Seals that do not open any more
 * are no obstacle here: new credentials are how that is mended. A data key that cannot be unwrapped
 * now is one, since it is not known what was got. Where the vendor gives no tokens nothing depends
 * on it, and the stored credentials stay sealed. */
static bool recognize_credentials(struct profile_change *change, const struct profile *current)
{
    struct error error = {0};
    bool same = false;
    if (profile_gives_tokens(change->connector) && profile_same_receivers(change, current))
        change->has_stored =
            profile_unseal_same(change->context, current, change->credentials.given,
                                change->credentials.seed, change->arena, &same, &change->data_key,
                                &error) &&
            same && load_tokens(change, current, &error);
    if (error.code == ERR_NONE || !envelope_key_is_away(&error))
        return change->has_stored || token_line_recognize(change, current, change->error);
    *change->error = error;
    return false;
}

static bool check_changed_config(struct profile_change *change, const struct profile *current)
{
    struct str owner =
        arena_printf(change->arena, "the profile %.*s", STR_ARG(change->profile.key.name));
    if (!read_config(change, owner) || !check_built(change->connector, change->error) ||
        (change->consent && change->config.credentials && !consent_use_given(change)) ||
        !profile_change_check(change) ||
        (change->consent && !consent_use_load_former(change, current)))
        return false;
    if (!change->config.credentials)
        return change->consent ? consent_use_stored(change, current)
                               : keep_credentials(change, current);
    return change->consent || recognize_credentials(change, current);
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
    struct profile *current = arena_new(change->arena, struct profile); /* `change` refers to it */
    if (!load_current(change, current) || !provisioning_check_settled(current, change->error) ||
        !profile_change_read_mode(change) || !check_changed_config(change, current))
        return false;
    trace_stage_end(change->stage_ns, STAGE_CHECK);
    if (!profile_change_take_key(change, current) || !verify(change))
        return false;
    set_changed_row(change, current);
    return commit(change);
}

/* A configuration beside it is a mistake: it would not be stored. */
static bool check_no_config(struct profile_change *change)
{
    const struct value *config = value_get(change->input, "connectorProfileConfig");
    const struct value *properties = value_get(config, "connectorProfileProperties");
    return (config->count == 1 && properties && properties->count == 0) ||
           fail(change->error, ERR_VALIDATION,
                "A rollback (X-Headgate-Rollback) takes no new configuration: give "
                "\"connectorProfileConfig\": {\"connectorProfileProperties\": {}}.");
}

static bool roll_back(struct profile_change *change)
{
    struct profile *current = arena_new(change->arena, struct profile);
    return check_no_config(change) && load_current(change, current) &&
           profile_rollback(change, current, STR_NULL);
}

bool update_connector_profile(struct api_request *request)
{
    return run_change(request, request->is_rollback ? roll_back : update);
}

/* --- delete --- */

static bool apply_delete(struct db *db, void *argument, struct error *error)
{
    struct api_request *request = argument;
    struct profile_key key = {request->caller.account, request->caller.region,
                              value_text(request->input, "connectorProfileName")};
    struct audit_entry entry = request_audit_entry(request, "ok", STR(""));
    bool force = value_flag(request->input, "forceDelete", false);
    return (force || flow_rows_check_unused(db, key, error)) &&
           secret_mirror_drop(db, &request->service->profiles, key, request->arena, error) &&
           profile_delete(db, key, error) && audit_add(db, &entry, error);
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
    secret_mirror_wake(&request->service->profiles);
    request->output = STR("{}");
    return true;
}
