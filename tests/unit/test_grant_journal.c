/* The grant journal of refresh tokens that a vendor may replace: attempts, tokens that wait in
 * memory for the store, and how long what was saved is kept. */
#include "store_fixture.h"

#include "base/clock.h"
#include "keyring_scratch.h"
#include "profile/grant_journal.h"
#include "store_raw.h"

static struct keyring *keyring;

struct setting {
    struct profile_context context;
    struct secret *secret;
};

/* One request: a journal and its interface. */
struct asker {
    struct grant_journal journal;
    struct token_grant_journal calls;
    struct token_grant_intent intent; /* that it asked with last */
    bool is_given;                    /* of the intent, as the next one */
    bool is_lenient;
};

static const struct oauth_tokens answer = {
    .access_token = {"t2", 2},
    .refresh_token = {"r2", 2},
};

static void begin(struct setting *s, struct fixture *f)
{
    s->secret = secret_new(STR("a service secret of 32 bytes. .."));
    s->context = (struct profile_context){
        .store = f->store,
        .keyring = keyring,
        .service_secret = s->secret,
        .verify_timeout_ms = 50,
        .grants_in_flight = grants_in_flight_new(),
    };
}

static void end(struct setting *s)
{
    grants_in_flight_free(s->context.grants_in_flight);
    secret_free(s->secret);
}

static void start(struct fixture *f, struct setting *s, struct asker *asker, const char *profile)
{
    grant_journal_init(
        &asker->journal, &s->context, &f->arena,
        (struct profile_key){STR("123456789012"), STR("us-east-1"), str_from(profile)},
        &asker->calls);
}

static enum grant_journal_state ask(struct fixture *f, struct asker *asker, bool again,
                                    struct oauth_tokens *ret_tokens)
{
    asker->intent = (struct token_grant_intent){
        .grant = STR("refresh_token"),
        .token_url = STR("https://vendor.example/token"),
        .secret = STR("r1"),
        .durable = true,
        .again = again,
        .is_given = asker->is_given,
        .is_strict = !asker->is_lenient,
    };
    *ret_tokens = (struct oauth_tokens){0};
    return asker->calls.begin(asker->calls.context, &asker->intent, &f->arena, ret_tokens,
                              &f->error);
}

static bool save_answer(struct fixture *f, struct asker *asker, const struct oauth_tokens *tokens)
{
    bool saved = asker->calls.save(asker->calls.context, tokens, &f->error);
    if (saved)
        asker->calls.end(asker->calls.context, TOKEN_GRANT_SAVED);
    return saved;
}

static bool save(struct fixture *f, struct asker *asker)
{
    return asker->calls.save(asker->calls.context, &answer, &f->error);
}

#define NO_SAVES                                                                                   \
    "CREATE TRIGGER no_saves BEFORE INSERT ON token_grants WHEN NEW.sealed IS NOT NULL"            \
    " BEGIN SELECT RAISE(ABORT, 'no saves'); END"

/* The first one holds what the vendor gave in memory: the spent token must not be sent by another.
 */
static void tokens_in_memory_keep_other_requests_away(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker first = {0}, second = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &first, "crm");
    start(f, &s, &second, "crm");
    assert_int_equal(ask(f, &first, false, &tokens), GRANT_JOURNAL_NEW);
    raw(f->path, NO_SAVES);
    assert_false(save(f, &first));
    first.calls.end(first.calls.context, TOKEN_GRANT_LOST);
    assert_false(grant_journal_settle(&first.journal));
    assert_int_equal(ask(f, &second, true, &tokens), GRANT_JOURNAL_BUSY);
    raw(f->path, "DROP TRIGGER no_saves");
    assert_true(grant_journal_settle(&first.journal));
    grant_journal_done(&first.journal);
    assert_int_equal(ask(f, &second, true, &tokens), GRANT_JOURNAL_RESUME);
    assert_true(str_eq(tokens.refresh_token, STR("r2")));
    end(&s);
}

/* The same connection goes on with another grant: what waits is saved before that is sent. */
static void tokens_in_memory_are_saved_before_the_next_grant(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker asker = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &asker, "crm");
    assert_int_equal(ask(f, &asker, false, &tokens), GRANT_JOURNAL_NEW);
    raw(f->path, NO_SAVES);
    assert_false(save(f, &asker));
    asker.calls.end(asker.calls.context, TOKEN_GRANT_LOST);
    assert_int_equal(ask(f, &asker, true, &tokens), GRANT_JOURNAL_FAILED);
    raw(f->path, "DROP TRIGGER no_saves");
    assert_int_equal(ask(f, &asker, true, &tokens), GRANT_JOURNAL_RESUME);
    end(&s);
}

static bool apply_consume(struct db *db, void *journal, struct error *error)
{
    return grant_journal_consume(db, journal, error);
}

/* A dry run under another name has saved tokens for the same refresh token, which the vendor has
 * not replaced. */
static void another_profile_may_send_the_same_refresh_token(void **state)
{
    static const struct oauth_tokens same = {
        .access_token = STR("t2"),
        .refresh_token = STR("r1"),
    };
    struct fixture *f = *state;
    struct setting s;
    struct asker trial = {0}, change = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &trial, "test");
    grant_journal_keep_longer(&trial.journal);
    assert_int_equal(ask(f, &trial, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save_answer(f, &trial, &same));
    start(f, &s, &change, "prod");
    assert_int_equal(ask(f, &change, false, &tokens), GRANT_JOURNAL_NEW);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM token_grants WHERE profile = 'prod'"
                                  " AND attempt IS NOT NULL AND sealed IS NULL"),
                     1);
    check(f, store_apply(f->store, apply_consume, &trial.journal, false, &f->error));
    assert_int_equal(raw(f->path, "SELECT consumed FROM token_grants"), 0); /* not its row */
    assert_true(save(f, &change));
    change.calls.end(change.calls.context, TOKEN_GRANT_SAVED);
    assert_int_equal(ask(f, &change, false, &tokens), GRANT_JOURNAL_RESUME);
    end(&s);
}

/* Asks as this profile of this account does. */
static enum grant_journal_state ask_as(struct fixture *f, struct setting *s, struct asker *asker,
                                       const char *account, const char *profile)
{
    struct oauth_tokens tokens;
    grant_journal_init(&asker->journal, &s->context, &f->arena,
                       (struct profile_key){str_from(account), STR("us-east-1"), str_from(profile)},
                       &asker->calls);
    enum grant_journal_state found = ask(f, asker, false, &tokens);
    asker->calls.end(asker->calls.context, TOKEN_GRANT_VOID);
    grant_journal_done(&asker->journal);
    return found;
}

/* While the first one's change is not committed, and afterwards. */
static void a_refresh_token_that_another_profile_has_spent_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker first = {.is_given = true}, second = {.is_given = true},
                 lenient = {.is_lenient = true};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &first, "crm");
    assert_int_equal(ask(f, &first, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save_answer(f, &first, &answer));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask_as(f, &s, &second, "123456789012", "copy"), GRANT_JOURNAL_REPLACED);
        assert_true(str_eq(second.intent.used_by, STR("crm (us-east-1)")));
        check(f, store_apply(f->store, apply_consume, &first.journal, false, &f->error));
    }
    assert_int_equal(raw(f->path, "SELECT consumed FROM token_grants"), 2);
    /* A vendor that only refuses it may be asked. */
    assert_int_equal(ask_as(f, &s, &lenient, "123456789012", "copy"), GRANT_JOURNAL_NEW);
    end(&s);
}

static void accounts_do_not_learn_of_each_other(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker first = {.is_given = true}, other = {.is_given = true};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &first, "crm");
    assert_int_equal(ask(f, &first, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save_answer(f, &first, &answer));
    check(f, store_apply(f->store, apply_consume, &first.journal, false, &f->error));
    assert_int_equal(ask_as(f, &s, &other, "111122223333", "copy"), GRANT_JOURNAL_NEW);
    end(&s);
}

static bool apply_discard(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    return token_grants_discard(db, STR("123456789012"), STR("us-east-1"), STR("crm"), error);
}

static int64_t life_ms(struct fixture *f)
{
    return raw(f->path, "SELECT expires_at_ms FROM token_grants") - clock_wall_ms();
}

/* A server that dies after the save may be down for longer than a code's row is kept. */
static void saved_tokens_live_as_long_as_the_attempt(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker asker = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &asker, "crm");
    assert_int_equal(ask(f, &asker, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save(f, &asker));
    asker.calls.end(asker.calls.context, TOKEN_GRANT_SAVED);
    assert_true(life_ms(f) > TOKEN_GRANT_DOUBT_LIFE_MS - 60 * 1000);
    check(f, store_apply(f->store, apply_consume, &asker.journal, false, &f->error));
    assert_true(life_ms(f) <= TOKEN_GRANT_LIFE_MS);
    assert_true(life_ms(f) > TOKEN_GRANT_LIFE_MS - 60 * 1000);
    end(&s);
}

/* A user may give it to another profile years later. It is forgotten with its profile. */
static void a_given_token_that_was_replaced_is_known_for_long(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker asker = {.is_given = true};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &asker, "crm");
    assert_int_equal(ask(f, &asker, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save_answer(f, &asker, &answer));
    check(f, store_apply(f->store, apply_consume, &asker.journal, false, &f->error));
    assert_true(life_ms(f) > TOKEN_GRANT_REPLACED_LIFE_MS - 60 * 1000);
    asker.journal.used[0].is_given = false; /* a later commit does not shorten that */
    asker.journal.used[0].replaced = false;
    check(f, store_apply(f->store, apply_consume, &asker.journal, false, &f->error));
    assert_true(life_ms(f) > TOKEN_GRANT_REPLACED_LIFE_MS - 60 * 1000);
    check(f, store_apply(f->store, apply_discard, NULL, false, &f->error));
    assert_true(life_ms(f) < 0);
    end(&s);
}

/* The first attempt's answer was lost; the second one was refused without being looked at. */
static void a_void_attempt_leaves_the_doubt_of_an_earlier_one(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker first = {0}, second = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &first, "crm");
    assert_int_equal(ask(f, &first, false, &tokens), GRANT_JOURNAL_NEW);
    first.calls.end(first.calls.context, TOKEN_GRANT_LOST);
    int64_t sent_at_ms = raw(f->path, "SELECT attempted_at_ms FROM token_grants");
    start(f, &s, &second, "crm");
    assert_int_equal(ask(f, &second, false, &tokens), GRANT_JOURNAL_LOST);
    assert_int_equal(ask(f, &second, true, &tokens), GRANT_JOURNAL_NEW);
    second.calls.end(second.calls.context, TOKEN_GRANT_VOID);
    assert_int_equal(ask(f, &second, false, &tokens), GRANT_JOURNAL_LOST);
    assert_int_equal(raw(f->path, "SELECT attempted_at_ms FROM token_grants"), sent_at_ms);
    end(&s);
}

static void a_void_attempt_alone_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker asker = {0};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &asker, "crm");
    assert_int_equal(ask(f, &asker, false, &tokens), GRANT_JOURNAL_NEW);
    asker.calls.end(asker.calls.context, TOKEN_GRANT_VOID);
    assert_int_equal(raw(f->path, "SELECT count(*) FROM token_grants"), 0);
    end(&s);
}

/* A node loaded the tokens, another one renewed them, and an update then gave other credentials. */
static void a_spent_refresh_token_of_credentials_before_is_not_sent(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct asker first = {0}, late = {0};
    struct profile owner = {.key = {STR("123456789012"), STR("us-east-1"), STR("crm")},
                            .credentials_version = 100};
    struct profile_tokens stored = {.version = 100};
    struct oauth_tokens tokens;
    begin(&s, f);
    start(f, &s, &late, "crm");
    grant_journal_follow(&late.journal, connector_by_type(STR("Salesforce")), &owner, &stored);
    start(f, &s, &first, "crm");
    assert_int_equal(ask(f, &first, false, &tokens), GRANT_JOURNAL_NEW);
    assert_true(save(f, &first));
    first.calls.end(first.calls.context, TOKEN_GRANT_SAVED);
    check(f, store_apply(f->store, apply_consume, &first.journal, false, &f->error));
    raw(f->path, "INSERT INTO oauth_tokens (account, region, name, credentials_version, version,"
                 " expires_at_ms, sealed) VALUES ('123456789012', 'us-east-1', 'crm', 200, 200, 0,"
                 " CAST('of other credentials' AS BLOB))");
    assert_int_equal(ask(f, &late, false, &tokens), GRANT_JOURNAL_FAILED);
    assert_int_equal(f->error.code, ERR_UNAVAILABLE);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(tokens_in_memory_keep_other_requests_away),
        test_with_store(tokens_in_memory_are_saved_before_the_next_grant),
        test_with_store(another_profile_may_send_the_same_refresh_token),
        test_with_store(a_refresh_token_that_another_profile_has_spent_is_not_sent),
        test_with_store(accounts_do_not_learn_of_each_other),
        test_with_store(a_given_token_that_was_replaced_is_known_for_long),
        test_with_store(saved_tokens_live_as_long_as_the_attempt),
        test_with_store(a_void_attempt_leaves_the_doubt_of_an_earlier_one),
        test_with_store(a_void_attempt_alone_is_taken_back),
        test_with_store(a_spent_refresh_token_of_credentials_before_is_not_sent),
    };
    keyring = scratch_keyring("grants");
    int failed = cmocka_run_group_tests_name("grant-journal", tests, scratch_begin, scratch_end);
    keyring_free(keyring);
    return failed;
}
