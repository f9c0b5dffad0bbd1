/* The query protocol's form in, XML out. An access key here acts for its whole account, so its
 * identity is the account's root. There are no roles either: a caller may assume any role of its
 * own account, which gives a session its name and no right that the caller does not have.
 *
 * Source: AWS Security Token Service API Reference. */
#include "api/sts.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/errors.h"

#include <string.h>

enum {
    ANSWER_MAX = 16 * 1024,
    PARAMETERS_MAX = 64,
    SHOWN_MAX = 64, /* bytes of what was sent that an error shows */
    DURATION_LEAST_S = 900,
    ROLE_DURATION_S = 3600, /* unless the request says how long */
    ROLE_DURATION_MAX_S = 43200,
    TOKEN_DURATION_S = 43200,
    TOKEN_DURATION_MAX_S = SESSION_LIFE_MAX_MS / 1000,
    CHAINED_DURATION_MAX_S = 3600, /* a role that a session assumes, as at AWS */
    ROLE_ARN_MAX = 2048,
    ROLE_ID_DIGITS = 17, /* behind "AROA" */
};

/* --- the form --- */

static bool read_form(struct api_request *request, struct str *ret_form)
{
    struct str path;
    *ret_form = STR("");
    if (!str_eq(request->exchange->head.method, STR("GET")))
        return request_body(request, request->arena, ret_form);
    (void)str_cut(request->exchange->head.target, '?', &path, ret_form);
    return true;
}

/* Takes the first parameter off the form, as it was sent. */
static bool next_parameter(struct str *form, struct str *ret_name, struct str *ret_value)
{
    struct str pair = *form, rest = STR("");
    if (form->len == 0)
        return false;
    (void)str_cut(pair, '&', &pair, &rest);
    *form = rest;
    *ret_name = pair;
    *ret_value = STR("");
    (void)str_cut(pair, '=', ret_name, ret_value);
    return true;
}

/* A parameter's value as it was sent. */
static struct str raw_parameter(struct str form, struct str wanted)
{
    struct str name, value;
    for (int i = 0; i < PARAMETERS_MAX && next_parameter(&form, &name, &value); i++) {
        if (str_eq(name, wanted))
            return value;
    }
    return STR("");
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.data[i]) && text.data[i] != '-' && text.data[i] != '.')
            return false;
    }
    return text.len <= SHOWN_MAX;
}

static struct str shown(struct str text)
{
    return is_plain(text) ? text : STR("?");
}

/* application/x-www-form-urlencoded. */
static bool read_parameter(struct api_request *request, struct str form, const char *name,
                           struct str *ret_value)
{
    struct str raw = raw_parameter(form, str_from(name));
    struct str copy = arena_copy(request->arena, raw);
    char *bytes = (char *)copy.data;
    for (size_t i = 0; i < copy.len; i++) {
        if (bytes[i] == '+')
            bytes[i] = ' ';
    }
    return decode_percent(request->arena, copy, ret_value) ||
           fail(&request->error, ERR_SERIALIZATION, "%s is not percent-encoded correctly.", name);
}

/* What is not in the list (ends with NULL) would be left out of account: PolicyArns, for example,
 * are to narrow what a session may do. */
static bool check_names(struct api_request *request, struct str form, const char *const *names)
{
    struct str name, value;
    int count = 0;
    while (next_parameter(&form, &name, &value)) {
        const char *const *known = names;
        while (*known && !str_eq(name, str_from(*known)))
            known++;
        if (!*known)
            return fail(&request->error, ERR_VALIDATION,
                        "The parameter %.*s is not supported by Headgate's %.*s.",
                        STR_ARG(shown(name)), STR_ARG(request->operation->name));
        if (++count > PARAMETERS_MAX)
            return fail(&request->error, ERR_VALIDATION, "The request has too many parameters.");
    }
    return true;
}

static bool read_duration(struct api_request *request, struct str form, int64_t otherwise_s,
                          int64_t most_s, int64_t *ret_s)
{
    struct str text;
    unsigned long long number;
    *ret_s = otherwise_s;
    if (!read_parameter(request, form, "DurationSeconds", &text))
        return false;
    if (text.len == 0)
        return true;
    if (!str_to_u64(text, INT32_MAX, &number))
        return fail(&request->error, ERR_VALIDATION, "DurationSeconds must be a number.");
    *ret_s = (int64_t)number;
    if (*ret_s >= DURATION_LEAST_S && *ret_s <= most_s)
        return true;
    bool low = *ret_s < DURATION_LEAST_S;
    return fail(&request->error, ERR_VALIDATION,
                "1 validation error detected: Value '%llu' at 'durationSeconds' failed to satisfy "
                "constraint: Member must have value %s than or equal to %lld",
                number, low ? "greater" : "less",
                low ? (long long)DURATION_LEAST_S : (long long)most_s);
}

/* --- answers --- */

static struct buf begin_answer(struct api_request *request)
{
    struct buf xml = buf_in(request->arena, ANSWER_MAX);
    const char *name = request->operation->name.data;
    buf_printf(&xml,
               "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
               "<%sResult>",
               name, name);
    return xml;
}

static bool end_answer(struct api_request *request, struct buf *xml)
{
    const char *name = request->operation->name.data;
    buf_printf(xml,
               "</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata>"
               "</%sResponse>",
               name, request->request_id, name);
    request->output = buf_str(xml);
    return true;
}

/* None of their letters needs to be written differently in XML. */
static void add_credentials(struct buf *xml, const struct session_credentials *credentials)
{
    char end[CLOCK_TEXT_SIZE];
    clock_text(credentials->end_ms, end);
    buf_printf(xml,
               "<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey>"
               "<SessionToken>%.*s</SessionToken><Expiration>%s</Expiration></Credentials>",
               credentials->access_key_id, credentials->secret, STR_ARG(credentials->token), end);
}

/* AWS has an id for each role; here it is made of the role's ARN. */
static struct str role_id(struct api_request *request, struct str role)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(
        arena_printf(request->arena, "%.*s/%.*s", STR_ARG(request->caller.account), STR_ARG(role)),
        hex);
    for (size_t i = 0; i < ROLE_ID_DIGITS; i++)
        hex[i] = ascii_upper(hex[i]);
    return arena_printf(request->arena, "AROA%.*s", ROLE_ID_DIGITS, hex);
}

/* --- GetCallerIdentity --- */

static bool get_caller_identity(struct api_request *request)
{
    struct buf xml = begin_answer(request);
    const struct session_token *session = request->session;
    struct str account = request->caller.account, arn = request_caller_arn(request);
    struct str user = account;
    if (session && session->role.len > 0)
        user = arena_printf(request->arena, "%.*s:%.*s", STR_ARG(role_id(request, session->role)),
                            STR_ARG(session->name));
    buf_printf(&xml, "<Arn>%.*s</Arn><UserId>%.*s</UserId><Account>%.*s</Account>", STR_ARG(arn),
               STR_ARG(user), STR_ARG(account));
    return end_answer(request, &xml);
}

/* --- AssumeRole --- */

static bool make_session(struct api_request *request, const struct session_wish *wish,
                         struct session_credentials *ret_credentials)
{
    return session_make(request->service->config.keyring, request->parent, wish, request->arena,
                        ret_credentials, &request->error);
}

static bool deny(struct api_request *request, struct str role_arn)
{
    request->is_denied = true;
    return fail(&request->error, ERR_ACCESS_DENIED,
                "User: %.*s is not authorized to perform: sts:AssumeRole on resource: %.*s. With "
                "Headgate a role belongs to the account of the access key.",
                STR_ARG(request_caller_arn(request)), STR_ARG(role_arn));
}

/* arn:aws:iam::ACCOUNT:role/NAME, or with a path before the name. */
static bool read_role(struct api_request *request, struct str arn, struct str *ret_role)
{
    static const struct str prefix = STR("arn:aws:iam::"), kind = STR("role/");
    struct str rest = arn, part;
    bool good = arn.len <= ROLE_ARN_MAX && str_starts(arn, prefix);
    if (good)
        rest = (struct str){arn.data + prefix.len, arn.len - prefix.len};
    good = good && str_cut(rest, ':', &part, &rest) && str_starts(rest, kind);
    while (good && str_cut(rest, '/', &part, &rest)) /* "role", then the path */
        good = session_name_is_valid(part);
    if (!good || !session_name_is_valid(rest))
        return fail(&request->error, ERR_VALIDATION,
                    "RoleArn is not the ARN of a role: arn:aws:iam::%.*s:role/NAME is expected.",
                    STR_ARG(request->caller.account));
    *ret_role = rest;
    return true;
}

static bool check_account(struct api_request *request, struct str role_arn)
{
    struct str own =
        arena_printf(request->arena, "arn:aws:iam::%.*s:", STR_ARG(request->caller.account));
    return str_starts(role_arn, own) || deny(request, role_arn);
}

static bool read_session_name(struct api_request *request, struct str form, struct str *ret_name)
{
    if (!read_parameter(request, form, "RoleSessionName", ret_name))
        return false;
    return (ret_name->len >= 2 && session_name_is_valid(*ret_name)) ||
           fail(&request->error, ERR_VALIDATION,
                "RoleSessionName must have 2 to %d letters, digits and characters of _+=,.@-.",
                SESSION_NAME_MAX);
}

static bool check_chaining(struct api_request *request, int64_t duration_s)
{
    return !request->session || duration_s <= CHAINED_DURATION_MAX_S ||
           fail(&request->error, ERR_VALIDATION,
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining");
}

static bool read_wish(struct api_request *request, struct str form, struct session_wish *ret_wish)
{
    static const char *const names[] = {"Action",          "Version", "RoleArn", "RoleSessionName",
                                        "DurationSeconds", "Policy",  NULL};
    struct str role_arn;
    return check_names(request, form, names) &&
           read_parameter(request, form, "RoleArn", &role_arn) &&
           read_role(request, role_arn, &ret_wish->role) && check_account(request, role_arn) &&
           read_session_name(request, form, &ret_wish->name) &&
           read_duration(request, form, ROLE_DURATION_S, ROLE_DURATION_MAX_S,
                         &ret_wish->duration_s) &&
           check_chaining(request, ret_wish->duration_s) &&
           read_parameter(request, form, "Policy", &ret_wish->policy);
}

static bool assume_role(struct api_request *request)
{
    struct session_credentials credentials;
    struct session_wish wish = {0};
    struct str form;
    if (!read_form(request, &form) || !read_wish(request, form, &wish) ||
        !make_session(request, &wish, &credentials))
        return false;
    struct buf xml = begin_answer(request);
    add_credentials(&xml, &credentials);
    explicit_bzero(credentials.secret, sizeof(credentials.secret));
    buf_printf(&xml,
               "<AssumedRoleUser><AssumedRoleId>%.*s:%.*s</AssumedRoleId>"
               "<Arn>arn:aws:sts::%.*s:assumed-role/%.*s/%.*s</Arn></AssumedRoleUser>",
               STR_ARG(role_id(request, wish.role)), STR_ARG(wish.name),
               STR_ARG(request->caller.account), STR_ARG(wish.role), STR_ARG(wish.name));
    return end_answer(request, &xml);
}

/* --- GetSessionToken --- */

static bool get_session_token(struct api_request *request)
{
    static const char *const names[] = {"Action", "Version", "DurationSeconds", NULL};
    struct session_credentials credentials;
    struct session_wish wish = {0};
    struct str form;
    request->is_denied = request->session != NULL;
    if (request->is_denied)
        return fail(&request->error, ERR_ACCESS_DENIED,
                    "Cannot call GetSessionToken with session credentials");
    if (!read_form(request, &form) || !check_names(request, form, names) ||
        !read_duration(request, form, TOKEN_DURATION_S, TOKEN_DURATION_MAX_S, &wish.duration_s) ||
        !make_session(request, &wish, &credentials))
        return false;
    struct buf xml = begin_answer(request);
    add_credentials(&xml, &credentials);
    explicit_bzero(credentials.secret, sizeof(credentials.secret));
    return end_answer(request, &xml);
}

/* --- the table --- */

enum { STS_COUNT = METRIC_SECRETS - METRIC_STS };

const struct operation sts_operations[STS_COUNT] = {
    {.name = STR("GetCallerIdentity"),
     .run = get_caller_identity,
     .thread = ON_LOOP,
     .hosts = CALLS_NONE,
     .metric = METRIC_STS},
    {.name = STR("AssumeRole"),
     .run = assume_role,
     .thread = ON_LOOP,
     .hosts = CALLS_NONE,
     .metric = METRIC_STS + 1},
    {.name = STR("GetSessionToken"),
     .run = get_session_token,
     .thread = ON_LOOP,
     .hosts = CALLS_NONE,
     .metric = METRIC_STS + 2},
};

bool sts_find(struct api_request *request)
{
    struct str form;
    if (!read_form(request, &form))
        return false;
    struct str action = raw_parameter(form, STR("Action"));
    struct str version = raw_parameter(form, STR("Version"));
    for (size_t i = 0; i < STS_COUNT; i++) {
        if (str_eq(action, sts_operations[i].name)) {
            request->operation = &sts_operations[i];
            return true;
        }
    }
    return fail(&request->error, ERR_UNKNOWN_OPERATION,
                "Could not find operation %.*s for version %.*s. Of STS, Headgate answers "
                "GetCallerIdentity, AssumeRole and GetSessionToken.",
                STR_ARG(shown(action)), STR_ARG(shown(version)));
}
