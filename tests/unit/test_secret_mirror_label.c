/* When a registration moves between functions with copies of secrets and functions without, or is
 * removed by force, the copies of all its profiles follow. */
#include "store_fixture.h"

#include "base/clock.h"
#include "connector/env.h"
#include "keyring_scratch.h"
#include "profile/registration.h"
#include "profile/seal.h"
#include "profile/secret_mirror.h"
#include "profile/secret_mirror_label.h"
#include "store_raw.h"
#include "wire/json_value.h"

#include <stdatomic.h>

enum { WAIT_MS = 20 * 1000, MANY = 2 * SECRET_MIRROR_PAGE + 3 };

#define COPIED STR("arn:aws:lambda:eu-central-1:123456789012:function:copied")
#define ALSO_COPIED STR("arn:aws:lambda:eu-central-1:123456789012:function:copied:2")
#define LOCAL STR("arn:aws:lambda:eu-central-1:123456789012:function:local")
#define DECLARED                                                                                   \
    "{\"connectorOwner\":\"CUSTOM\",\"connectorName\":\"Orders\",\"connectorVersion\":\"1.0\","    \
    "\"connectorModes\":[\"SOURCE\"],\"supportedApiVersions\":[\"v1\"],"                           \
    "\"authenticationConfig\":{\"isBasicAuthSupported\":true}}"

static struct keyring *keyring;
static struct secret *service_secret;

static atomic_int placed, removed; /* copies, as the runner was told */

static bool keep(struct function_runner *runner, const struct function_secret *secret,
                 struct arena *arena, struct function_answer *ret_answer)
{
    (void)runner, (void)arena, (void)ret_answer;
    atomic_fetch_add(secret->text.data ? &placed : &removed, 1);
    return true;
}

static bool knows_copied(struct function_runner *runner, struct str arn)
{
    (void)runner;
    return str_starts(arn, COPIED);
}

static bool knows_all(struct function_runner *runner, struct str arn)
{
    (void)runner, (void)arn;
    return true;
}

static const struct function_runner_ops keeping = {.knows = knows_copied, .keep_secret = keep},
                                        local = {.knows = knows_all};

struct setting {
    struct fixture *f;
    struct function_runner runners[2];
    struct connector_env env;
    struct profile_context context;
    struct registration registration;
    int profiles; /* to insert */
    bool without_job;
    struct str before, now;
};

static void start(struct setting *s)
{
    s->context.secret_mirror = job_runner_new(&secret_mirror_kind, &s->context, s->f->store);
    check(s->f, job_runner_start(s->context.secret_mirror, &s->f->error));
}

static void begin(struct setting *s, struct fixture *f)
{
    *s = (struct setting){.f = f};
    atomic_store(&placed, 0);
    atomic_store(&removed, 0);
    s->runners[0] = (struct function_runner){.ops = &keeping, .next = &s->runners[1]};
    s->runners[1] = (struct function_runner){.ops = &local};
    s->env = (struct connector_env){.functions = s->runners};
    s->context = (struct profile_context){.store = f->store,
                                          .keyring = keyring,
                                          .service_secret = service_secret,
                                          .connectors = &s->env};
    start(s);
}

static void end(struct setting *s)
{
    job_runner_free(s->context.secret_mirror);
}

static bool insert_labelled(struct db *db, struct setting *s, int number, struct error *error)
{
    struct arena *arena = &s->f->arena;
    char name[32];
    snprintf(name, sizeof(name), "crm-%04d", number);
    struct profile profile = sample_profile(name);
    struct value *credentials;
    profile.connector_type = CUSTOM_CONNECTOR;
    profile.connector_label = STR("orders");
    profile.properties = STR("{\"CustomConnector\":{}}");
    profile.credentials_version = 1;
    profile.credentials_arn =
        arena_printf(arena, "arn:aws:secretsmanager:eu-central-1:123456789012:secret:%s", name);
    return json_parse(STR("{\"authenticationType\":\"BASIC\",\"basic\":{\"username\":\"u\","
                          "\"password\":\"p\"}}"),
                      arena, &credentials) &&
           profile_seal(keyring, &profile, &(struct profile_sealed){.credentials = credentials},
                        arena, &profile.sealed_credentials, error) &&
           profile_insert(db, &profile, 0, error);
}

static bool apply_profiles(struct db *db, void *argument, struct error *error)
{
    struct setting *s = argument;
    for (int i = 0; i < s->profiles; i++) {
        if (!insert_labelled(db, s, i, error))
            return false;
    }
    return true;
}

/* As api/op_registration.c: the row and the job are one write. */
static bool apply_registration(struct db *db, void *argument, struct error *error)
{
    struct setting *s = argument;
    const struct connector_row *row = &s->registration.row;
    bool stored = true;
    if (!s->now.data)
        stored = connector_row_delete(db, row->key, true, error);
    else if (s->before.data)
        stored = connector_row_replace(db, row, row->version - 1, error);
    else
        stored = connector_row_insert(db, row, error);
    return stored &&
           (s->without_job || secret_mirror_follow_label(db, &s->context, &row->key, s->before,
                                                         s->now, &s->f->arena, error));
}

static void move(struct setting *s, struct str before, struct str now)
{
    struct registration *registration = &s->registration;
    struct value *answer;
    s->before = before;
    s->now = now;
    registration->row.key =
        (struct connector_key){STR("123456789012"), STR("eu-central-1"), STR("orders")};
    registration->row.version++;
    registration->row.function_arn = now;
    assert_true(json_parse(STR(DECLARED), &s->f->arena, &answer));
    check(s->f, contract_configuration_read(answer, &s->f->arena, &registration->configuration,
                                            &s->f->error));
    registration_seal(&s->context, registration, &s->f->arena);
    check(s->f, store_apply(s->f->store, apply_registration, s, false, &s->f->error));
    secret_mirror_wake(&s->context);
}

static void await_no_jobs(struct setting *s)
{
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (raw(s->f->path, "SELECT count(*) FROM jobs") > 0 && clock_mono_ms() < until_ms)
        clock_nap_us(1000);
    assert_int_equal(raw(s->f->path, "SELECT count(*) FROM jobs"), 0);
}

/* The connector with its profiles, and no job. */
static void begin_with(struct setting *s, struct fixture *f, struct str function, int profiles)
{
    begin(s, f);
    s->profiles = profiles;
    s->without_job = true;
    move(s, STR_NULL, function);
    s->without_job = false;
    check(f, store_apply(f->store, apply_profiles, s, false, &f->error));
}

/* The pause for calls in hand, which does not last that long here. */
static void end_pause(struct setting *s)
{
    int64_t pause_ms = raw(s->f->path, "SELECT due_at_ms FROM jobs") - clock_wall_ms();
    assert_true(pause_ms > SECRET_MIRROR_REST_MS / 2 && pause_ms <= SECRET_MIRROR_REST_MS);
    assert_int_equal(atomic_load(&removed), 0);
    raw(s->f->path, "UPDATE jobs SET due_at_ms = 1");
    secret_mirror_wake(&s->context);
}

static void copies_go_when_the_function_becomes_a_local_one(void **state)
{
    struct setting s;
    begin_with(&s, *state, COPIED, MANY);
    move(&s, COPIED, LOCAL);
    end_pause(&s);
    await_no_jobs(&s);
    assert_int_equal(atomic_load(&removed), MANY);
    assert_int_equal(atomic_load(&placed), 0);
    end(&s);
}

static void copies_are_placed_when_the_function_moves_to_lambda(void **state)
{
    struct setting s;
    begin_with(&s, *state, LOCAL, SECRET_MIRROR_PAGE);
    move(&s, LOCAL, COPIED);
    await_no_jobs(&s);
    assert_int_equal(atomic_load(&placed), SECRET_MIRROR_PAGE);
    assert_int_equal(atomic_load(&removed), 0);
    end(&s);
}

static void copies_go_when_the_connector_is_unregistered_by_force(void **state)
{
    struct setting s;
    begin_with(&s, *state, COPIED, 2);
    move(&s, STR_NULL, STR_NULL);
    end_pause(&s);
    await_no_jobs(&s);
    assert_int_equal(atomic_load(&removed), 2);
    move(&s, STR_NULL, COPIED); /* registered again */
    await_no_jobs(&s);
    assert_int_equal(atomic_load(&placed), 2);
    end(&s);
}

static void copies_stay_when_both_functions_read_them(void **state)
{
    struct setting s;
    begin_with(&s, *state, COPIED, 1);
    move(&s, COPIED, ALSO_COPIED);
    assert_int_equal(raw(s.f->path, "SELECT count(*) FROM jobs"), 0);
    end(&s);
}

/* Killed while it had the job in hand: the lease is that of a process that is gone. */
static void a_killed_server_takes_it_up_again(void **state)
{
    struct setting s;
    begin_with(&s, *state, COPIED, MANY);
    move(&s, COPIED, LOCAL);
    end(&s);
    raw(s.f->path, "UPDATE jobs SET due_at_ms = 1, lease_until_ms = 9000000000000,"
                   " fence = fence + 1, owner = 'gone'");
    start(&s);
    await_no_jobs(&s);
    assert_int_equal(atomic_load(&removed), MANY);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(copies_go_when_the_function_becomes_a_local_one),
        test_with_store(copies_are_placed_when_the_function_moves_to_lambda),
        test_with_store(copies_go_when_the_connector_is_unregistered_by_force),
        test_with_store(copies_stay_when_both_functions_read_them),
        test_with_store(a_killed_server_takes_it_up_again),
    };
    keyring = scratch_keyring("mirror-label");
    service_secret = secret_new(STR("a service secret of 32 bytes. .."));
    int failed =
        cmocka_run_group_tests_name("secret-mirror-label", tests, scratch_begin, scratch_end);
    secret_free(service_secret);
    keyring_free(keyring);
    return failed;
}
