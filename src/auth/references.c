/* Each kind of reference has its source. */
#include "auth/references.h"

#include "auth/reference_file.h"
#include "auth/secret_cache.h"
#include "auth/secrets_manager.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/encode.h"
#include "wire/errors.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>

struct references {
    struct references_config config;
    struct secret_cache *secrets;
    struct aws_role_cache *roles;
};

struct references *references_new(const struct references_config *config)
{
    struct references *references = xcalloc(1, sizeof(*references));
    references->config = *config;
    references->secrets = secret_cache_new(&secret_cache_texts);
    references->roles = aws_role_cache_new();
    return references;
}

void references_free(struct references *references)
{
    if (!references)
        return;
    secret_cache_free(references->secrets);
    aws_role_cache_free(references->roles);
    free(references);
}

bool references_allow(const struct references *references, struct str account,
                      const struct reference *reference, struct error *error)
{
    struct reference_grant grant;
    return reference_allowed(references ? references->config.rules : NULL, account, reference,
                             &grant, error);
}

/* --- AWS Secrets Manager --- */

struct version_reading {
    struct references *references;
    struct secret_version version;
    struct str account;
    int64_t deadline_ms;
};

static bool read_version(void *context, struct arena *arena, struct str *ret_text,
                         struct error *error)
{
    const struct version_reading *reading = context;
    struct references *references = reading->references;
    const struct aws_account_config *aws = &references->config.aws;
    _cleanup_role_ struct aws_role role = {0};
    struct aws_access access;
    if (!aws_account_access(aws, references->roles, reading->account, reading->version.region,
                            reading->deadline_ms, arena, &role, &access, error))
        return false;
    bool good =
        secrets_manager_read(&access, references->config.secrets_manager_url, &reading->version,
                             reading->deadline_ms, arena, ret_text, error);
    if (!good && role.secret_access_key && error->code == ERR_ACCESS_DENIED)
        aws_role_forget(references->roles,
                        aws_account_role(arena, aws->role_arn, reading->account));
    return good;
}

/* The text itself, or the member of its JSON that the reference names. */
static bool pick(const struct reference *reference, struct str text, struct arena *arena,
                 struct str *ret_secret, struct error *error)
{
    struct value *members = NULL;
    *ret_secret = text;
    if (reference->key.len == 0)
        return true;
    if (!json_parse(text, arena, &members) || members->kind != VALUE_STRUCTURE)
        return fail(error, ERR_VALIDATION, "the secret is no JSON object, so it has no key in it");
    *ret_secret = value_text(members, arena_cstr(arena, reference->key));
    return ret_secret->data ||
           fail(error, ERR_VALIDATION, "the secret has no text under the key %.*s",
                STR_ARG(reference->key));
}

/* A name becomes an ARN, which Secrets Manager takes without its random end, too: so the account
 * and region are the profile's, whatever the server's own are. */
static bool resolve_secret(struct references *references, const struct reference_question *question,
                           const struct reference *reference, struct arena *arena,
                           struct str *ret_secret, struct error *error)
{
    int64_t limit_ms = clock_mono_ms() + REFERENCE_TIME_MS;
    struct version_reading reading = {
        .references = references,
        .version = {.region = reference->arn.data ? reference->region : question->region,
                    .id = reference->arn,
                    .stage = reference->stage,
                    .version = reference->version},
        .account = question->account,
        .deadline_ms = question->deadline_ms < limit_ms ? question->deadline_ms : limit_ms,
    };
    struct str text;
    if (!references->config.aws.aws || !references->config.aws.aws->secret_access_key)
        return fail(error, ERR_VALIDATION,
                    "this server has no access to AWS Secrets Manager. Its operator gives it "
                    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment and, for "
                    "another endpoint, --secrets-manager-url");
    if (!reading.version.id.data)
        reading.version.id = arena_printf(arena, "arn:aws:secretsmanager:%.*s:%.*s:secret:%.*s",
                                          STR_ARG(question->region), STR_ARG(question->account),
                                          STR_ARG(reference->name));
    struct str key = arena_printf(arena, "%.*s\n%.*s\n%.*s\n%.*s", STR_ARG(question->account),
                                  STR_ARG(reading.version.id), STR_ARG(reference->stage),
                                  STR_ARG(reference->version));
    const struct secret_question asked = {
        .account = question->account,
        .key = key,
        .not_before_ms = question->not_before_ms,
        .deadline_ms = reading.deadline_ms,
        .read = read_version,
        .context = &reading,
    };
    return secret_cache_get(references->secrets, &asked, arena, &text, error) &&
           pick(reference, text, arena, ret_secret, error);
}

/* --- all kinds --- */

static bool check_text(struct str secret, struct error *error)
{
    if (secret.len == 0)
        return fail(error, ERR_VALIDATION, "it leads to an empty text");
    return (utf8_is_valid(secret) && !memchr(secret.data, '\0', secret.len)) ||
           fail(error, ERR_VALIDATION, "what it leads to is no text in UTF-8");
}

static bool resolve(struct references *references, const struct reference_question *question,
                    const struct reference *reference, const struct reference_grant *grant,
                    struct arena *arena, struct str *ret_secret, struct error *error)
{
    if (reference->kind == REFERENCE_SECRET)
        return resolve_secret(references, question, reference, arena, ret_secret, error);
    if (reference->kind == REFERENCE_FILE)
        return reference_file_read(grant->directory, grant->path, arena, ret_secret, error);
    *ret_secret = grant->value;
    return true;
}

bool references_resolve(struct references *references, const struct reference_question *question,
                        const struct reference *reference, struct arena *arena,
                        struct str *ret_secret, struct error *error)
{
    struct reference_grant grant;
    if (!references)
        return references_allow(NULL, question->account, reference, error);
    return reference_allowed(references->config.rules, question->account, reference, &grant,
                             error) &&
           resolve(references, question, reference, &grant, arena, ret_secret, error) &&
           check_text(*ret_secret, error);
}
