/* Reading references, field by field, with the characters that each field may have. */
#include "auth/reference.h"

#include "auth/aws_call.h"
#include "wire/validate.h"

#include <string.h>

_Static_assert((int)REFERENCE_MAX == (int)REFERENCE_TEXT_MAX, "what is let through is read here");

enum { ARN_END_LEN = 6, STAGE_MAX = 256, VERSION_MAX = 64 };

static const struct str kind_names[] = {
    [REFERENCE_SECRET] = STR("secretsmanager"),
    [REFERENCE_ENV] = STR("env"),
    [REFERENCE_FILE] = STR("file"),
};

const char *reference_kind_name(enum reference_kind kind)
{
    return kind_names[kind].data;
}

bool reference_is_meant(struct str value)
{
    return str_contains(value, STR(REFERENCE_BEGINNING));
}

static bool refuse(struct error *error, const char *why)
{
    return fail(error, ERR_VALIDATION, "%s", why);
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '{' || text.data[i] == '}')
            return false;
    }
    return true;
}

static bool has_only(struct str text, const char *others, size_t max)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!ascii_is_alnum(c) && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return text.len > 0 && text.len <= max;
}

/* The next field; what has no further colon is the last one, and then *rest is absent. */
static struct str take(struct str *rest)
{
    struct str field = *rest, after = STR_NULL;
    str_cut(*rest, ':', &field, &after);
    *rest = after;
    return field;
}

/* arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, whose own colons separate no fields of the
 * reference. */
static bool read_arn(struct str *rest, struct reference *reference)
{
    const char *start = rest->data;
    if (!str_eq(take(rest), STR("arn")) || !str_eq(take(rest), STR("aws")) ||
        !str_eq(take(rest), STR("secretsmanager")))
        return false;
    reference->region = take(rest);
    reference->account = take(rest);
    if (!str_eq(take(rest), STR("secret")))
        return false;
    reference->name = take(rest);
    if (!aws_region_is_valid(reference->region) || !aws_account_is_valid(reference->account))
        return false;
    reference->arn =
        (struct str){start, (size_t)(reference->name.data - start) + reference->name.len};
    return true;
}

/* Secrets Manager takes an ARN without its random end, but not when the name ends like one. */
static bool ends_like_arn(struct str name)
{
    if (name.len <= ARN_END_LEN || name.data[name.len - ARN_END_LEN - 1] != '-')
        return false;
    return has_only((struct str){name.data + name.len - ARN_END_LEN, ARN_END_LEN}, "", ARN_END_LEN);
}

static bool read_secret(struct str rest, struct reference *reference, struct error *error)
{
    if (!str_starts(rest, STR("arn:")))
        reference->name = take(&rest);
    else if (!read_arn(&rest, reference))
        return refuse(error, "the secret's ARN is not arn:aws:secretsmanager:REGION:ACCOUNT:"
                             "secret:NAME");
    struct str what = take(&rest);
    reference->key = take(&rest);
    reference->stage = take(&rest);
    reference->version = take(&rest);
    if (!has_only(reference->name, "/_+=.@!-", REFERENCE_NAME_MAX))
        return refuse(error, "the secret's name has 1 to 512 letters, digits and characters of "
                             "/_+=.@!-");
    if (!reference->arn.data && ends_like_arn(reference->name))
        return refuse(error, "a secret whose name ends in - and six letters or digits is named by "
                             "its whole ARN");
    if (rest.data)
        return refuse(error, "there are more fields than secretsmanager:ID:SecretString:KEY:STAGE:"
                             "VERSION");
    if (what.len > 0 && !str_eq(what, STR("SecretString")))
        return refuse(error, "the field after the secret's name or ARN is SecretString");
    if (reference->stage.len > 0 && reference->version.len > 0)
        return refuse(error, "a stage and a version exclude each other");
    return (reference->stage.len <= STAGE_MAX && reference->version.len <= VERSION_MAX) ||
           refuse(error, "the stage or the version is too long");
}

static bool read_variable(struct str rest, struct reference *reference, struct error *error)
{
    reference->name = rest;
    return (has_only(rest, "_", REFERENCE_VARIABLE_MAX) && !ascii_is_digit(rest.data[0])) ||
           refuse(error, "a variable's name has letters, digits and _, and no digit first");
}

/* A path has one form only, so that the directory it is in can be compared as text. */
static bool read_path(struct str rest, struct reference *reference, struct error *error)
{
    struct str part = STR_NULL, left = rest;
    reference->name = rest;
    if (rest.len < 2 || rest.len > REFERENCE_PATH_MAX || rest.data[0] != '/')
        return refuse(error, "a file is named by its absolute path");
    left = (struct str){rest.data + 1, rest.len - 1};
    for (bool more = true; more;) {
        part = left;
        more = str_cut(left, '/', &part, &left);
        if (part.len == 0 || str_eq(part, STR(".")) || str_eq(part, STR("..")))
            return refuse(error, "a file's path has no empty parts, no . and no ..");
    }
    return true;
}

static bool (*const read_kind[])(struct str rest, struct reference *reference,
                                 struct error *error) = {
    [REFERENCE_SECRET] = read_secret,
    [REFERENCE_ENV] = read_variable,
    [REFERENCE_FILE] = read_path,
};

bool reference_read(struct str value, struct reference *ret_reference, struct error *error)
{
    struct str beginning = STR(REFERENCE_BEGINNING), end = STR("}}"), rest, kind;
    *ret_reference = (struct reference){.text = value};
    if (value.len > REFERENCE_MAX)
        return refuse(error, "it is longer than 2048 bytes");
    if (!str_starts(value, beginning) || !str_ends(value, end) ||
        value.len < beginning.len + end.len)
        return refuse(error, "a reference is the whole value, from {{resolve: to }}");
    rest = (struct str){value.data + beginning.len, value.len - beginning.len - end.len};
    if (!is_printable(rest))
        return refuse(error, "a reference has printable ASCII characters without blanks and "
                             "braces, and no reference in it");
    kind = take(&rest);
    for (size_t i = 0; i < REFERENCE_KINDS; i++) {
        if (str_eq(kind, kind_names[i])) {
            ret_reference->kind = (enum reference_kind)i;
            return read_kind[i](rest.data ? rest : STR(""), ret_reference, error);
        }
    }
    return refuse(error, "what comes after {{resolve: is secretsmanager, env or file");
}
