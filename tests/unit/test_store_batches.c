/* What many changes in one batch do to each other: nothing, though PostgreSQL's driver gathers them
 * into few statements, and what many threads look up at once is asked for together. */
#include "store_gate.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stddef.h>

enum { STEPS_MAX = 64, THREADS = 16, LOOK_UPS = 50 };

/* One write of a batch and what came of it. */
struct step {
    struct store_write write;
    store_apply_fn *apply;
    struct profile profile;
    int64_t expected_version;
    struct token_grant exchange;
    struct client_token token;
    char name[16];
    sem_t *done;
};

static bool apply_step(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return step->apply(db, step, error);
}

static bool insert(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return profile_insert(db, &step->profile, 0, error);
}

static bool replace(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return profile_replace(db, &step->profile, step->expected_version, error);
}

static bool delete (struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return profile_delete(db, step->profile.key, error);
}

static bool save(struct db *db, void *argument, struct error *error)
{
    struct step *step = argument;
    return token_grant_save(db, &step->exchange, fixture_now_ms, error);
}

static bool answer(struct db *db, void *argument, struct error *error)
{
    static const unsigned char hash[REQUEST_HASH_SIZE] = "h";
    struct step *step = argument;
    return client_token_answer(db, &step->token, hash, STR("{}"), fixture_now_ms, error);
}

static void step_done(struct store_write *write)
{
    sem_post(((struct step *)write)->done);
}

/* All of them in one batch, in this order. */
static void run_steps(struct fixture *f, struct step *steps, int count)
{
    struct gate gate;
    sem_t done;
    uint64_t commits = store_counts(f->store).commits;
    sem_init(&done, 0, 0);
    gate_hold(f, &gate);
    for (int i = 0; i < count; i++) {
        steps[i].done = &done;
        steps[i].write =
            (struct store_write){.apply = apply_step, .argument = &steps[i], .done = step_done};
        check(f, store_post(f->store, &steps[i].write, &f->error));
    }
    gate_open(&gate);
    for (int i = 0; i < count; i++)
        sem_wait(&done);
    assert_int_equal(store_counts(f->store).commits, commits + 2); /* the gate's and theirs */
}

static struct step step_of(store_apply_fn *apply, const char *name)
{
    return (struct step){.apply = apply, .profile = sample_profile(name)};
}

static struct step replacing(const char *name, int64_t from, int64_t to)
{
    struct step step = step_of(replace, name);
    step.expected_version = from;
    step.profile.version = to;
    return step;
}

static void expect_code(const struct step *step, int code)
{
    assert_int_equal(step->write.ok, code == ERR_NONE);
    if (code != ERR_NONE)
        assert_int_equal(step->write.error.code, code);
}

static struct profile find(struct fixture *f, const char *name)
{
    struct profile profile;
    bool found = false;
    check(f, profile_find(f->reader, &f->arena, sample_key(name), &profile, &found, &f->error));
    assert_true(found);
    return profile;
}

/* --- values --- */

/* Every other one without a label, each with bytes of another length, NUL among them. */
static void fill(struct step *step, int number, char *bytes, size_t size)
{
    snprintf(step->name, sizeof(step->name), "p%d", number);
    memset(bytes, number, size);
    step->profile = sample_profile(step->name);
    step->profile.connector_label = number % 2 == 0 ? STR("label") : STR_NULL;
    step->profile.created_at_ms = -number;
    step->profile.sealed_credentials = (struct str){bytes, (size_t)number * size / STEPS_MAX};
}

static void rows_of_a_batch_keep_their_own_values(void **state)
{
    struct fixture *f = *state;
    static struct step steps[STEPS_MAX];
    static char bytes[STEPS_MAX][20000];
    for (int i = 0; i < STEPS_MAX; i++) {
        steps[i] = step_of(insert, "");
        fill(&steps[i], i, bytes[i], sizeof(bytes[i]));
    }
    run_steps(f, steps, STEPS_MAX);
    for (int i = 0; i < STEPS_MAX; i++) {
        expect_code(&steps[i], ERR_NONE);
        struct profile got = find(f, steps[i].name);
        assert_true(str_eq(got.sealed_credentials, steps[i].profile.sealed_credentials));
        assert_true(str_eq(got.connector_label, steps[i].profile.connector_label));
        assert_int_equal(got.connector_label.data == NULL, i % 2);
        assert_int_equal(got.created_at_ms, -i);
        steps[i].apply = replace;
        steps[i].expected_version = steps[i].profile.version;
        steps[i].profile.version += 1 + i;
        steps[i].profile.provisioning.status = i % 2 == 0 ? STR_NULL : STR("CREATED");
    }
    run_steps(f, steps, STEPS_MAX);
    for (int i = 0; i < STEPS_MAX; i++) {
        struct profile got = find(f, steps[i].name);
        assert_int_equal(got.version, steps[i].profile.version);
        assert_true(str_eq(got.provisioning.status, steps[i].profile.provisioning.status));
    }
}

/* --- verdicts --- */

static void of_two_changes_to_a_version_one_is_made(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "a"));
    check(f, insert_profile(f, "b"));
    struct step steps[] = {
        replacing("a", 100, 101), replacing("b", 100, 105), replacing("a", 100, 102),
        replacing("b", 105, 106), replacing("c", 100, 101),
    };
    run_steps(f, steps, 5);
    expect_code(&steps[0], ERR_NONE);
    expect_code(&steps[1], ERR_NONE);
    expect_code(&steps[2], ERR_CONFLICT);
    expect_code(&steps[3], ERR_NONE); /* of what came before it in its batch */
    expect_code(&steps[4], ERR_NOT_FOUND);
    assert_int_equal(find(f, "a").version, 101);
    assert_int_equal(find(f, "b").version, 106);
}

static void of_two_deletions_and_of_two_inserts_one_is_made(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "a"));
    struct step steps[] = {step_of(delete, "a"), step_of(delete, "a"), step_of(insert, "b"),
                           step_of(insert, "b"), step_of(insert, "c")};
    run_steps(f, steps, 5);
    expect_code(&steps[0], ERR_NONE);
    expect_code(&steps[1], ERR_NOT_FOUND);
    expect_code(&steps[2], ERR_NONE);
    expect_code(&steps[3], ERR_CONFLICT);
    expect_code(&steps[4], ERR_NONE);
    assert_false(profile_exists(f, "a"));
    assert_true(profile_exists(f, "c"));
}

static void of_two_answers_to_a_token_one_is_kept(void **state)
{
    struct fixture *f = *state;
    struct step steps[] = {step_of(answer, ""), step_of(answer, ""), step_of(answer, "")};
    steps[0].token = steps[2].token = (struct client_token){STR("a"), STR("r"), STR("o"), STR("t")};
    steps[1].token = (struct client_token){STR("a"), STR("r"), STR("o"), STR("u")};
    run_steps(f, steps, 3);
    expect_code(&steps[0], ERR_NONE);
    expect_code(&steps[1], ERR_NONE);
    expect_code(&steps[2], ERR_CONFLICT);
}

/* --- order --- */

static bool has_exchange(struct fixture *f, const struct token_grant *wanted)
{
    struct token_grant got;
    bool found;
    check(f, token_grant_find(f->reader, &f->arena, wanted->id, &got, &found, &f->error));
    return found && got.sealed.data;
}

static struct step saving(const char *id, const char *profile)
{
    struct step step = step_of(save, "");
    snprintf((char *)step.exchange.id, TOKEN_GRANT_ID_SIZE, "%s", id);
    step.exchange.account = STR("123456789012");
    step.exchange.region = STR("eu-central-1");
    step.exchange.profile = str_from(profile);
    step.exchange.sealed = STR("what the vendor gave");
    return step;
}

static void what_is_said_of_one_row_happens_in_order(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "a"));
    check(f, insert_profile(f, "b"));
    struct step steps[] = {
        step_of(insert, "new"), step_of(delete, "a"),     step_of(insert, "a"),
        step_of(delete, "new"), replacing("b", 100, 101), step_of(delete, "b"),
    };
    run_steps(f, steps, 6);
    for (int i = 0; i < 6; i++)
        expect_code(&steps[i], ERR_NONE);
    assert_true(profile_exists(f, "a"));
    assert_false(profile_exists(f, "b"));
    assert_false(profile_exists(f, "new"));
}

/* Deleting a profile takes what came of the exchanges that were there, and of none that is saved
 * later. */
static void exchange_that_is_saved_behind_a_deletion_stays(void **state)
{
    struct fixture *f = *state;
    check(f, insert_profile(f, "a"));
    check(f, insert_profile(f, "b"));
    struct step steps[] = {saving("before", "a"), step_of(delete, "a"), saving("behind", "a"),
                           step_of(delete, "b")};
    run_steps(f, steps, 4);
    for (int i = 0; i < 4; i++)
        expect_code(&steps[i], ERR_NONE);
    assert_false(has_exchange(f, &steps[0].exchange));
    assert_true(has_exchange(f, &steps[2].exchange));
}

/* --- looking up --- */

struct seeker {
    struct store *store;
    struct cpu_slots *slots;
    struct slot_request claim;
    sem_t admitted;
    int first;
};

static void be_granted(struct slot_request *claim)
{
    sem_post(&((struct seeker *)((char *)claim - offsetof(struct seeker, claim)))->admitted);
}

static void sit_down(struct seeker *seeker)
{
    seeker->claim.granted = be_granted;
    sem_init(&seeker->admitted, 0, 0);
    if (!cpu_slots_take(seeker->slots, &seeker->claim))
        sem_wait(&seeker->admitted);
    cpu_slots_use(seeker->slots);
}

static void stand_up(struct seeker *seeker)
{
    cpu_slots_use(NULL);
    struct slot_request *next = cpu_slots_pass(seeker->slots);
    if (next)
        next->granted(next);
}

static void seek(struct store *store, const char *name, int64_t version, bool exists)
{
    struct arena arena = {0};
    struct error error;
    struct store_reader *finder;
    struct profile profile;
    bool found;
    assert_true(store_point_reader_take(store, &finder, &error));
    assert_true(profile_find(finder, &arena, sample_key(name), &profile, &found, &error));
    store_point_reader_put(store, finder);
    assert_int_equal(found, exists);
    if (found)
        assert_int_equal(profile.version, version);
    arena_done(&arena);
}

static void *seek_many(void *argument)
{
    struct seeker *seeker = argument;
    sit_down(seeker);
    for (int i = 0; i < LOOK_UPS; i++) {
        char name[16];
        int number = (seeker->first + i) % (THREADS + 1);
        snprintf(name, sizeof(name), "p%d", number);
        seek(seeker->store, name, 100 + number, number < THREADS);
    }
    stand_up(seeker);
    return NULL;
}

/* With fewer slots than threads, as workers have: whoever waits for another's answer leaves his. */
static void each_thread_finds_what_it_asked_for(void **state)
{
    struct fixture *f = *state;
    struct cpu_slots *slots = cpu_slots_new(2);
    static struct seeker seekers[THREADS];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        struct insert_argument one = {sample_profile(name), 0};
        one.profile.version = 100 + i;
        check(f, store_apply(f->store, apply_insert, &one, false, &f->error));
    }
    for (int i = 0; i < THREADS; i++) {
        seekers[i] = (struct seeker){.store = f->store, .slots = slots, .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL, seek_many, &seekers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cpu_slots_free(slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(rows_of_a_batch_keep_their_own_values),
        test_with_store(of_two_changes_to_a_version_one_is_made),
        test_with_store(of_two_deletions_and_of_two_inserts_one_is_made),
        test_with_store(of_two_answers_to_a_token_one_is_kept),
        test_with_store(what_is_said_of_one_row_happens_in_order),
        test_with_store(exchange_that_is_saved_behind_a_deletion_stays),
        test_with_store(each_thread_finds_what_it_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
