/* Client tokens: who works, who waits, who gets which answer. */
#include "store_fixture.h"

#include <pthread.h>

static const unsigned char one[REQUEST_HASH_SIZE] = {1};
static const unsigned char two[REQUEST_HASH_SIZE] = {2};

enum { LONG_MS = 60 * 1000 }; /* longer than the test may take: nobody waits it out */

static struct client_token sample_token(const char *token)
{
    return (struct client_token){STR("123456789012"), STR("eu-central-1"),
                                 STR("UpdateConnectorProfile"), str_from(token)};
}

struct answer_argument {
    struct client_token key;
    const unsigned char *hash;
    struct str answer;
};

static bool apply_answer(struct db *db, void *argument, struct error *error)
{
    const struct answer_argument *a = argument;
    return client_token_answer(db, &a->key, a->hash, a->answer, fixture_now_ms, error);
}

static bool answer(struct fixture *f, const char *token, const unsigned char *hash,
                   const char *text)
{
    struct answer_argument argument = {sample_token(token), hash, str_from(text)};
    return store_apply(f->store, apply_answer, &argument, false, &f->error);
}

static enum client_token_state claim_key(struct fixture *f, const struct client_token *key,
                                         const unsigned char *hash, int64_t wait_ms,
                                         struct idempotency_claim **ret_claim,
                                         struct str *ret_answer)
{
    enum client_token_state state;
    check(f, client_token_claim(f->store, &f->arena, key, hash, wait_ms, &state, ret_claim,
                                ret_answer, &f->error));
    assert_true((state == CLIENT_TOKEN_CLAIMED) == (*ret_claim != NULL));
    return state;
}

static enum client_token_state claim(struct fixture *f, const char *token,
                                     const unsigned char *hash, int64_t wait_ms,
                                     struct idempotency_claim **ret_claim)
{
    struct client_token key = sample_token(token);
    struct str ignored;
    return claim_key(f, &key, hash, wait_ms, ret_claim, &ignored);
}

static void token_is_claimed_by_one(void **state)
{
    struct fixture *f = *state;
    struct idempotency_claim *first, *second, *third;
    assert_int_equal(claim(f, "t", one, 0, &first), CLIENT_TOKEN_CLAIMED);
    assert_int_equal(claim(f, "t", one, 0, &second), CLIENT_TOKEN_BUSY);
    assert_int_equal(claim(f, "t", one, 5, &second), CLIENT_TOKEN_BUSY);
    assert_int_equal(claim(f, "t", two, LONG_MS, &second), CLIENT_TOKEN_CONFLICT);
    assert_int_equal(claim(f, "u", one, 0, &third), CLIENT_TOKEN_CLAIMED);
    client_token_release(f->store, third);
    client_token_release(f->store, first);
    client_token_release(f->store, NULL);
    assert_int_equal(claim(f, "t", two, 0, &second),
                     CLIENT_TOKEN_CLAIMED); /* the first one failed */
    client_token_release(f->store, second);
}

static void token_belongs_to_account_region_and_operation(void **state)
{
    struct fixture *f = *state;
    struct client_token keys[] = {sample_token("t"), sample_token("t"), sample_token("t"),
                                  sample_token("t")};
    struct idempotency_claim *claims[4];
    struct str text;
    keys[1].account = STR("111122223333");
    keys[2].region = STR("us-east-1");
    keys[3].operation = STR("CreateConnectorProfile");
    for (int i = 0; i < 4; i++)
        assert_int_equal(claim_key(f, &keys[i], i ? two : one, 0, &claims[i], &text),
                         CLIENT_TOKEN_CLAIMED);
    for (int i = 0; i < 4; i++)
        client_token_release(f->store, claims[i]);
    check(f, answer(f, "t", one, "{}"));
    for (int i = 1; i < 4; i++) {
        assert_int_equal(claim_key(f, &keys[i], two, 0, &claims[i], &text), CLIENT_TOKEN_CLAIMED);
        client_token_release(f->store, claims[i]);
    }
}

static void answer_is_given_again(void **state)
{
    struct fixture *f = *state;
    struct client_token key = sample_token("t");
    struct idempotency_claim *mine;
    struct str text = STR_NULL;
    assert_int_equal(claim(f, "t", one, 0, &mine), CLIENT_TOKEN_CLAIMED);
    check(f, answer(f, "t", one, "{\"connectorProfileArn\":\"a\"}"));
    client_token_release(f->store, mine);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(claim_key(f, &key, one, 0, &mine, &text), CLIENT_TOKEN_ANSWERED);
        assert_true(str_eq(text, STR("{\"connectorProfileArn\":\"a\"}")));
        assert_int_equal(claim_key(f, &key, two, 0, &mine, &text), CLIENT_TOKEN_CONFLICT);
        if (i == 0) { /* also after a restart */
            fixture_close(f);
            fixture_open(f);
        }
    }
}

static void answer_expires_after_eight_hours(void **state)
{
    struct fixture *f = *state;
    struct client_token key = sample_token("t");
    struct idempotency_claim *mine;
    struct str text;
    check(f, answer(f, "t", one, "first"));
    assert_false(answer(f, "t", two, "second"));
    assert_int_equal(f->error.code, ERR_CONFLICT);
    fixture_now_ms += 8LL * 60 * 60 * 1000 - 1;
    assert_int_equal(claim_key(f, &key, one, 0, &mine, &text), CLIENT_TOKEN_ANSWERED);
    fixture_now_ms += 1;
    assert_int_equal(claim_key(f, &key, two, 0, &mine, &text), CLIENT_TOKEN_CLAIMED);
    check(f, answer(f, "t", two, "second")); /* replaces the expired one */
    client_token_release(f->store, mine);
    assert_int_equal(claim_key(f, &key, two, 0, &mine, &text), CLIENT_TOKEN_ANSWERED);
    assert_true(str_eq(text, STR("second")));
    assert_int_equal(claim_key(f, &key, one, 0, &mine, &text), CLIENT_TOKEN_CONFLICT);
}

struct racer {
    struct fixture f; /* of its own: arena and error */
    enum client_token_state state;
    struct idempotency_claim *claim;
    struct str text;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    struct client_token key = sample_token("t");
    racer->state = claim_key(&racer->f, &key, one, LONG_MS, &racer->claim, &racer->text);
    return NULL;
}

static void who_waits_gets_the_answer(void **state)
{
    struct fixture *f = *state;
    struct racer racer = {.f = {.store = f->store}};
    struct idempotency_claim *mine;
    pthread_t thread;
    assert_int_equal(claim(f, "t", one, 0, &mine), CLIENT_TOKEN_CLAIMED);
    assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
    check(f, answer(f, "t", one, "done"));
    client_token_release(f->store, mine);
    pthread_join(thread, NULL);
    assert_int_equal(racer.state, CLIENT_TOKEN_ANSWERED);
    assert_true(str_eq(racer.text, STR("done")));
    arena_done(&racer.f.arena);
}

static void who_waits_works_when_the_first_failed(void **state)
{
    struct fixture *f = *state;
    struct racer racer = {.f = {.store = f->store}};
    struct idempotency_claim *mine;
    pthread_t thread;
    assert_int_equal(claim(f, "t", one, 0, &mine), CLIENT_TOKEN_CLAIMED);
    assert_int_equal(pthread_create(&thread, NULL, race, &racer), 0);
    client_token_release(f->store, mine);
    pthread_join(thread, NULL);
    assert_int_equal(racer.state, CLIENT_TOKEN_CLAIMED);
    client_token_release(f->store, racer.claim);
    arena_done(&racer.f.arena);
}

static _Atomic int claimed_count;

static void *race_and_answer(void *argument)
{
    struct racer *racer = argument;
    race(racer);
    if (racer->state != CLIENT_TOKEN_CLAIMED)
        return NULL;
    claimed_count++;
    check(&racer->f, answer(&racer->f, "t", one, "done"));
    client_token_release(racer->f.store, racer->claim);
    return NULL;
}

static void of_many_at_once_one_works(void **state)
{
    enum { RACERS = 16 };
    struct fixture *f = *state;
    static struct racer racers[RACERS];
    pthread_t threads[RACERS];
    claimed_count = 0;
    for (int i = 0; i < RACERS; i++) {
        racers[i] = (struct racer){.f = {.store = f->store}};
        assert_int_equal(pthread_create(&threads[i], NULL, race_and_answer, &racers[i]), 0);
    }
    for (int i = 0; i < RACERS; i++) {
        pthread_join(threads[i], NULL);
        if (racers[i].state != CLIENT_TOKEN_CLAIMED) {
            assert_int_equal(racers[i].state, CLIENT_TOKEN_ANSWERED);
            assert_true(str_eq(racers[i].text, STR("done")));
        }
        arena_done(&racers[i].f.arena);
    }
    assert_int_equal(claimed_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(token_is_claimed_by_one),
        test_with_store(token_belongs_to_account_region_and_operation),
        test_with_store(answer_is_given_again),
        test_with_store(answer_expires_after_eight_hours),
        test_with_store(who_waits_gets_the_answer),
        test_with_store(who_waits_works_when_the_first_failed),
        test_with_store(of_many_at_once_one_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
