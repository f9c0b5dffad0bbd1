/* Copies of secrets follow the store: made, replaced and removed by jobs, and tried again while
 * what keeps them is away. */
#include "store_fixture.h"

#include "base/clock.h"
#include "connector/env.h"
#include "keyring_scratch.h"
#include "profile/seal.h"
#include "profile/secret_mirror.h"
#include "store_raw.h"
#include "wire/json_value.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WAIT_MS = 20 * 1000 };

static struct keyring *keyring;

/* A runner that keeps copies, and what it was last told. */
static struct {
    struct function_runner runner; /* first */
    pthread_mutex_t lock;
    char arn[256], copy[256], text[256]; /* text "": to be removed */
    atomic_int told;
    atomic_int failures; /* answers that are to fail */
    atomic_bool holds;   /* no answer until this is false */
} keeper;

static bool keep(struct function_runner *runner, const struct function_secret *secret,
                 struct arena *arena, struct function_answer *ret_answer)
{
    (void)runner, (void)arena;
    pthread_mutex_lock(&keeper.lock);
    snprintf(keeper.arn, sizeof(keeper.arn), "%.*s", STR_ARG(secret->arn));
    snprintf(keeper.copy, sizeof(keeper.copy), "%.*s", STR_ARG(secret->copy));
    snprintf(keeper.text, sizeof(keeper.text), "%.*s", STR_ARG(secret->text));
    pthread_mutex_unlock(&keeper.lock);
    *ret_answer = (struct function_answer){.outcome = FUNCTION_UNREACHABLE, .message = STR("away")};
    bool good = atomic_fetch_sub(&keeper.failures, 1) <= 0;
    atomic_fetch_add(&keeper.told, 1);
    while (atomic_load(&keeper.holds))
        clock_nap_us(1000);
    return good;
}

static const struct function_runner_ops keeper_ops = {.keep_secret = keep};

struct setting {
    struct fixture *f;
    struct connector_env env;
    struct profile_context context;
};

static const struct function_secret one_call = {
    .account = STR("123456789012"),
    .arn = STR("arn:aws:secretsmanager:eu-west-3:123456789012:secret:y"),
    .copy = STR("headgate/trial/1"),
};

static void begin(struct setting *s, struct fixture *f)
{
    pthread_mutex_init(&keeper.lock, NULL);
    keeper.runner = (struct function_runner){.ops = &keeper_ops};
    atomic_store(&keeper.told, 0);
    atomic_store(&keeper.failures, 0);
    s->f = f;
    s->env = (struct connector_env){.functions = &keeper.runner};
    s->context =
        (struct profile_context){.store = f->store, .keyring = keyring, .connectors = &s->env};
    s->context.secret_mirror = job_runner_new(&secret_mirror_kind, &s->context, f->store);
    check(f, job_runner_start(s->context.secret_mirror, &f->error));
}

static void end(struct setting *s)
{
    job_runner_free(s->context.secret_mirror);
    pthread_mutex_destroy(&keeper.lock);
}

/* Of a connector that is compiled in, since no other can be found by the job here. */
static struct profile profile_of(struct setting *s, const char *api_key, int64_t version)
{
    struct profile profile = sample_profile("crm");
    struct value *credentials = value_structure(&s->f->arena);
    profile.version = profile.credentials_version = version;
    profile.connector_type = STR("Amplitude");
    profile.properties = STR("{\"Amplitude\":{}}");
    value_put_text(&s->f->arena, credentials, "apiKey", str_from(api_key));
    check(s->f,
          profile_seal(keyring, &profile, &(struct profile_sealed){.credentials = credentials},
                       &s->f->arena, &profile.sealed_credentials, &s->f->error));
    return profile;
}

enum step_kind {
    STEP_INSERT,
    STEP_REPLACE,
    STEP_INSERT_LABELLED,
    STEP_INSERT_UNREGISTERED,
    STEP_DELETE
};

struct step {
    struct setting *setting;
    struct profile profile;
    enum step_kind what;
};

static bool apply(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    const struct profile_context *context = &step->setting->context;
    const struct profile *profile = &step->profile;
    struct profile labelled = *profile; /* only such profiles have copies */
    labelled.connector_label = STR("label");
    if (step->what == STEP_DELETE)
        return secret_mirror_drop(db, context, profile->key, &step->setting->f->arena, error) &&
               profile_delete(db, profile->key, error);
    if (step->what == STEP_INSERT_LABELLED)
        return profile_insert(db, &labelled, 0, error);
    if (step->what == STEP_INSERT_UNREGISTERED)
        profile = &labelled;
    bool stored = step->what != STEP_REPLACE
                      ? profile_insert(db, profile, 0, error)
                      : profile_replace(db, profile, profile->version - 1, error);
    return stored && secret_mirror_follow(db, context, NULL, &labelled, error);
}

static void take(struct setting *s, enum step_kind what, struct profile profile)
{
    struct step step = {s, profile, what};
    check(s->f, store_apply(s->f->store, apply, &step, false, &s->f->error));
    secret_mirror_wake(&s->context);
}

/* Until a query that counts finds something. */
static void wait_for(struct setting *s, const char *count)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (raw(s->f->path, count) == 0 && clock_mono_ms() < until_ms)
        clock_nap_us(1000);
    assert_int_not_equal(raw(s->f->path, count), 0);
}

/* And until the job's end is committed. */
static void wait_until_told(struct setting *s, int times)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (clock_mono_ms() < until_ms &&
           (atomic_load(&keeper.told) < times || raw(s->f->path, "SELECT count(*) FROM jobs") > 0))
        clock_nap_us(1000);
    assert_int_equal(atomic_load(&keeper.told), times);
    assert_int_equal(raw(s->f->path, "SELECT count(*) FROM jobs"), 0);
}

/* Once the runner may answer, the copy has the new key. */
static void change_key(struct setting *s)
{
    take(s, STEP_REPLACE, profile_of(s, "key-2", 101));
    atomic_store(&keeper.holds, false);
    wait_until_told(s, 2);
    assert_string_equal(keeper.text, "{\"apiKey\":\"key-2\"}");
}

static void a_copy_follows_the_profile(void **state)
{
    struct setting s;
    begin(&s, *state);
    take(&s, STEP_INSERT, profile_of(&s, "key-1", 100));
    wait_until_told(&s, 1);
    assert_string_equal(keeper.text, "{\"apiKey\":\"key-1\"}");
    assert_string_equal(keeper.arn, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x");
    assert_string_equal(keeper.copy, "");
    change_key(&s);
    end(&s);
}

static void a_copy_goes_with_the_profile(void **state)
{
    struct setting s;
    begin(&s, *state);
    take(&s, STEP_INSERT_LABELLED, profile_of(&s, "key-1", 100));
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM jobs"), 0);
    take(&s, STEP_DELETE, profile_of(&s, "key-1", 100));
    wait_until_told(&s, 1);
    assert_string_equal(keeper.text, "");
    assert_string_equal(keeper.arn, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x");
    end(&s);
}

static void a_copy_that_cannot_be_kept_is_tried_again(void **state)
{
    struct setting s;
    begin(&s, *state);
    atomic_store(&keeper.failures, 1);
    take(&s, STEP_INSERT, profile_of(&s, "key-1", 100));
    wait_for(&s, "SELECT count(*) FROM jobs WHERE attempts = 1 AND due_at_ms > 0");
    assert_int_equal(atomic_load(&keeper.told), 1);
    /* A newer change does not wait for the end of the pause. */
    change_key(&s);
    end(&s);
}

static void profiles_without_a_label_have_no_copy(void **state)
{
    struct setting s;
    begin(&s, *state);
    take(&s, STEP_INSERT, profile_of(&s, "key-1", 100));
    wait_until_told(&s, 1);
    take(&s, STEP_DELETE, profile_of(&s, "key-1", 100)); /* its row has no label */
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM jobs"), 0);
    assert_int_equal(atomic_load(&keeper.told), 1);
    end(&s);
}

/* No row has its label. */
static void a_copy_goes_where_the_connector_was_unregistered(void **state)
{
    struct setting s;
    begin(&s, *state);
    take(&s, STEP_INSERT_UNREGISTERED, profile_of(&s, "key-1", 100));
    wait_until_told(&s, 1);
    assert_string_equal(keeper.text, "");
    end(&s);
}

static void a_copy_for_one_call_is_removed_later(void **state)
{
    struct setting s;
    begin(&s, *state);
    check(s.f,
          secret_mirror_remove_later(&s.context, &one_call, clock_wall_ms() + 300, &s.f->error));
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM jobs"), 1);
    wait_until_told(&s, 1);
    assert_string_equal(keeper.copy, "headgate/trial/1");
    assert_string_equal(keeper.text, "");
    assert_string_equal(keeper.arn, "arn:aws:secretsmanager:eu-west-3:");
    end(&s);
}

static void take_up(struct setting *s, struct fixture *f)
{
    begin(s, f);
    atomic_store(&keeper.holds, true);
    take(s, STEP_INSERT, profile_of(s, "key-1", 100));
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (atomic_load(&keeper.told) < 1 && clock_mono_ms() < until_ms)
        clock_nap_us(1000);
    assert_int_equal(atomic_load(&keeper.told), 1);
}

/* Another node took the lease, did the job, and its put may have come before the one in hand. */
static void a_copy_is_made_again_when_the_lease_was_lost(void **state)
{
    struct setting s;
    take_up(&s, *state);
    int64_t before_ms = clock_wall_ms();
    raw(s.f->path, "DELETE FROM jobs");
    atomic_store(&keeper.holds, false);
    wait_for(&s, "SELECT count(*) FROM jobs WHERE lease_until_ms = 0");
    assert_true(raw(s.f->path, "SELECT due_at_ms FROM jobs") >= before_ms + SECRET_MIRROR_TIME_MS);
    raw(s.f->path, "UPDATE jobs SET due_at_ms = 1"); /* it does not last that long here */
    secret_mirror_wake(&s.context);
    wait_until_told(&s, 2);
    assert_string_equal(keeper.text, "{\"apiKey\":\"key-1\"}");
    end(&s);
}

static void a_newer_change_does_not_wait_for_that(void **state)
{
    struct setting s;
    take_up(&s, *state);
    int64_t begun_ms = clock_mono_ms();
    change_key(&s);
    assert_true(clock_mono_ms() - begun_ms < SECRET_MIRROR_TIME_MS / 2);
    end(&s);
}

/* Each call makes such a job: the ones that AWS refuses must not gather. */
static void a_copy_for_one_call_is_given_up_after_a_day(void **state)
{
    struct setting s;
    begin(&s, *state);
    atomic_store(&keeper.failures, 1000);
    check(s.f,
          secret_mirror_remove_later(&s.context, &one_call, clock_wall_ms() + 60000, &s.f->error));
    raw(s.f->path, "UPDATE jobs SET attempts = 99, due_at_ms = 1");
    secret_mirror_wake(&s.context);
    wait_for(&s, "SELECT count(*) FROM jobs WHERE attempts = 100");
    assert_int_equal(atomic_load(&keeper.told), 1);
    raw(s.f->path, "UPDATE jobs SET due_at_ms = 1");
    secret_mirror_wake(&s.context);
    wait_until_told(&s, 2);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(a_copy_follows_the_profile),
        test_with_store(a_copy_goes_with_the_profile),
        test_with_store(a_copy_that_cannot_be_kept_is_tried_again),
        test_with_store(profiles_without_a_label_have_no_copy),
        test_with_store(a_copy_goes_where_the_connector_was_unregistered),
        test_with_store(a_copy_for_one_call_is_removed_later),
        test_with_store(a_copy_is_made_again_when_the_lease_was_lost),
        test_with_store(a_newer_change_does_not_wait_for_that),
        test_with_store(a_copy_for_one_call_is_given_up_after_a_day),
    };
    keyring = scratch_keyring("mirror");
    int failed = cmocka_run_group_tests_name("secret-mirror", tests, scratch_begin, scratch_end);
    keyring_free(keyring);
    return failed;
}
