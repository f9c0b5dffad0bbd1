/* The query protocol's form in, XML out. An access key here acts for its whole account, so its
 * identity is the account's root. */
#include "api/sts.h"

#include "base/buf.h"

enum { ANSWER_MAX = 4096, PARAMETERS_MAX = 64, ACTION_SHOWN_MAX = 64 };

static bool get_caller_identity(struct api_request *request)
{
    struct buf xml = buf_in(request->arena, ANSWER_MAX);
    struct str account = request->caller.account;
    buf_printf(&xml,
               "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
               "<GetCallerIdentityResult><Arn>arn:aws:iam::%.*s:root</Arn><UserId>%.*s</UserId>"
               "<Account>%.*s</Account></GetCallerIdentityResult>"
               "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
               "</GetCallerIdentityResponse>",
               STR_ARG(account), STR_ARG(account), STR_ARG(account), request->request_id);
    request->output = buf_str(&xml);
    return true;
}

const struct operation sts_get_caller_identity_operation = {
    .name = STR("GetCallerIdentity"),
    .run = get_caller_identity,
    .thread = ON_LOOP,
    .hosts = CALLS_NONE,
    .metric = METRIC_OTHER_SERVICES,
};

/* A parameter's value as it was sent. What is looked for needs no percent-decoding. */
static struct str parameter(struct str form, struct str wanted)
{
    struct str rest = form;
    for (int i = 0; i < PARAMETERS_MAX && rest.len > 0; i++) {
        struct str pair = rest, name, value;
        rest = STR("");
        (void)str_cut(pair, '&', &pair, &rest);
        if (str_cut(pair, '=', &name, &value) && str_eq(name, wanted))
            return value;
    }
    return STR("");
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return text.len <= ACTION_SHOWN_MAX;
}

bool sts_find(struct api_request *request)
{
    struct str path, form = STR("");
    if (str_eq(request->exchange->head.method, STR("GET")))
        (void)str_cut(request->exchange->head.target, '?', &path, &form);
    else if (!request_body(request, &form))
        return false;
    struct str action = parameter(form, STR("Action")), version = parameter(form, STR("Version"));
    if (str_eq(action, sts_get_caller_identity_operation.name)) {
        request->operation = &sts_get_caller_identity_operation;
        return true;
    }
    return fail(&request->error, ERR_UNKNOWN_OPERATION,
                "Could not find operation %.*s for version %.*s. Of STS, Headgate answers "
                "GetCallerIdentity alone.",
                STR_ARG(is_plain(action) ? action : STR("?")),
                STR_ARG(is_plain(version) ? version : STR("?")));
}
