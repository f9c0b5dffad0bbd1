/* Two walks through the credentials, the first of which reads nothing. */
#include "profile/credentials.h"

#include "auth/assertion_key.h"
#include "auth/references.h"
#include "base/clock.h"
#include "base/encode.h"
#include "connector/connector.h"
#include "profile/seal.h"
#include "vault/seal.h"
#include "wire/api_ids.h"
#include "wire/errors.h"
#include "wire/validate.h"

#include <string.h>

enum { SHOWN_MAX = 256 }; /* bytes of a reference in a message */

struct resolving {
    const struct profile_context *context;
    struct reference_question question;
    struct arena *arena;
    bool reads; /* in the second walk */
    size_t count;
    struct str seeds[CREDENTIALS_REFERENCES_MAX];
    size_t seed_count;
    struct error *error;
};

/* --- one value --- */

static bool fail_reference(struct resolving *resolving, const struct reference *reference,
                           struct str member, const struct error *why)
{
    struct str clause = str_from(why->message);
    struct str shown = utf8_cut(reference->text, SHOWN_MAX); /* so that the clause has room, too */
    if (str_ends(clause, STR(".")))
        clause.len--;
    return fail(resolving->error, why->code == ERR_NOT_FOUND ? ERR_ACCESS_DENIED : why->code,
                "The reference %.*s in %.*s cannot be used: %.*s.", STR_ARG(shown), STR_ARG(member),
                STR_ARG(clause));
}

/* What the API would refuse if it was given itself is refused here, too. */
static bool check_fits(struct resolving *resolving, const struct reference *reference,
                       struct str member, const struct shape *shape, const struct value *secret)
{
    struct error why;
    if (reference_is_meant(secret->text)) {
        fail(&why, ERR_VALIDATION, "what it leads to is another reference");
        return fail_reference(resolving, reference, member, &why);
    }
    if (str_eq(member, STR("jwtToken")) && assertion_key_is_meant(secret->text))
        return assertion_key_check(secret->text, &why) ||
               fail_reference(resolving, reference, member, &why);
    if (!shape || validate(shape, secret, resolving->arena, NULL))
        return true;
    fail(&why, ERR_VALIDATION,
         "what it leads to is not valid there, where there may be %lld characters that match %.*s",
         (long long)(shape->has_max ? shape->max : REFERENCE_TEXT_MAX),
         STR_ARG(shape->pattern.data ? shape->pattern : STR(".*")));
    return fail_reference(resolving, reference, member, &why);
}

/* The members that tokens begin with. */
static bool is_seed(struct str member)
{
    static const struct str names[] = {STR("accessToken"), STR("refreshToken"), STR("authCode"),
                                       STR("jwtToken")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq(member, names[i]))
            return true;
    }
    return false;
}

static bool read_secret(struct resolving *resolving, const struct reference *reference,
                        struct str member, const struct shape *shape, struct value *ret_secret)
{
    struct error why = {0};
    if (!references_resolve(resolving->context->references, &resolving->question, reference,
                            resolving->arena, &ret_secret->text, &why))
        return fail_reference(resolving, reference, member, &why);
    if (!check_fits(resolving, reference, member, shape, ret_secret))
        return false;
    if (is_seed(member))
        resolving->seeds[resolving->seed_count++] = ret_secret->text;
    return true;
}

/* The value that takes its place has no shape: whatever member it is of, it is secret
 * (connector/http/redact.h). */
static bool resolve_text(struct resolving *resolving, struct str member, const struct shape *shape,
                         const struct value *given, const struct value **ret_value)
{
    struct reference reference;
    struct error why = {0};
    *ret_value = given;
    if (!reference_is_meant(given->text))
        return true;
    if (str_eq(member, STR("clientCredentialsArn"))) /* its account was checked as it was given */
        return fail(resolving->error, ERR_VALIDATION,
                    "clientCredentialsArn is an ARN by itself and cannot be a reference.");
    if (!reference_read(given->text, &reference, &why))
        return fail(resolving->error, ERR_VALIDATION,
                    "The value of %.*s has {{resolve: in it, but is no reference: %s.",
                    STR_ARG(member), why.message);
    if (!references_allow(resolving->context->references, resolving->question.account, &reference,
                          &why))
        return fail_reference(resolving, &reference, member, &why);
    if (++resolving->count > CREDENTIALS_REFERENCES_MAX)
        return fail(resolving->error, ERR_VALIDATION,
                    "The credentials have more than %d references.", CREDENTIALS_REFERENCES_MAX);
    if (!resolving->reads)
        return true;
    struct value *secret = value_string(resolving->arena, STR_NULL);
    *ret_value = secret;
    return read_secret(resolving, &reference, member, shape, secret);
}

/* --- all of them --- */

static const struct shape *shape_of_item(const struct shape *shape, const struct value *value,
                                         size_t index)
{
    if (!shape)
        return NULL;
    if (value->kind != VALUE_STRUCTURE && shape->type != SHAPE_STRUCTURE)
        return &api_shapes[shape->element];
    if (shape->type == SHAPE_MAP) /* what was sealed has no kinds of objects */
        return &api_shapes[shape->element];
    const struct shape_member *member =
        value->names ? shape_find_member(shape, value->names[index]) : NULL;
    return member ? &api_shapes[member->shape] : NULL;
}

/* Keys of a map are the caller's own words, and credentialsMap is sensitive as a whole: its items
 * have the name of the map. */
static struct str name_of_item(struct str member, const struct shape *shape,
                               const struct value *value, size_t index)
{
    bool is_map = value->kind == VALUE_MAP || (shape && shape->type == SHAPE_MAP);
    return value->names && !is_map ? value->names[index] : member;
}

/* The API's structures nest a few levels, so this does, too. */
static bool walk(struct resolving *resolving, struct str member, const struct shape *shape,
                 const struct value *given, const struct value **ret_value)
{
    if (given->kind == VALUE_STRING)
        return resolve_text(resolving, member, shape, given, ret_value);
    struct value *copy = arena_new(resolving->arena, struct value);
    *copy = *given;
    *ret_value = copy;
    if (given->count == 0)
        return true;
    copy->items = arena_array(resolving->arena, struct value *, given->count);
    copy->capacity = given->count & VALUE_ITEMS_MAX;
    for (size_t i = 0; i < given->count; i++) {
        const struct value *item = NULL;
        if (!walk(resolving, name_of_item(member, shape, given, i), shape_of_item(shape, given, i),
                  given->items[i], &item))
            return false;
        copy->items[i] = (struct value *)item;
    }
    return true;
}

static const struct shape *credentials_shape(struct str connector_key)
{
    const struct shape *all = &api_shapes[API_SHAPE_ConnectorProfileCredentials];
    const struct shape_member *member = shape_find_member(all, connector_key);
    return member ? &api_shapes[member->shape] : NULL;
}

static struct str seed_of(const struct resolving *resolving)
{
    unsigned char hash[KEYED_HASH_SIZE];
    char *hex = arena_alloc(resolving->arena, CREDENTIALS_SEED_SIZE);
    struct str parts[CREDENTIALS_REFERENCES_MAX + 1] = {STR("credentials seed")};
    if (resolving->seed_count == 0)
        return STR_NULL;
    memcpy(&parts[1], resolving->seeds, resolving->seed_count * sizeof(*parts));
    keyed_hash(resolving->context->service_secret, parts, resolving->seed_count + 1, hash);
    encode_hex(hash, sizeof(hash), hex);
    return str_from(hex);
}

int64_t profile_credentials_time_ms(const struct profile_context *context)
{
    return context->verify_timeout_ms < REFERENCE_TIME_MS ? context->verify_timeout_ms
                                                          : REFERENCE_TIME_MS;
}

bool profile_credentials_resolve(const struct profile_context *context, struct profile_key key,
                                 struct str connector_key, const struct value *given,
                                 int64_t not_before_ms, struct arena *arena,
                                 struct profile_credentials *ret_credentials, struct error *error)
{
    struct resolving resolving = {
        .context = context,
        .question = {.account = key.account,
                     .region = key.region,
                     .not_before_ms = not_before_ms,
                     .deadline_ms = clock_mono_ms() + profile_credentials_time_ms(context)},
        .arena = arena,
        .error = error,
    };
    const struct shape *shape = credentials_shape(connector_key);
    *ret_credentials = (struct profile_credentials){.given = given, .resolved = given};
    const struct value *unused;
    if (!walk(&resolving, STR("credentials"), shape, given, &unused))
        return false;
    if (resolving.count == 0)
        return true;
    resolving.reads = true;
    resolving.count = 0;
    if (!walk(&resolving, STR("credentials"), shape, given, &ret_credentials->resolved))
        return false;
    ret_credentials->seed = seed_of(&resolving);
    return true;
}

bool profile_credentials_may_recover(const struct error *error)
{
    return error->code == ERR_THROTTLING || error->code == ERR_CONNECTOR_SERVER ||
           error->code == ERR_UNAVAILABLE;
}

bool profile_credentials_check(const struct profile_credentials *credentials,
                               const struct target *target, struct error *error)
{
    return credentials->resolved == credentials->given ||
           target->connector->ops->check(target, error);
}

bool profile_credentials_open(const struct profile_context *context, const struct profile *profile,
                              struct target *target, struct profile_credentials *ret_credentials,
                              struct error *error)
{
    struct profile_sealed sealed;
    *ret_credentials = (struct profile_credentials){0};
    if (!profile_unseal(context, profile, target->arena, &sealed, error)) {
        ret_credentials->key_is_away = envelope_key_is_away(error);
        return false;
    }
    if (!profile_credentials_resolve(context, profile->key, target->connector->key,
                                     sealed.credentials, CREDENTIALS_CACHED, target->arena,
                                     ret_credentials, error))
        return false;
    ret_credentials->data_key = sealed.data_key;
    target_set_credentials(target, ret_credentials->resolved);
    return profile_credentials_check(ret_credentials, target, error);
}

/* --- once more --- */

static bool is_same(const struct value *a, const struct value *b)
{
    bool same = a->kind == b->kind && a->count == b->count;
    if (same && a->kind == VALUE_STRING)
        return secret_bytes_eq(a->text, b->text);
    for (size_t i = 0; same && i < a->count; i++)
        same = is_same(a->items[i], b->items[i]);
    return same;
}

bool profile_credentials_reread(const struct profile_context *context, struct profile_key key,
                                struct target *target, struct profile_credentials *credentials)
{
    struct profile_credentials fresh;
    struct error ignored;
    if (credentials->resolved == credentials->given ||
        !profile_credentials_resolve(context, key, target->connector->key, credentials->given,
                                     clock_mono_ms(), target->arena, &fresh, &ignored) ||
        is_same(fresh.resolved, credentials->resolved))
        return false;
    const struct target before = *target;
    target_replace_credentials(target, fresh.resolved);
    if (!profile_credentials_check(&fresh, target, &ignored)) {
        *target = before;
        return false;
    }
    fresh.data_key = credentials->data_key;
    *credentials = fresh;
    return true;
}
