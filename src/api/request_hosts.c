/* The hosts of the target that the request's configuration, or the stored profile, leads to. */
#include "api/request_hosts.h"

#include "profile/target.h"
#include "store/profiles.h"

static struct str hosts_of_new_config(struct api_request *request)
{
    bool later = str_eq(value_text(request->input, "connectionMode"), STR("Private"));
    if (!value_get(request->input, "connectorProfileConfig"))
        return STR_NULL;
    request->target =
        profile_target_of_input(&request->service->profiles, request->input, request->arena);
    if (later)
        return STR_NULL;
    return request->target ? target_hosts(request->target) : STR("unknown");
}

/* A profile that does not exist leads nowhere, and its operation fails without a call. */
static bool hosts_of_stored_profile(struct api_request *request, struct str *ret_hosts)
{
    struct profile profile;
    struct target target;
    bool found = false;
    struct profile_key key = {request->caller.account, request->caller.region,
                              value_text(request->input, "connectorProfileName")};
    if (key.name.len == 0)
        return true;
    if (!profile_find(request->reader, request->arena, key, &profile, &found, &request->error))
        return false;
    if (found &&
        profile_target_of_row(&request->service->profiles, &profile, request->arena, &target, NULL))
        *ret_hosts = target_hosts(&target);
    return true;
}

bool request_hosts_are_stored(const struct operation *operation)
{
    return operation->hosts == CALLS_STORED_PROFILE;
}

bool request_hosts(struct api_request *request, struct str *ret_hosts)
{
    *ret_hosts = STR_NULL;
    switch (request->operation->hosts) {
    case CALLS_NONE:
        break;
    case CALLS_NEW_CONFIG:
        *ret_hosts = hosts_of_new_config(request);
        break;
    case CALLS_STORED_PROFILE:
        return hosts_of_stored_profile(request, ret_hosts);
    }
    return true;
}
