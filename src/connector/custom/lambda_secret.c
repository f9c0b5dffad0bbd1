/* Copies of secrets in AWS Secrets Manager, where functions in AWS Lambda read them: one for each
 * profile, and one for each call with credentials that are not committed, which never replaces that
 * of the profile and is removed some time after the call. */
#include "connector/custom/lambda_internal.h"

#include "auth/secret_copy.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "wire/errors.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIAL_LETTERS = 16,
    TRIAL_REST_MS = 60 * 1000, /* after the call's deadline; then the copy is removed */
};

/* --- names --- */

/* Of the credentialsArn's name behind the operator's prefix. Secrets Manager has no '!' and no '#'
 * in names, and may take a name that ends in '-' and six characters for the end of an ARN. What
 * both become is the same: the six random characters tell names apart. */
static struct str name_of(struct arena *arena, struct str prefix, struct str arn)
{
    struct str rest = str_behind(arn, ':', 6);
    if (!rest.data)
        return STR("");
    struct str name = arena_printf(arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(rest));
    char *bytes = (char *)name.data, *last = memrchr(bytes, '-', name.len);
    for (size_t i = prefix.len; i < name.len; i++) {
        if (bytes[i] == '!' || bytes[i] == '#')
            bytes[i] = '/';
    }
    if (last)
        *last = '/';
    return name;
}

/* --- copies that are current --- */

static struct lambda_copy *place_of(struct lambda_runner *lambda, uint64_t name)
{
    return &lambda->copies[name % LAMBDA_COPIES_KNOWN];
}

/* Of an earlier version of the registration nothing is known to be current: the connector may have
 * been one without copies since, when another node removed this one, and its ARN with it. */
static bool is_current(struct lambda_runner *lambda, struct str name,
                       const struct function_secret *secret, struct arena *arena,
                       struct str *ret_arn)
{
    uint64_t hash = hash_text(name);
    pthread_mutex_lock(&lambda->lock);
    const struct lambda_copy *copy = place_of(lambda, hash);
    bool current = copy->arn && copy->name == hash && copy->text == hash_text(secret->text) &&
                   copy->version == secret->connector_version;
    if (current)
        *ret_arn = arena_copy(arena, str_from(copy->arn));
    pthread_mutex_unlock(&lambda->lock);
    return current;
}

/* `arn` STR_NULL: what was known of the name is forgotten. */
static void note(struct lambda_runner *lambda, struct str name,
                 const struct function_secret *secret, struct str arn)
{
    uint64_t hash = hash_text(name);
    pthread_mutex_lock(&lambda->lock);
    struct lambda_copy *copy = place_of(lambda, hash);
    if (arn.data || copy->name == hash) {
        free(copy->arn);
        *copy = (struct lambda_copy){0};
    }
    if (arn.data) {
        *copy = (struct lambda_copy){hash, hash_text(secret->text), secret->connector_version,
                                     xmalloc(arn.len + 1)};
        memcpy(copy->arn, arn.data, arn.len);
        copy->arn[arn.len] = '\0';
    }
    pthread_mutex_unlock(&lambda->lock);
}

void lambda_copies_forget(struct lambda_runner *lambda)
{
    for (size_t i = 0; i < LAMBDA_COPIES_KNOWN; i++)
        free(lambda->copies[i].arn);
}

/* --- calls to Secrets Manager --- */

/* With `text` STR_NULL the copy is removed; else *ret_arn is its ARN. */
static bool change(struct lambda_runner *lambda, const struct function_secret *secret,
                   struct str name, struct arena *arena, struct str *ret_arn,
                   struct function_answer *answer)
{
    _cleanup_role_ struct aws_role role = {0};
    struct error error = {0};
    struct aws_access access;
    struct secret_copy copy = {.access = &access,
                               .url = lambda->config.secrets_manager_url,
                               .region = str_field(secret->arn, ':', 3),
                               .name = name,
                               .deadline_ms = secret->deadline_ms};
    if (!lambda_choose_access(lambda, secret->account, copy.region, secret->deadline_ms, arena,
                              &role, &access, answer))
        return false;
    bool done = secret->text.data ? secret_copy_put(&copy, secret->text, arena, ret_arn, &error)
                                  : secret_copy_remove(&copy, arena, &error);
    if (!done && error.code == ERR_ACCESS_DENIED)
        lambda_forget_role(lambda, secret->account, arena);
    return done || lambda_fail(&error, arena, answer);
}

/* A copy's name that has no other use. Its removal is durable before it is made. */
static bool place_trial(struct lambda_runner *lambda, const struct function_secret *secret,
                        struct str base, struct arena *arena, struct str *ret_arn,
                        struct function_answer *answer)
{
    char letters[TRIAL_LETTERS + 1];
    struct error error = {0};
    random_text(RANDOM_ID_LETTERS, letters, TRIAL_LETTERS);
    struct str name = arena_printf(arena, "%.*s/trial/%s", STR_ARG(base), letters);
    int64_t until_ms = clock_wall_ms() + (secret->deadline_ms - clock_mono_ms()) + TRIAL_REST_MS;
    struct function_secret trial = *secret;
    trial.copy = name;
    return (lambda->remove_later(lambda->remove_context, &trial, until_ms, &error) ||
            lambda_fail(&error, arena, answer)) &&
           change(lambda, secret, name, arena, ret_arn, answer);
}

static bool check_name(struct str name, struct arena *arena, struct function_answer *answer)
{
    struct error error = {0};
    return (name.len > 0 && name.len + sizeof("/trial/") + TRIAL_LETTERS <= SECRET_COPY_NAME_MAX) ||
           fail(&error, ERR_CONNECTOR_SERVER,
                "The name of the secret's copy in AWS Secrets Manager would have more than %d "
                "characters. Choose a shorter name for the profile.",
                SECRET_COPY_NAME_MAX) ||
           lambda_fail(&error, arena, answer);
}

bool lambda_place_secret(struct function_runner *runner, const struct function_call *call,
                         struct arena *arena, struct str *ret_arn, struct function_answer *answer)
{
    struct lambda_runner *lambda = (struct lambda_runner *)runner;
    const struct function_secret secret = {.account = call->account,
                                           .arn = call->secret_arn,
                                           .text = call->secret_text,
                                           .connector_version = call->connector_version,
                                           .deadline_ms = call->deadline_ms};
    assert(call->secret_text.data); /* without a text the copy would be removed */
    struct str name = name_of(arena, lambda->config.mirror_prefix, call->secret_arn);
    if (!check_name(name, arena, answer))
        return false;
    if (call->secret_is_new)
        return place_trial(lambda, &secret, name, arena, ret_arn, answer);
    if (is_current(lambda, name, &secret, arena, ret_arn))
        return true;
    if (!change(lambda, &secret, name, arena, ret_arn, answer))
        return false;
    note(lambda, name, &secret, *ret_arn);
    return true;
}

bool lambda_keep_secret(struct function_runner *runner, const struct function_secret *secret,
                        struct arena *arena, struct function_answer *answer)
{
    struct lambda_runner *lambda = (struct lambda_runner *)runner;
    struct str name = secret->copy.data ? secret->copy
                                        : name_of(arena, lambda->config.mirror_prefix, secret->arn);
    struct str arn = STR_NULL;
    if ((!secret->copy.data && !check_name(name, arena, answer)) ||
        !change(lambda, secret, name, arena, &arn, answer))
        return false;
    note(lambda, name, secret, secret->text.data ? arn : STR_NULL);
    return true;
}
