/* Describing connector profiles: what was configured, never what is secret. */
#include "api/op_connector_profile.h"

#include "api/page_token.h"
#include "profile/arn.h"
#include "store/profiles.h"

enum {
    PAGE_DEFAULT = 20, /* the API's own for every paged operation */
    PAGE_ANSWER_MAX = 64 * 1024 * 1024,
};

static struct value *state_of(struct arena *arena, const struct provisioning *provisioning)
{
    struct value *state = value_structure(arena);
    value_put_text(arena, state, "status", provisioning->status);
    value_put_text(arena, state, "failureMessage", provisioning->message);
    value_put_text(arena, state, "failureCause", provisioning->cause);
    return state;
}

static struct value *detail_of(struct arena *arena, const struct profile *profile)
{
    struct value *detail = value_structure(arena);
    value_put_text(arena, detail, "connectorProfileArn", profile_arn(arena, &profile->key));
    value_put_text(arena, detail, "connectorProfileName", profile->key.name);
    value_put_text(arena, detail, "connectorType", profile->connector_type);
    value_put_text(arena, detail, "connectorLabel", profile->connector_label);
    value_put_text(arena, detail, "connectionMode", profile->connection_mode);
    value_put_text(arena, detail, "credentialsArn", profile->credentials_arn);
    value_put_raw(arena, detail, "connectorProfileProperties", profile->properties);
    value_put_time(arena, detail, "createdAt", profile->created_at_ms);
    value_put_time(arena, detail, "lastUpdatedAt", profile->updated_at_ms);
    if (profile->provisioning.status.data)
        value_put(arena, detail, "privateConnectionProvisioningState",
                  state_of(arena, &profile->provisioning));
    return detail;
}

static struct profile_filter filter_of(struct api_request *request, struct str after_name)
{
    const struct value *names = value_get(request->input, "connectorProfileNames");
    struct profile_filter filter = {
        .account = request->caller.account,
        .region = request->caller.region,
        .connector_type = value_text(request->input, "connectorType"),
        .connector_label = value_text(request->input, "connectorLabel"),
        .after_name = after_name,
    };
    if (filter.connector_label.data && !filter.connector_type.data)
        filter.connector_type = CUSTOM_CONNECTOR;
    if (!names || names->count == 0)
        return filter;
    struct str *list = arena_array(request->arena, struct str, names->count);
    for (size_t i = 0; i < names->count; i++)
        list[i] = names->items[i]->text;
    filter.names = list;
    filter.name_count = names->count;
    return filter;
}

/* One more than the page holds tells whether there is a next one. */
bool describe_connector_profiles(struct api_request *request)
{
    struct str after;
    struct profile *profiles;
    size_t count;
    size_t page = (size_t)value_integer(request->input, "maxResults", PAGE_DEFAULT);
    if (!page_token_read(request, &after))
        return false;
    struct profile_filter filter = filter_of(request, after);
    if (!profile_list(request->reader, request->arena, &filter, page + 1, &profiles, &count,
                      &request->error))
        return false;
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    struct value *details = value_list(request->arena);
    for (size_t i = 0; i < count && i < page; i++)
        value_append(request->arena, details, detail_of(request->arena, &profiles[i]));
    struct value *answer = value_structure(request->arena);
    value_put(request->arena, answer, "connectorProfileDetails", details);
    if (count > page)
        value_put_text(request->arena, answer, "nextToken",
                       page_token_make(request, profiles[page - 1].key.name));
    struct buf json = buf_in(request->arena, PAGE_ANSWER_MAX);
    value_encode(&json, answer);
    request->output = buf_str(&json);
    return true;
}
