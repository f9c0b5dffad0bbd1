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

static struct profile_filter filter_of(struct call *call, struct str after_name)
{
    const struct value *names = value_get(call->input, "connectorProfileNames");
    struct profile_filter filter = {
        .account = call->caller.account,
        .region = call->caller.region,
        .connector_type = value_text(call->input, "connectorType"),
        .connector_label = value_text(call->input, "connectorLabel"),
        .after_name = after_name,
    };
    if (filter.connector_label.data && !filter.connector_type.data)
        filter.connector_type = CUSTOM_CONNECTOR;
    if (!names || names->count == 0)
        return filter;
    struct str *list = arena_array(call->arena, struct str, names->count);
    for (size_t i = 0; i < names->count; i++)
        list[i] = names->items[i]->text;
    filter.names = list;
    filter.name_count = names->count;
    return filter;
}

/* One more than the page holds tells whether there is a next one. */
bool describe_connector_profiles(struct call *call)
{
    struct str after;
    struct profile *profiles;
    size_t count;
    size_t page = (size_t)value_integer(call->input, "maxResults", PAGE_DEFAULT);
    if (!page_token_read(call, &after))
        return false;
    struct profile_filter filter = filter_of(call, after);
    if (!profile_list(call->reader, call->arena, &filter, page + 1, &profiles, &count,
                      &call->error))
        return false;
    call_stage_end(call, STAGE_LOAD);
    struct value *details = value_list(call->arena);
    for (size_t i = 0; i < count && i < page; i++)
        value_append(call->arena, details, detail_of(call->arena, &profiles[i]));
    struct value *answer = value_structure(call->arena);
    value_put(call->arena, answer, "connectorProfileDetails", details);
    if (count > page)
        value_put_text(call->arena, answer, "nextToken",
                       page_token_make(call, profiles[page - 1].key.name));
    struct buf json = buf_in(call->arena, PAGE_ANSWER_MAX);
    value_encode(&json, answer);
    call->output = buf_str(&json);
    return true;
}
