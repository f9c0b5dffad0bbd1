/* One operation of AWS STS in the query protocol: a form goes out, XML comes back
 * (docs.aws.amazon.com/STS, AssumeRole). */
#include "auth/aws_role.h"

#include "base/buf.h"
#include "base/encode.h"
#include "wire/errors.h"

#include <ctype.h>
#include <string.h>

enum { FORM_MAX = 4096, ELEMENT_MAX = 4096 };

#define ROLE_BEGINNING STR("arn:aws:iam::")

/* AWS's field order: the region of a role is empty, the account twelve digits; names and paths as
 * IAM's reference of identifiers allows them. */
bool aws_role_arn_is_valid(struct str arn)
{
    struct str prefix = ROLE_BEGINNING, account, name;
    if (arn.len > AWS_ROLE_ARN_MAX || !str_starts(arn, prefix))
        return false;
    struct str rest = {arn.data + prefix.len, arn.len - prefix.len};
    if (!str_cut(rest, ':', &account, &rest) || account.len != 12 ||
        !str_starts(rest, STR("role/")))
        return false;
    for (size_t i = 0; i < account.len; i++) {
        if (account.data[i] < '0' || account.data[i] > '9')
            return false;
    }
    name = (struct str){rest.data + 5, rest.len - 5};
    for (size_t i = 0; i < name.len; i++) {
        if (!isalnum((unsigned char)name.data[i]) && !memchr("+=,.@_-/", name.data[i], 8))
            return false;
    }
    return name.len > 0 && name.data[name.len - 1] != '/';
}

bool aws_role_is_of_account(struct str arn, struct str account)
{
    return aws_role_arn_is_valid(arn) &&
           str_starts((struct str){arn.data + ROLE_BEGINNING.len, arn.len - ROLE_BEGINNING.len},
                      account);
}

/* Line ends too: STS's own examples put a token on a line of its own. */
static struct str trim(struct str text)
{
    while (text.len > 0 && (unsigned char)text.data[0] <= ' ')
        text = (struct str){text.data + 1, text.len - 1};
    while (text.len > 0 && (unsigned char)text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

/* The text of the first element of that name. Our answers hold no markup in it, and neither a
 * token nor a key holds anything that XML would escape. STR_NULL: not there, or something else. */
static struct str element(struct arena *arena, struct str xml, const char *name)
{
    struct str open = arena_printf(arena, "<%s>", name);
    const char *start = memmem(xml.data, xml.len, open.data, open.len);
    if (!start)
        return STR_NULL;
    start += open.len;
    struct str rest = {start, (size_t)(xml.data + xml.len - start)}, text, after;
    struct str close = arena_printf(arena, "/%s>", name);
    if (!str_cut(rest, '<', &text, &after) || !str_starts(after, close))
        return STR_NULL;
    text = trim(text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '&')
            return STR_NULL;
    }
    return text.len > 0 && text.len <= ELEMENT_MAX ? text : STR_NULL;
}

static struct str form_of(struct arena *arena, struct str role_arn)
{
    struct buf form = buf_in(arena, FORM_MAX);
    buf_add_cstr(&form, "Action=AssumeRole&Version=2011-06-15&RoleSessionName=headgate&RoleArn=");
    encode_percent(&form, role_arn, NULL);
    buf_printf(&form, "&DurationSeconds=%d", AWS_ROLE_S);
    return buf_str(&form);
}

static bool read_role(const struct client_response *response, struct arena *arena,
                      struct aws_role *ret_role, struct error *error)
{
    struct str secret = element(arena, response->body, "SecretAccessKey");
    struct str token = element(arena, response->body, "SessionToken");
    struct str id = element(arena, response->body, "AccessKeyId");
    if (response->status != 200 || !id.data || !secret.data || !token.data)
        return fail(error, ERR_CONNECTOR_SERVER,
                    "AWS STS gave no usable response (HTTP status %d).", response->status);
    ret_role->access_key_id = arena_copy(arena, id);
    ret_role->secret_access_key = secret_new(secret);
    ret_role->session_token = secret_new(token);
    return true;
}

static bool read_answer(const struct client_response *response, struct arena *arena,
                        struct aws_role *ret_role, struct error *error)
{
    if (response->outcome == CLIENT_STOPPED)
        return fail(error, ERR_UNAVAILABLE, "The server is stopping.");
    if (response->outcome == CLIENT_NO_MEMORY)
        return fail(error, ERR_UNAVAILABLE, "No memory is left for the response of AWS STS.");
    if (response->outcome != CLIENT_OK)
        return fail(error, ERR_CONNECTOR_SERVER, "AWS STS could not be reached: %s.",
                    response->detail);
    struct str code = element(arena, response->body, "Code");
    if (aws_is_throttled(response, code))
        return fail(error, ERR_THROTTLING, "AWS STS asks to be called again later.");
    if (aws_refuses_credentials(code))
        return fail(error, ERR_NOT_FOUND,
                    "AWS STS does not take this server's own access key (%.*s). Its operator gives "
                    "it another in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and looks at its "
                    "clock.",
                    STR_ARG(code));
    if (response->status >= 400 && response->status < 500)
        return fail(error, ERR_ACCESS_DENIED,
                    "AWS STS does not let this server take on the role%s%.*s%s.",
                    code.data ? " (" : "", STR_ARG(code), code.data ? ")" : "");
    return read_role(response, arena, ret_role, error);
}

bool aws_role_assume(const struct aws_access *access, struct str url, struct str region,
                     struct str role_arn, int64_t deadline_ms, struct arena *arena,
                     struct aws_role *ret_role, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena); /* the answer may be large */
    struct client_response response;
    struct aws_request request = {
        .url = url.len > 0 ? url : STR("https://sts.{region}.amazonaws.com"),
        .region = region,
        .service = STR("sts"),
        .content_type = STR("application/x-www-form-urlencoded; charset=utf-8"),
        .body = form_of(&call, role_arn),
        .deadline_ms = deadline_ms,
    };
    *ret_role = (struct aws_role){0};
    if (!access || !access->secret_access_key)
        return fail(error, ERR_NOT_FOUND,
                    "The role cannot be taken on: this server has no access to AWS. Its operator "
                    "gives it AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment and, "
                    "for another endpoint, --sts-url.");
    return aws_call(access, &request, &call, &response, error) &&
           read_answer(&response, arena, ret_role, error);
}

void aws_role_done(struct aws_role *role)
{
    secret_free(role->secret_access_key);
    secret_free(role->session_token);
    *role = (struct aws_role){0};
}
