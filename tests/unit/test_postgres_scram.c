/* SCRAM from the client's side: the bounds on what a server may ask for, the server's own proof,
 * and the channel's binding. */
#include "login_fixture.h"

#include "../../connectors/redshift/postgres_password.h"

#include "base/encode.h"

#define OK "R", STR("\0\0\0\0")
#define UNPROVEN "does not prove that it knows the user's password"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

/* An AuthenticationRequest. */
static void ask(struct talk *talk, enum pg_authentication request, struct str more)
{
    struct buf body = buf_in(&talk->arena, OUT_MAX);
    pg_message_i32(&body, (int32_t)request);
    buf_add(&body, more);
    hear(talk, "R", buf_str(&body));
}

/* server-first-message with the client's nonce in the place of '@'. */
static struct str server_first(struct talk *talk, const char *form)
{
    struct buf text = buf_in(&talk->arena, OUT_MAX);
    for (const char *at = form; *at; at++) {
        if (*at == '@')
            buf_add(&text, talk->login.scram.nonce);
        else
            buf_add_char(&text, *at);
    }
    return buf_str(&text);
}

#define MALFORMED "answers with a SCRAM message that is malformed or for another client"
#define COSTLY(n) "asks for " n " SCRAM iterations, of which this server computes at most 100000"
#define WEAK(n)                                                                                    \
    "asks for " n " SCRAM iterations, and at least 4096 are required of a database whose "         \
    "certificate is not verified"

static const struct {
    const char *form;
    bool verified;
    enum postgres_result result; /* POSTGRES_ACCEPTED: it is answered */
    const char *words;
} firsts[] = {
    {"r=@more,s=" SALT ",i=4096", false, POSTGRES_ACCEPTED, NULL},
    {"r=@more,s=" SALT ",i=100000", false, POSTGRES_ACCEPTED, NULL},
    {"r=@more,s=" SALT ",i=1", true, POSTGRES_ACCEPTED, NULL},
    {"r=@more,s=" SALT ",i=1", false, POSTGRES_WEAK, WEAK("1")},
    {"r=@more,s=" SALT ",i=4095", false, POSTGRES_WEAK, WEAK("4095")},
    {"r=@more,s=" SALT ",i=100001", true, POSTGRES_COSTLY, COSTLY("100001")},
    {"r=@more,s=" SALT ",i=2147483647", true, POSTGRES_COSTLY, COSTLY("2147483647")},
    {"r=@more,s=" SALT ",i=2147483647", false, POSTGRES_COSTLY, COSTLY("2147483647")},
    {"r=@more,s=" SALT ",i=4294971392", true, POSTGRES_COSTLY, COSTLY("4294971392")},
    {"r=@more,s=" SALT ",i=0", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=-1", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=+4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=4096x", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=99999999999999999999999", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT, true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=" SALT ",i=4096,m=more", true, POSTGRES_FAILED, MALFORMED},
    {"m=more,r=@more,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"s=" SALT ",r=@more,i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED}, /* none of the server's own */
    {"r=more@,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=another,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@\x7f,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@m re,s=" SALT ",i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=,i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"r=@more,s=W22Z aJ0SNY7soEsUEjb6gQ==,i=4096", true, POSTGRES_FAILED, MALFORMED},
    {"e=other-error", true, POSTGRES_FAILED, MALFORMED},
    {"", true, POSTGRES_FAILED, MALFORMED},
};

static void iterations_and_nonces_have_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(*firsts); i++) {
        struct talk talk;
        talk_init(&talk);
        talk.login.verified = firsts[i].verified;
        ask(&talk, PG_AUTH_SASL, STR("SCRAM-SHA-256\0\0"));
        ask(&talk, PG_AUTH_SASL_CONTINUE, server_first(&talk, firsts[i].form));
        if (firsts[i].result == POSTGRES_ACCEPTED) {
            assert_int_equal(talk.login.step, LOGIN_AUTHENTICATION);
            assert_int_equal(talk.out.data[0], 'p');
        } else {
            if (talk.response.result != firsts[i].result)
                fail_msg("%s: %d", firsts[i].form, talk.response.result);
            assert_clause(&talk, firsts[i].form, firsts[i].words);
            assert_int_equal(talk.slices, 0);
            assert_int_equal(talk.out.len, 0);
        }
        talk_done(&talk);
    }
}

static void a_deadline_ends_the_computation(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk);
    talk.slices_max = 3;
    ask(&talk, PG_AUTH_SASL, STR("SCRAM-SHA-256\0\0"));
    ask(&talk, PG_AUTH_SASL_CONTINUE, server_first(&talk, "r=@more,s=" SALT ",i=100000"));
    assert_true(talk.login.interrupted);
    assert_int_equal(talk.login.step, LOGIN_ENDED);
    assert_int_equal(talk.slices, 4);
    assert_int_equal(talk.out.len, 0);
    assert_int_equal(talk.response.result, POSTGRES_FAILED);
    talk_done(&talk);
}

/* The server's signature, as a server makes it that has the password. */
static struct str server_final(struct talk *talk, struct str first, struct str password)
{
    unsigned char salted[SCRAM_KEY_SIZE];
    struct scram_proof proof;
    struct str bytes, sent = {talk->out.data + PG_HEAD_SIZE, talk->out.len - PG_HEAD_SIZE};
    assert_true(decode_base64(&talk->arena, STR(SALT), &bytes));
    assert_true(scram_salt_password(password, bytes, 4096, NULL, salted));
    const char *end = strstr(arena_cstr(&talk->arena, sent), ",p=");
    assert_non_null(end);
    struct str text =
        arena_printf(&talk->arena, "%.*s,%.*s,%.*s", STR_ARG(talk->login.scram.client_first),
                     STR_ARG(first), (int)(sent.len - strlen(end)), sent.data);
    scram_prove(salted, text, &proof);
    struct str proof_text = encode_base64(&talk->arena, (struct str){(char *)proof.client, 32});
    assert_true(str_ends(sent, proof_text) == str_eq(password, talk->request.password));
    return encode_base64(&talk->arena, (struct str){(char *)proof.server, 32});
}

static const struct {
    const char *form; /* '*': the good signature, '-': one of another password */
    bool good;
} finals[] = {
    {"v=*", true},           {"v=-", false},  {"v=", false},
    {"v=AAAA", false},       {"", false},     {"v=*,x=y", false},
    {"x=y,v=*", false},      {"v=**", false}, {"e=invalid-proof", false},
    {"v=not base64", false},
};

static void the_server_proves_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(finals) / sizeof(*finals); i++) {
        struct talk talk;
        talk_init(&talk);
        ask(&talk, PG_AUTH_SASL, STR("SCRAM-SHA-256\0\0"));
        struct str first = server_first(&talk, "r=@more,s=" SALT ",i=4096");
        ask(&talk, PG_AUTH_SASL_CONTINUE, first);
        struct str signature = server_final(&talk, first, STR("pencil"));
        struct str wrong = server_final(&talk, first, STR("pencils"));
        struct buf final = buf_in(&talk.arena, OUT_MAX);
        for (const char *at = finals[i].form; *at; at++) {
            if (*at == '*' || *at == '-')
                buf_add(&final, *at == '*' ? signature : wrong);
            else
                buf_add_char(&final, *at);
        }
        ask(&talk, PG_AUTH_SASL_FINAL, buf_str(&final));
        if (finals[i].good) {
            hear(&talk, OK);
            assert_int_equal(talk.login.step, LOGIN_GREETING);
        } else {
            assert_int_equal(talk.response.result, POSTGRES_FAILED);
            assert_clause(&talk, finals[i].form, UNPROVEN);
        }
        talk_done(&talk);
    }
}

static const struct {
    struct str mechanisms;
    bool can_bind;
    const char *mechanism, *header, *encoded; /* in "c=" */
} bindings[] = {
    {STR("SCRAM-SHA-256\0\0"), false, "SCRAM-SHA-256", "n,,n=,r=", "c=biws,"},
    {STR("SCRAM-SHA-256\0\0"), true, "SCRAM-SHA-256", "y,,n=,r=", "c=eSws,"},
    {STR("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), false, "SCRAM-SHA-256", "n,,n=,r=", "c=biws,"},
    {STR("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"), true, "SCRAM-SHA-256-PLUS",
     "p=tls-server-end-point,,n=,r=", "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsaGFzaA==,"},
    {STR("SCRAM-SHA-256\0OTHER\0SCRAM-SHA-256-PLUS\0\0"), true, "SCRAM-SHA-256-PLUS",
     "p=tls-server-end-point,,n=,r=", "c=cD10bHMtc2VydmVyLWVuZC1wb2ludCwsaGFzaA==,"},
};

static void the_channel_is_bound_where_it_can_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bindings) / sizeof(*bindings); i++) {
        struct talk talk;
        talk_init(&talk);
        talk.login.binding = bindings[i].can_bind ? STR("hash") : STR_NULL;
        ask(&talk, PG_AUTH_SASL, bindings[i].mechanisms);
        size_t mechanism = strlen(bindings[i].mechanism), header = strlen(bindings[i].header);
        assert_string_equal(talk.out.data + PG_HEAD_SIZE, bindings[i].mechanism);
        const char *first = talk.out.data + PG_HEAD_SIZE + mechanism + 1 + 4;
        assert_int_equal(pg_read_i32(first - 4), talk.out.data + talk.out.len - first);
        assert_memory_equal(first, bindings[i].header, header);
        ask(&talk, PG_AUTH_SASL_CONTINUE, server_first(&talk, "r=@more,s=" SALT ",i=4096"));
        assert_memory_equal(talk.out.data + PG_HEAD_SIZE, bindings[i].encoded,
                            strlen(bindings[i].encoded));
        talk_done(&talk);
    }
}

/* RFC 7677, 3. */
static void the_standards_example(void **state)
{
    (void)state;
    struct arena arena = {0};
    unsigned char salted[SCRAM_KEY_SIZE];
    struct scram_proof proof;
    struct str bytes;
    assert_true(decode_base64(&arena, STR(SALT), &bytes));
    assert_true(scram_salt_password(STR("pencil"), bytes, 4096, NULL, salted));
    scram_prove(salted,
                STR("n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hN"
                    "lF$k0,s=" SALT ",i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)"
                    "hNlF$k0"),
                &proof);
    struct str client = encode_base64(&arena, (struct str){(char *)proof.client, 32});
    struct str server = encode_base64(&arena, (struct str){(char *)proof.server, 32});
    assert_true(str_eq(client, STR("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")));
    assert_true(str_eq(server, STR("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
    arena_done(&arena);
}

static const struct {
    const char *password, *stored;
    bool sure;
} passwords[] = {
    {"pencil", "pencil", true},
    {"", "", true},
    {"m\u00B2", "m2", true},
    {"\u00BD\u00BC\u00BE\u00B9\u00B3", "1\u204421\u204443\u2044413", true},
    {"a\u00A0b\u00ADc", "a bc", true},
    {"\u00AD", "\u00AD", true}, /* nothing would be left */
    {"\u00B5\u00AA\u00BA", "\u03BCao", true},
    {"\u00A8\u00AF\u00B4\u00B8", " \u0308 \u0304 \u0301 \u0327", true},
    {"\u00FC\u00DF\u00E9\u00A9", "\u00FC\u00DF\u00E9\u00A9", true},
    {"\u0142\u20AC", "\u0142\u20AC", false},
    {"\uFF41\u00B2", "\uFF412", false},
    {"m\u00B2\n", "m\u00B2\n", true},
    {"m\u00B2\xC2\x85", "m\u00B2\xC2\x85", true},
    {"m\u00B2\xFF", "m\u00B2\xFF", true},
    {"\xC2", "\xC2", true},
};

/* As PostgreSQL's pg_saslprep has it; Python's stringprep and unicodedata say the same. */
static void passwords_are_prepared(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(passwords) / sizeof(*passwords); i++) {
        struct arena arena = {0};
        bool sure;
        struct str stored = password_prepare(&arena, str_from(passwords[i].password), &sure);
        if (!str_eq(stored, str_from(passwords[i].stored)) || sure != passwords[i].sure)
            fail_msg("%s: %.*s", passwords[i].password, STR_ARG(stored));
        arena_done(&arena);
    }
}

/* The arithmetic itself has the bound. */
static void no_caller_computes_without_a_bound(void **state)
{
    (void)state;
    static const int beyond[] = {0, -1, SCRAM_ITERATIONS_MAX + 1, 0x7FFFFFFF};
    static const unsigned char zero[SCRAM_KEY_SIZE];
    unsigned char salted[SCRAM_KEY_SIZE];
    for (size_t i = 0; i < sizeof(beyond) / sizeof(*beyond); i++) {
        memset(salted, 'x', sizeof(salted));
        assert_false(scram_salt_password(STR("pencil"), STR("salt"), beyond[i], NULL, salted));
        assert_memory_equal(salted, zero, sizeof(zero));
    }
    assert_true(
        scram_salt_password(STR("pencil"), STR("salt"), SCRAM_ITERATIONS_MAX, NULL, salted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iterations_and_nonces_have_bounds),
        cmocka_unit_test(a_deadline_ends_the_computation),
        cmocka_unit_test(the_server_proves_itself),
        cmocka_unit_test(the_channel_is_bound_where_it_can_be),
        cmocka_unit_test(the_standards_example),
        cmocka_unit_test(passwords_are_prepared),
        cmocka_unit_test(no_caller_computes_without_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
