/* Describing connector profiles: what was configured, never what is secret. */
#include "api/op_connector_profile.h"

#include "api/page_token.h"
#include "connector/connector.h"
#include "profile/arn.h"
#include "store/profiles.h"

enum {
    PAGE_ANSWER_MAX = 64 * 1024 * 1024,
    DETAIL_MEMORY = 2 * 1024, /* bytes of a detail's values beside the row's texts */
    DETAIL_JSON = 1024,       /* bytes that its names and ARNs have in the answer */
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

/* *ret_size: bytes that the rows take. */
static bool load(struct api_request *request, const struct profile_filter *filter, size_t limit,
                 struct profile **ret_profiles, size_t *ret_count, size_t *ret_size)
{
    size_t used = request->arena->used;
    bool ok = profile_list(request->reader, request->arena, filter, limit, ret_profiles, ret_count,
                           &request->error);
    trace_stage_end(&request->stage_ns, STAGE_LOAD);
    *ret_size = request->arena->used - used;
    return ok || (request->error.code == ERR_THROTTLING && request_no_memory(request));
}

static bool answer(struct api_request *request, const struct value *output, size_t size)
{
    struct buf json = buf_in(request->arena, PAGE_ANSWER_MAX);
    if (!arena_has_room(request->arena, size))
        return request_no_memory(request);
    buf_reserve(&json, size);
    value_encode(&json, output);
    request->output = buf_str(&json);
    return true;
}

/* One more than the page holds tells whether there is a next one. */
bool describe_connector_profiles(struct api_request *request)
{
    struct str after;
    struct profile *profiles;
    size_t count, size;
    size_t page = page_size(request);
    if (!page_token_read(request, &after))
        return false;
    struct profile_filter filter = filter_of(request, after);
    if (!load(request, &filter, page + 1, &profiles, &count, &size))
        return false;
    if (!arena_has_room(request->arena, count * DETAIL_MEMORY))
        return request_no_memory(request);
    struct value *details = value_list(request->arena);
    for (size_t i = 0; i < count && i < page; i++)
        value_append(request->arena, details, detail_of(request->arena, &profiles[i]));
    struct value *output = value_structure(request->arena);
    value_put(request->arena, output, "connectorProfileDetails", details);
    if (count > page)
        value_put_text(request->arena, output, "nextToken",
                       page_token_make(request, profiles[page - 1].key.name));
    return answer(request, output, size + (count + 1) * DETAIL_JSON);
}
