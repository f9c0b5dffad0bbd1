/* The Authorization header's parts: "AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…".
 */
#include "wire/errors.h"
#include "wire/sigv4_internal.h"

#include <string.h>

enum { CREDENTIAL, SIGNATURE, SIGNED_HEADERS, PARAMETER_COUNT };

/* In the order in which AWS tells of the missing ones. */
static const struct str NAMES[PARAMETER_COUNT] = {
    [CREDENTIAL] = STR("Credential"),
    [SIGNATURE] = STR("Signature"),
    [SIGNED_HEADERS] = STR("SignedHeaders"),
};

static const struct str ALGORITHM = STR("AWS4-HMAC-SHA256");

static bool take_parameter(struct str part, struct str *values, struct error *error)
{
    struct str name, value;
    if (!str_cut(part, '=', &name, &value))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "Authorization header has a part that is not a valid key=value pair (missing "
                    "equal-sign).");
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (!str_eq(name, NAMES[i]))
            continue;
        if (values[i].data)
            return fail(error, ERR_INCOMPLETE_SIGNATURE,
                        "Authorization header has more than one '%s' parameter.", NAMES[i].data);
        values[i] = value;
        return true;
    }
    return fail(error, ERR_INCOMPLETE_SIGNATURE,
                "Authorization header has a parameter other than 'Credential', 'SignedHeaders' and "
                "'Signature'.");
}

static bool split_parameters(struct str text, struct str *values, struct error *error)
{
    struct str part, rest = text;
    if (text.len == 0)
        return true; /* all are missing, which the caller reports */
    while (str_cut(rest, ',', &part, &rest)) {
        if (!take_parameter(str_trim(part), values, error))
            return false;
    }
    return take_parameter(str_trim(rest), values, error);
}

static bool check_present(const struct str *values, bool dated, struct error *error)
{
    _cleanup_(buf_done) struct buf missing = buf_on_heap(ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < PARAMETER_COUNT; i++) {
        if (values[i].len == 0)
            buf_printf(&missing, "%sAuthorization header requires '%s' parameter.",
                       missing.len ? " " : "", NAMES[i].data);
    }
    if (!dated)
        buf_printf(&missing,
                   "%sAuthorization header requires existence of either a 'X-Amz-Date' or a 'Date' "
                   "header.",
                   missing.len ? " " : "");
    if (missing.len == 0)
        return true;
    return fail(error, ERR_INCOMPLETE_SIGNATURE, "%s", missing.data);
}

static bool split_credential(struct str credential, struct sigv4_authorization *out,
                             struct error *error)
{
    struct str parts[4], rest = credential;
    size_t count = 0;
    while (count < 4 && str_cut(rest, '/', &parts[count], &rest))
        count++;
    struct str before, after;
    if (count != 4 || str_cut(rest, '/', &before, &after))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "Credential must have exactly 5 slash-delimited elements, e.g. "
                    "keyid/date/region/service/term.");
    if (!str_eq(rest, STR("aws4_request")))
        return fail(error, ERR_INVALID_SIGNATURE,
                    "Credential should be scoped with a valid terminator: 'aws4_request'.");
    out->access_key_id = parts[0];
    out->scope = (struct sigv4_scope){parts[1], parts[2], parts[3]};
    return true;
}

/* A header's name (RFC 9110 5.6.2) without upper-case letters. */
static bool is_lower_token(struct str name)
{
    static const char others[] = "!#$%&'*+.^_`|~";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
            !memchr(others, c, sizeof(others) - 1))
            return false;
    }
    return name.len > 0;
}

/* Sorted, lower case and unique, because the canonical request is: any other list could only be
 * verified by guessing what its sender has signed. */
static bool add_signed(struct sigv4_authorization *out, struct str name, struct error *error)
{
    size_t count = out->signed_count;
    if (count == SIGV4_HEADERS_MAX)
        return fail(error, ERR_INCOMPLETE_SIGNATURE, "SignedHeaders has more than %d names.",
                    SIGV4_HEADERS_MAX);
    if (!is_lower_token(name) ||
        (count > 0 && str_compare(out->signed_headers[count - 1], name) >= 0))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "SignedHeaders must be lower-case header names, sorted, each once, with ';' "
                    "between them.");
    out->signed_headers[out->signed_count++] = name;
    return true;
}

static bool split_signed(struct sigv4_authorization *out, struct error *error)
{
    struct str name, rest = out->signed_list;
    while (str_cut(rest, ';', &name, &rest)) {
        if (!add_signed(out, name, error))
            return false;
    }
    return add_signed(out, rest, error);
}

bool sigv4_parse_header(struct str header, bool dated,
                        struct sigv4_authorization *ret_authorization, struct error *error)
{
    struct str values[PARAMETER_COUNT] = {STR_NULL, STR_NULL, STR_NULL};
    struct str algorithm = header, rest = STR("");
    (void)str_cut(header, ' ', &algorithm, &rest);
    if (!str_eq(algorithm, ALGORITHM))
        return fail(error, ERR_INCOMPLETE_SIGNATURE,
                    "Authorization header must start with the algorithm '%s'.", ALGORITHM.data);
    if (!split_parameters(str_trim(rest), values, error) || !check_present(values, dated, error))
        return false;
    ret_authorization->signed_count = 0;
    ret_authorization->signed_list = values[SIGNED_HEADERS];
    ret_authorization->signature = values[SIGNATURE];
    return split_credential(values[CREDENTIAL], ret_authorization, error) &&
           split_signed(ret_authorization, error);
}

bool sigv4_parse_authorization(struct str header, struct sigv4_authorization *ret_authorization,
                               struct error *error)
{
    return sigv4_parse_header(header, true, ret_authorization, error);
}

/* The slash-separated part of the Credential at `index`. */
static struct str credential_part(struct str header, int index)
{
    static const struct str name = STR("Credential=");
    struct str piece, rest = header, part = STR("");
    while (rest.len > 0) {
        piece = rest;
        rest.len = 0;
        (void)str_cut(piece, ' ', &piece, &rest);
        if (!str_starts(piece, name))
            continue;
        rest = (struct str){piece.data + name.len, piece.len - name.len};
        (void)str_cut(rest, ',', &rest, &part);
        for (int i = 0; i <= index; i++) {
            if (!str_cut(rest, '/', &part, &rest))
                return STR("");
        }
        return part;
    }
    return STR("");
}

struct str sigv4_scope_access_key_id(struct str header)
{
    return credential_part(header, 0);
}

struct str sigv4_scope_service(struct str header)
{
    return credential_part(header, 3);
}

bool sigv4_access_key_id_is_valid(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' &&
            c != '-' && c != '.')
            return false;
    }
    return id.len > 0 && id.len <= SIGV4_ACCESS_KEY_ID_MAX;
}
