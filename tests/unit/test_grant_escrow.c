/* Answers that a killed server left in the escrow: which of them are saved in the grant journal,
 * and which are dropped or stay. */
#include "store_fixture.h"

#include "base/clock.h"
#include "base/encode.h"
#include "keyring_scratch.h"
#include "profile/grant_escrow.h"
#include "profile/grant_journal.h"
#include "profile/tokens.h"
#include "store_raw.h"

static struct keyring *keyring;
static struct str body; /* what the vendor answers */

static const struct profile_key owner = {{"123456789012", 12}, {"us-east-1", 9}, {"crm", 3}};

struct setting {
    struct profile_context context;
    struct secret *secret;
    struct grant_journal journal;
    struct token_grant_journal calls;
    struct secret *aws_secret;
    struct aws_access aws;
};

static const struct data_key data_key = {
    .bytes = "0123456789abcdef0123456789abcde",
    .wrapped = STR("wrapped-blob"),
    .arn = STR("arn:aws:kms:us-east-1:123456789012:key/1"),
};
static int kms_calls;
static struct str kms_arn;    /* that it answers */
static const char *kms_error; /* NULL: the answer is good */

static void open_escrow(struct setting *s)
{
    struct error error = {0};
    escrow_free(s->context.escrow);
    assert_true(escrow_new(scratch_directory, NULL, &s->context.escrow, &error));
}

static void begin(struct setting *s, struct fixture *f)
{
    *s = (struct setting){.secret = secret_new(STR("a service secret of 32 bytes. .."))};
    s->context = (struct profile_context){
        .store = f->store,
        .keyring = keyring,
        .service_secret = s->secret,
        .verify_timeout_ms = 50,
        .grants_in_flight = grants_in_flight_new(),
    };
    body = STR("{\"access_token\": \"t2\", \"refresh_token\": \"r2\", \"expires_in\": 60}");
    unlink(scratch_path("escrow"));
    open_escrow(s);
    grant_journal_init(&s->journal, &s->context, &f->arena, owner, &s->calls);
}

static void end(struct setting *s)
{
    grant_journal_done(&s->journal);
    escrow_free(s->context.escrow);
    grants_in_flight_free(s->context.grants_in_flight);
    secret_free(s->secret);
}

static void answer_as_kms(struct client *client, struct arena *arena,
                          const struct client_request *request,
                          struct client_response *ret_response)
{
    (void)client, (void)request;
    kms_calls++;
    struct str bytes = encode_base64(arena, (struct str){(const char *)data_key.bytes, 32});
    struct str said = kms_error ? arena_printf(arena, "{\"__type\":\"%s\"}", kms_error)
                                : arena_printf(arena, "{\"KeyId\":\"%.*s\",\"Plaintext\":\"%.*s\"}",
                                               STR_ARG(kms_arn), STR_ARG(bytes));
    *ret_response = (struct client_response){.status = kms_error ? 400 : 200, .body = said};
}

/* The profile's secrets are under a data key of AWS KMS, too. */
static void begin_under_kms(struct setting *s, struct fixture *f)
{
    begin(s, f);
    s->aws_secret = secret_new(STR("own-secret"));
    s->aws = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = s->aws_secret, .call = answer_as_kms};
    s->context.data_keys = data_keys_new(&(struct data_keys_config){
        .aws = {.aws = &s->aws}, .url = STR("https://kms.{region}.example")});
    kms_calls = 0;
    kms_arn = data_key.arn;
    kms_error = NULL;
    grant_journal_seal_under(&s->journal, &data_key);
    raw(f->path, "DELETE FROM token_grants");
    raw(f->path, "DELETE FROM oauth_tokens");
}

static void end_under_kms(struct setting *s)
{
    data_keys_free(s->context.data_keys);
    secret_free(s->aws_secret);
    end(s);
}

static enum grant_journal_state ask(struct fixture *f, struct setting *s,
                                    struct oauth_tokens *ret_tokens)
{
    struct token_grant_intent intent = {
        .grant = STR("refresh_token"),
        .token_url = STR("https://vendor.example/token"),
        .secret = STR("r1"),
        .durable = true,
    };
    *ret_tokens = (struct oauth_tokens){0};
    return s->calls.begin(s->calls.context, &intent, &f->arena, ret_tokens, &f->error);
}

static void respond(struct client *client, struct arena *arena,
                    const struct client_request *request, struct client_response *ret_response)
{
    (void)client, (void)arena, (void)request;
    *ret_response = (struct client_response){.status = 200, .sent = true, .body = body};
}

/* An attempt whose answer has come, by a process that ends then. */
static void leave_an_answer(struct fixture *f, struct setting *s)
{
    const struct client_request request = {.deadline_ms = clock_mono_ms() + 1000};
    struct client_response response;
    struct oauth_tokens tokens;
    assert_int_equal(ask(f, s, &tokens), GRANT_JOURNAL_NEW);
    s->calls.call(s->calls.context, respond, NULL, &f->arena, &request, &response);
    struct profile_context context = s->context;
    grant_journal_done(&s->journal);
    grants_in_flight_end(context.grants_in_flight);
    open_escrow(s);
    grant_journal_init(&s->journal, &s->context, &f->arena, owner, &s->calls);
    s->journal.attempt = 0; /* another process does not know it as its own */
    assert_true(escrow_has_left(s->context.escrow));
}

static int64_t rows(struct fixture *f, const char *where)
{
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM token_grants WHERE %s", where);
    return raw(f->path, sql);
}

static void an_answer_is_gone_on_from(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct oauth_tokens tokens;
    begin(&s, f);
    leave_an_answer(f, &s);
    grant_escrow_recover(&s.context); /* as at the start */
    assert_int_equal(ask(f, &s, &tokens), GRANT_JOURNAL_RESUME);
    assert_true(str_eq(tokens.access_token, STR("t2")));
    assert_true(str_eq(tokens.refresh_token, STR("r2")));
    assert_true(tokens.expires_at_ms > clock_wall_ms());
    assert_false(escrow_has_left(s.context.escrow));
    end(&s);
}

static void what_is_saved_already_makes_it_stale(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    begin(&s, f);
    leave_an_answer(f, &s);
    raw(f->path, "UPDATE token_grants SET sealed = x'00', attempt = NULL,"
                 " attempt_ends_at_ms = NULL, attempted_at_ms = NULL");
    grant_escrow_recover(&s.context);
    assert_int_equal(rows(f, "sealed = x'00'"), 1);
    assert_false(escrow_has_left(s.context.escrow));
    end(&s);
}

/* A database that was put back, or lost its last writes, knows no attempt; whether its profile has
 * the token that was spent decides. */
static void the_digest_decides_without_a_row(void **state)
{
    struct fixture *f = *state;
    for (int has_spent = 0; has_spent < 2; has_spent++) {
        struct setting s;
        unsigned char digest[TOKENS_DIGEST_SIZE];
        char hex[2 * TOKENS_DIGEST_SIZE + 1], sql[512];
        begin(&s, f);
        leave_an_answer(f, &s);
        tokens_digest(&s.context, has_spent ? STR("r1") : STR("r9"), digest);
        encode_hex(digest, sizeof(digest), hex);
        raw(f->path, "DELETE FROM token_grants");
        snprintf(sql, sizeof(sql),
                 "INSERT OR REPLACE INTO oauth_tokens (account, region, name,"
                 " credentials_version, version, expires_at_ms, sealed, refresh_digest)"
                 " VALUES ('123456789012', 'us-east-1', 'crm', 1, 1, 0, x'00', x'%s')",
                 hex);
        raw(f->path, sql);
        grant_escrow_recover(&s.context);
        assert_int_equal(rows(f, "sealed IS NOT NULL"), has_spent);
        assert_int_equal(raw(f->path, "SELECT count(*) FROM jobs WHERE name = 'crm'"), has_spent);
        assert_false(escrow_has_left(s.context.escrow));
        end(&s);
    }
}

static void an_answer_without_tokens_is_dropped(void **state)
{
    struct fixture *f = *state;
    static const char *const bodies[] = {"", "{}", "<html>", "{\"access_token\": \"a\\nb\"}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
        struct setting s;
        begin(&s, f);
        raw(f->path, "DELETE FROM token_grants");
        body = str_from(bodies[i]);
        leave_an_answer(f, &s);
        grant_escrow_recover(&s.context);
        assert_int_equal(rows(f, "attempt IS NOT NULL"), 1);
        assert_false(escrow_has_left(s.context.escrow));
        end(&s);
    }
}

static void it_waits_for_a_store_that_is_away(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    begin(&s, f);
    leave_an_answer(f, &s);
    raw(f->path, "CREATE TRIGGER no_saves BEFORE INSERT ON token_grants"
                 " BEGIN SELECT RAISE(ABORT, 'no saves'); END");
    grant_escrow_recover(&s.context);
    assert_true(escrow_has_left(s.context.escrow));
    raw(f->path, "DROP TRIGGER no_saves");
    grant_escrow_recover(&s.context);
    assert_int_equal(rows(f, "sealed IS NOT NULL"), 1);
    assert_false(escrow_has_left(s.context.escrow));
    end(&s);
}

/* The operator may put the key back. */
static void an_unknown_key_of_the_keyring_loses_nothing(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct keyring *other = scratch_keyring("other");
    begin(&s, f);
    leave_an_answer(f, &s);
    s.context.keyring = other;
    grant_escrow_recover(&s.context);
    assert_true(escrow_has_left(s.context.escrow));
    assert_int_equal(rows(f, "sealed IS NOT NULL"), 0);
    s.context.keyring = keyring;
    open_escrow(&s); /* the next start */
    grant_escrow_recover(&s.context);
    assert_int_equal(rows(f, "sealed IS NOT NULL"), 1);
    keyring_free(other);
    end(&s);
}

/* The keyring's seal proves that the wrapped key is ours, so AWS KMS may be wrong: it was restored
 * from a backup, or the server was started with another --kms-url. */
static void no_word_of_kms_destroys_an_answer(void **state)
{
    struct fixture *f = *state;
    static const char *const words[] = {"InvalidCiphertextException", "IncorrectKeyException",
                                        "NotFoundException", "DisabledException"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        struct setting s;
        begin_under_kms(&s, f);
        leave_an_answer(f, &s);
        kms_error = words[i];
        grant_escrow_recover(&s.context);
        assert_true(escrow_has_left(s.context.escrow));
        assert_int_equal(kms_calls, 1);
        kms_error = NULL;
        open_escrow(&s); /* the next start */
        grant_escrow_recover(&s.context);
        assert_int_equal(rows(f, "sealed IS NOT NULL"), 1);
        assert_false(escrow_has_left(s.context.escrow));
        end_under_kms(&s);
    }
}

static struct str long_text(struct arena *arena, struct str begin, size_t size)
{
    char *text = arena_alloc(arena, size);
    memset(text, 'x', size);
    memcpy(text, begin.data, begin.len);
    return (struct str){text, size};
}

static void the_longest_envelope_comes_back(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct data_key key = data_key;
    begin_under_kms(&s, f);
    key.wrapped = long_text(&f->arena, STR("w"), DATA_KEY_WRAPPED_MAX);
    key.arn = kms_arn = long_text(&f->arena, data_key.arn, DATA_KEY_ARN_MAX);
    const struct profile_key longest = {owner.account, owner.region,
                                        long_text(&f->arena, STR("n"), 256)};
    grant_journal_init(&s.journal, &s.context, &f->arena, longest, &s.calls);
    grant_journal_seal_under(&s.journal, &key);
    leave_an_answer(f, &s);
    grant_escrow_recover(&s.context);
    assert_int_equal(kms_calls, 1);
    assert_int_equal(rows(f, "sealed IS NOT NULL"), 1);
    end_under_kms(&s);
}

static void a_key_that_is_away_is_seldom_asked_for(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct oauth_tokens tokens;
    begin_under_kms(&s, f);
    leave_an_answer(f, &s);
    kms_error = "DisabledException";
    grant_escrow_learn(&s.context); /* as at the start */
    assert_int_equal(kms_calls, 0);
    for (int i = 0; i < 50; i++)
        grant_escrow_recover(&s.context);
    assert_int_equal(ask(f, &s, &tokens), GRANT_JOURNAL_BUSY);
    assert_int_equal(kms_calls, 1);
    end_under_kms(&s);
}

/* As when its profile was deleted. */
static void what_is_stale_needs_no_key(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    begin_under_kms(&s, f);
    leave_an_answer(f, &s);
    raw(f->path, "DELETE FROM token_grants");
    kms_error = "DisabledException";
    grant_escrow_recover(&s.context);
    assert_false(escrow_has_left(s.context.escrow));
    assert_int_equal(kms_calls, 0);
    end_under_kms(&s);
}

static bool make_no_client(void *context, struct client **ret_client, struct error *error)
{
    (void)context, (void)ret_client;
    return fail(error, ERR_UNAVAILABLE, "there is none in this test");
}

/* The server stops waiting and the courier completes its call: other nodes are to wait, too. */
static void an_attempt_that_the_courier_has_is_not_given_up(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct courier *courier;
    struct oauth_tokens tokens;
    struct client_response response;
    const struct courier_config config = {.make_client = make_no_client};
    const struct client_request request = {.deadline_ms = clock_mono_ms() + 1000};
    begin(&s, f);
    raw(f->path, "DELETE FROM token_grants");
    assert_true(courier_start(&config, &courier, &f->error));
    escrow_free(s.context.escrow);
    assert_true(escrow_new(scratch_directory, courier, &s.context.escrow, &f->error));
    assert_int_equal(ask(f, &s, &tokens), GRANT_JOURNAL_NEW);
    courier_interrupt(courier);
    s.calls.call(s.calls.context, respond, NULL, &f->arena, &request, &response);
    assert_int_equal(response.outcome, CLIENT_STOPPED);
    int64_t ends_at_ms = raw(f->path, "SELECT attempt_ends_at_ms FROM token_grants");
    s.calls.end(s.calls.context, TOKEN_GRANT_LOST);
    assert_true(escrow_has_left(s.context.escrow));
    assert_true(ends_at_ms > clock_wall_ms());
    assert_int_equal(raw(f->path, "SELECT attempt_ends_at_ms FROM token_grants"), ends_at_ms);
    end(&s);
    courier_free(courier);
}

static void no_attempt_is_begun_without_a_slot(void **state)
{
    struct fixture *f = *state;
    struct setting s;
    struct oauth_tokens tokens;
    struct escrow_hold held[ESCROW_SLOTS];
    size_t count = 0;
    begin(&s, f);
    while (escrow_take(s.context.escrow, owner.account, &held[count], &f->error))
        count++;
    assert_int_equal(ask(f, &s, &tokens), GRANT_JOURNAL_FAILED);
    assert_int_equal(f->error.code, ERR_THROTTLING);
    assert_int_equal(rows(f, "1 = 1"), 0);
    while (count > 0)
        escrow_settle(s.context.escrow, &held[--count]);
    assert_int_equal(ask(f, &s, &tokens), GRANT_JOURNAL_NEW);
    s.calls.end(s.calls.context, TOKEN_GRANT_VOID);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_store(an_answer_is_gone_on_from),
        test_with_store(what_is_saved_already_makes_it_stale),
        test_with_store(the_digest_decides_without_a_row),
        test_with_store(an_answer_without_tokens_is_dropped),
        test_with_store(it_waits_for_a_store_that_is_away),
        test_with_store(an_unknown_key_of_the_keyring_loses_nothing),
        test_with_store(no_word_of_kms_destroys_an_answer),
        test_with_store(the_longest_envelope_comes_back),
        test_with_store(a_key_that_is_away_is_seldom_asked_for),
        test_with_store(what_is_stale_needs_no_key),
        test_with_store(an_attempt_that_the_courier_has_is_not_given_up),
        test_with_store(no_attempt_is_begun_without_a_slot),
    };
    keyring = scratch_keyring("grants");
    int failed = cmocka_run_group_tests_name("grant-escrow", tests, scratch_begin, scratch_end);
    keyring_free(keyring);
    return failed;
}
