/* Limits of access keys, from and to their text. */
#include "api/access_limits.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "wire/json.h"

bool access_limits_read(struct str text, struct arena *arena, struct access_limits *ret_limits,
                        struct error *error)
{
    _cleanup_(json_scratch_done) struct json_scratch scratch;
    yyjson_val *root;
    json_scratch_init(&scratch);
    *ret_limits = (struct access_limits){0};
    if (text.len == 0)
        return true;
    if (text.len > ACCESS_LIMITS_MAX || !json_read(text, POLICY_NODES_MAX, &scratch, &root, error))
        return fail(error, ERR_VALIDATION, "The access key's limits cannot be read.");
    yyjson_val *expires = yyjson_obj_get(root, "expiresAt");
    yyjson_val *policy = yyjson_obj_get(root, "policy");
    if (!yyjson_is_obj(root) || (expires && !yyjson_is_int(expires)))
        return fail(error, ERR_VALIDATION, "The access key's limits cannot be read.");
    ret_limits->expires_at_ms = 1000 * yyjson_get_sint(expires);
    return !policy || policy_from_json(policy, arena, &ret_limits->policy, error);
}

struct str access_limits_text(struct arena *arena, struct str policy, int64_t expires_at_ms)
{
    struct buf text = buf_in(arena, ACCESS_LIMITS_MAX);
    if (policy.len == 0 && expires_at_ms == 0)
        return STR_NULL;
    buf_add(&text, STR("{"));
    if (expires_at_ms != 0)
        buf_printf(&text, "\"expiresAt\":%lld%s", (long long)(expires_at_ms / 1000),
                   policy.len > 0 ? "," : "");
    if (policy.len > 0)
        buf_printf(&text, "\"policy\":%.*s", STR_ARG(policy));
    buf_add(&text, STR("}"));
    return buf_str(&text);
}
