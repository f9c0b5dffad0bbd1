/* The hosts of the target that the request's configuration, or the stored profile, leads to. */
#include "api/request_hosts.h"

#include "connector/connector.h"
#include "profile/target.h"
#include "store/connectors.h"
#include "store/profiles.h"

#define CUSTOM_KEY "CustomConnector" /* in the unions of a configuration */

static bool is_custom(const struct api_request *request)
{
    const struct value *config = value_get(request->input, "connectorProfileConfig");
    const struct value *credentials = value_get(config, "connectorProfileCredentials");
    const struct value *properties = value_get(config, "connectorProfileProperties");
    return str_eq(value_text(request->input, "connectorType"), CUSTOM_CONNECTOR) ||
           value_get(credentials, CUSTOM_KEY) || value_get(properties, CUSTOM_KEY);
}

/* A request that creates a profile names the label, for an update the stored profile has it. */
static bool label_of(struct api_request *request, struct str *ret_label)
{
    struct profile_key key = {request->caller.account, request->caller.region,
                              value_text(request->input, "connectorProfileName")};
    struct profile profile;
    bool found = false;
    *ret_label = value_text(request->input, "connectorLabel");
    if (ret_label->len > 0 || key.name.len == 0)
        return true;
    if (!profile_find(request->reader, request->arena, key, &profile, &found, &request->error))
        return false;
    if (found)
        *ret_label = profile.connector_label;
    return true;
}

/* "function:ARN" before the other hosts, as the target of a registered connector names its function
 * among its origins. Nothing is added when the account has no such connector. */
static bool add_function(struct api_request *request, struct str label, struct str others,
                         struct str *ret_hosts)
{
    struct connector_key key = {request->caller.account, request->caller.region, label};
    struct connector_row row;
    bool found = false;
    *ret_hosts = others;
    if (label.len == 0)
        return true;
    if (!connector_row_find(request->reader, request->arena, key, &row, &found, &request->error))
        return false;
    if (found)
        *ret_hosts = arena_printf(request->arena, "function:%.*s%s%.*s", STR_ARG(row.function_arn),
                                  others.len > 0 ? "\n" : "", STR_ARG(others));
    return true;
}

static bool hosts_of_custom_config(struct api_request *request, struct str *ret_hosts)
{
    struct str label;
    return label_of(request, &label) &&
           add_function(request, label, request->target ? target_hosts(request->target) : STR(""),
                        ret_hosts);
}

static bool hosts_of_new_config(struct api_request *request, struct str *ret_hosts)
{
    bool later = !request->is_dry_run &&
                 str_eq(value_text(request->input, "connectionMode"), STR("Private"));
    if (!value_get(request->input, "connectorProfileConfig"))
        return true;
    request->target = profile_target_of_input(&request->service->profiles, request->caller.account,
                                              request->input, request->arena);
    if (later)
        return true;
    if (is_custom(request))
        return hosts_of_custom_config(request, ret_hosts);
    *ret_hosts = request->target ? target_hosts(request->target) : STR("unknown");
    return true;
}

/* The service behind a connector without profiles counts as one host. */
static bool hosts_of_connector(const struct api_request *request, struct str *ret_hosts)
{
    const struct connector *connector =
        connector_by_type(value_text(request->input, "connectorType"));
    if (connector && connector->without_profiles && connector_has_entities(connector))
        *ret_hosts = arena_printf(request->arena, "connector:%.*s", STR_ARG(connector->type));
    return true;
}

/* A profile that does not exist leads nowhere, and its operation fails without a call. Of a
 * registered connector the function alone is looked up: its declaration, which may be large,
 * decides nothing here, and this may run on an event loop. */
static bool hosts_of_profile(struct api_request *request, struct str name, struct str *ret_hosts)
{
    struct profile profile;
    struct target target;
    bool found = false;
    struct profile_key key = {request->caller.account, request->caller.region, name};
    if (!profile_find(request->reader, request->arena, key, &profile, &found, &request->error))
        return false;
    if (!found)
        return true;
    struct str label = profile.connector_label, others = STR_NULL;
    profile.connector_label = STR_NULL;
    if (profile_target_of_row(&request->service->profiles, request->reader, &profile,
                              request->arena, &target, NULL))
        others = target_hosts(&target);
    return add_function(request, label, others, ret_hosts);
}

static bool hosts_of_stored_profile(struct api_request *request, struct str *ret_hosts)
{
    struct str name = value_text(request->input, "connectorProfileName");
    return name.len == 0 ? hosts_of_connector(request, ret_hosts)
                         : hosts_of_profile(request, name, ret_hosts);
}

/* Those that the records come from. A bucket counts as none: all are at one service. */
static bool hosts_of_source(struct api_request *request, struct str *ret_hosts)
{
    struct str name =
        value_text(value_get(request->input, "sourceFlowConfig"), "connectorProfileName");
    return name.len == 0 || hosts_of_profile(request, name, ret_hosts);
}

static struct str given_function(const struct api_request *request)
{
    const struct value *config = value_get(request->input, "connectorProvisioningConfig");
    return value_text(value_get(config, "lambda"), "lambdaArn");
}

/* An update may leave the function out: then it is the registered one. */
static bool hosts_of_function(struct api_request *request, struct str *ret_hosts)
{
    struct str arn = given_function(request);
    if (arn.len == 0)
        return add_function(request, value_text(request->input, "connectorLabel"), STR_NULL,
                            ret_hosts);
    *ret_hosts = arena_printf(request->arena, "function:%.*s", STR_ARG(arn));
    return true;
}

/* The previous configuration mostly leads where the one in use does, and is not read here. */
static enum operation_hosts called_by(const struct api_request *request)
{
    return request->is_rollback  ? CALLS_STORED_PROFILE
           : request->is_preview ? CALLS_SOURCE
                                 : request->operation->hosts;
}

bool request_hosts_are_stored(const struct api_request *request)
{
    enum operation_hosts hosts = called_by(request);
    return hosts == CALLS_STORED_PROFILE || hosts == CALLS_SOURCE ||
           (hosts == CALLS_NEW_CONFIG && is_custom(request)) ||
           (hosts == CALLS_FUNCTION && given_function(request).len == 0);
}

bool request_hosts(struct api_request *request, struct str *ret_hosts)
{
    *ret_hosts = STR_NULL;
    switch (called_by(request)) {
    case CALLS_NONE:
        break;
    case CALLS_NEW_CONFIG:
        return hosts_of_new_config(request, ret_hosts);
    case CALLS_STORED_PROFILE:
        return hosts_of_stored_profile(request, ret_hosts);
    case CALLS_SOURCE:
        return hosts_of_source(request, ret_hosts);
    case CALLS_FUNCTION:
        return hosts_of_function(request, ret_hosts);
    }
    return true;
}
