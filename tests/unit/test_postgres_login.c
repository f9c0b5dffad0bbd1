/* Signing in to a database, message by message: what each server's bytes end in, malformed ones
 * above all. None of them can make the client compute or read beyond its bounds. */
#include "login_fixture.h"

enum { MESSAGES_MAX = 8 };

#define OK "R", STR("\0\0\0\0")
#define CLEAR "R", STR("\0\0\0\3")
#define MD5 "R", STR("\0\0\0\5salt")
#define SASL(names) "R", STR("\0\0\0\12" names)
#define READY "Z", STR("I")
#define ONE_COLUMN "T", STR("\0\1?column?\0\0\0\0\0\0\0\0\0\0\27\0\4\377\377\377\377\0\0")
#define VALUE(len, text) "D", STR("\0\1\0\0\0" len text)
#define ONE VALUE("\1", "1")
#define DONE "C", STR("SELECT 1\0")
#define UNPROVEN "does not prove that it knows the user's password"

/* A message with its length; NULL in place of a type: bytes as they are. */
struct said {
    const char *type;
    struct str body;
};

#define RAW NULL

/* What the conversation ends in: result, outcome, our clause after the authority or the server's
 * words, its SQLSTATE, the method that is not known. */
#define END(what, why, text) .result = (what), .outcome = (why), .words = (text)
#define ACCEPTED END(POSTGRES_ACCEPTED, CLIENT_OK, NULL)
#define STRANGER END(POSTGRES_STRANGER, CLIENT_BROKEN, "does not speak PostgreSQL's protocol")
#define BROKEN(clause) END(POSTGRES_FAILED, CLIENT_BROKEN, clause)
#define ENDED BROKEN("ended the conversation")
#define NOT_ONE BROKEN("does not answer SELECT 1 with 1")
#define TWO_WAYS BROKEN("asks for the password in two ways, one after the other")
#define TOO_LARGE END(POSTGRES_FAILED, CLIENT_TOO_LARGE, "answers with more than is read")
#define UNKNOWN(number) END(POSTGRES_UNKNOWN_METHOD, CLIENT_OK, NULL), .method = (number)
#define REFUSED(text, state) END(POSTGRES_REFUSED, CLIENT_OK, text), .sqlstate = (state)

static const struct {
    const char *name;
    struct said says[MESSAGES_MAX];
    enum postgres_result result;
    enum client_outcome outcome;
    const char *words;
    const char *sqlstate;
    int method;
} rows[] = {
    {"no password", {{OK}, {READY}, {ONE_COLUMN}, {ONE}, {DONE}, {READY}}, ACCEPTED},
    {"MD5", {{MD5}, {OK}, {READY}, {ONE_COLUMN}, {ONE}, {DONE}, {READY}}, ACCEPTED},
    {"in clear", {{CLEAR}, {OK}, {READY}, {ONE_COLUMN}, {ONE}, {DONE}, {READY}}, ACCEPTED},
    {"settings and the like",
     {{OK}, {"S", STR("a\0b\0")}, {"K", STR("12345678")}, {"N", STR("Mx\0\0")}, {"A", STR("x")}},
     ENDED},
    {"notices later", {{OK}, {READY}, {"N", STR("\0")}, {"S", STR("")}, {"A", STR("")}}, ENDED},

    /* What a server refuses. */
    {"wrong password",
     {{"E", STR("SFATAL\0C28P01\0Mwrong\0Fauth.c\0\0")}},
     REFUSED("wrong", "28P01")},
    {"another language",
     {{"E", STR("SSCHLIMM\0C3D000\0MDatenbank »x« fehlt\nmehr\0\0")}},
     REFUSED("Datenbank »x« fehlt", "3D000")},
    {"no SQLSTATE", {{"E", STR("SFATAL\0Mno such user\0\0")}}, REFUSED("no such user", NULL)},
    {"a malformed SQLSTATE", {{"E", STR("C28p01\0Mx\0\0")}}, REFUSED("x", NULL)},
    {"after the sign-in", {{OK}, {"E", STR("C53300\0Mfull\0\0")}}, REFUSED("full", "53300")},
    {"at the query", {{OK}, {READY}, {"E", STR("C42501\0Mno\0\0")}}, REFUSED("no", "42501")},
    {"protocol 2's error", {{RAW, STR("Ecould not fork\n\0")}}, REFUSED("could not fork", NULL)},
    {"protocol 2's error, cut", {{RAW, STR("Ecould not")}}, REFUSED("could not", NULL)},
    {"an error without a text", {{"E", STR("SFATAL\0\0")}}, STRANGER},
    {"an error without ends", {{"E", STR("SFATAL")}}, STRANGER},
    {"an empty error", {{"E", STR("")}}, STRANGER},

    /* Methods that are not known. */
    {"Kerberos", {{"R", STR("\0\0\0\2")}}, UNKNOWN(2)},
    {"GSSAPI", {{"R", STR("\0\0\0\7")}}, UNKNOWN(7)},
    {"GSSAPI goes on", {{"R", STR("\0\0\0\10token")}}, UNKNOWN(8)},
    {"SSPI", {{"R", STR("\0\0\0\11")}}, UNKNOWN(9)},
    {"SHA-256", {{"R", STR("\0\0\0\15\0\0\0\0\0\0\0\4salt\0\0\0\5nonce")}}, UNKNOWN(13)},
    {"a number below 0", {{"R", STR("\377\377\377\377")}}, UNKNOWN(-1)},
    {"other mechanisms", {{SASL("SCRAM-SHA-1\0OAUTHBEARER\0\0")}}, UNKNOWN(10)},
    {"a binding without TLS", {{SASL("SCRAM-SHA-256-PLUS\0\0")}}, UNKNOWN(10)},
    {"no mechanism", {{SASL("\0")}}, UNKNOWN(10)},
    {"SCRAM from its middle", {{"R", STR("\0\0\0\13r=a,s=YQ==,i=1")}}, UNKNOWN(11)},
    {"mechanisms without an end", {{SASL("SCRAM-SHA-256\0")}}, STRANGER},
    {"mechanisms without ends", {{SASL("SCRAM-SHA-256")}}, STRANGER},

    /* Out of turn. */
    {"MD5 with a short salt", {{"R", STR("\0\0\0\5sal")}}, STRANGER},
    {"MD5, then in clear", {{MD5}, {CLEAR}}, TWO_WAYS},
    {"MD5 twice", {{MD5}, {MD5}}, TWO_WAYS},
    {"SCRAM without a proof", {{SASL("SCRAM-SHA-256\0\0")}, {OK}}, BROKEN(UNPROVEN)},
    {"SCRAM ends at once",
     {{SASL("SCRAM-SHA-256\0\0")}, {"R", STR("\0\0\0\14v=AAAA")}},
     BROKEN(UNPROVEN)},
    {"ready before the sign-in", {{READY}}, STRANGER},
    {"notices before the sign-in", {{"N", STR("Mx\0\0")}}, STRANGER},
    {"signed in twice", {{OK}, {OK}}, STRANGER},

    /* Lengths. */
    {"another protocol", {{RAW, STR("HTTP/1.1 400 Bad Request\r\n")}}, STRANGER},
    {"one byte", {{RAW, STR("H")}}, STRANGER},
    {"nothing", {{RAW, STR("")}}, ENDED},
    {"half a head", {{RAW, STR("R\0\0")}}, ENDED},
    {"half a body", {{RAW, STR("R\0\0\0\10\0\0")}}, ENDED},
    {"a length of 0", {{RAW, STR("R\0\0\0\0")}}, STRANGER},
    {"a length of 3", {{RAW, STR("R\0\0\0\3")}}, STRANGER},
    {"a length below 0", {{RAW, STR("R\377\377\377\377")}}, STRANGER},
    {"2 GiB of a request", {{RAW, STR("R\177\377\377\377")}}, STRANGER},
    {"a request of 2,001 bytes", {{RAW, STR("R\0\0\7\325\0\0\0\0")}}, STRANGER},
    {"a request without a number", {{"R", STR("\0\0\0")}}, STRANGER},
    {"2 GiB of a notice", {{OK}, {RAW, STR("N\177\377\377\377")}}, TOO_LARGE},
    {"a setting with a length of 1", {{OK}, {RAW, STR("S\0\0\0\1")}}, TOO_LARGE},
    {"1 GiB of a row", {{OK}, {READY}, {RAW, STR("D\100\0\0\0")}}, TOO_LARGE},

    /* Answers to the query. */
    {"another number", {{OK}, {READY}, {ONE_COLUMN}, {VALUE("\1", "2")}, {READY}}, NOT_ONE},
    {"NULL", {{OK}, {READY}, {ONE_COLUMN}, {"D", STR("\0\1\377\377\377\377")}, {READY}}, NOT_ONE},
    {"a wrong length", {{OK}, {READY}, {ONE_COLUMN}, {VALUE("\2", "1")}, {READY}}, NOT_ONE},
    {"two columns", {{OK}, {READY}, {ONE_COLUMN}, {"D", STR("\0\2\0\0\0\0011")}, {READY}}, NOT_ONE},
    {"two rows", {{OK}, {READY}, {ONE_COLUMN}, {ONE}, {ONE}, {READY}}, NOT_ONE},
    {"no row", {{OK}, {READY}, {ONE_COLUMN}, {DONE}, {READY}}, NOT_ONE},
    {"no description", {{OK}, {READY}, {ONE}, {DONE}, {READY}}, NOT_ONE},
    {"an empty row", {{OK}, {READY}, {"T", STR("")}, {"D", STR("")}, {READY}}, NOT_ONE},
    {"a copy", {{OK}, {READY}, {"H", STR("\0\0\1")}}, NOT_ONE},
    {"asks for a copy", {{OK}, {READY}, {"G", STR("\0\0\1")}}, NOT_ONE},
};

/* Whole, and a byte at a time. */
static void play(size_t row, bool in_pieces)
{
    struct talk talk;
    talk_init(&talk);
    for (size_t i = 0; i < MESSAGES_MAX && rows[row].says[i].body.data; i++) {
        struct said said = rows[row].says[i];
        if (in_pieces && !said.type) {
            for (size_t k = 0; k < said.body.len; k++)
                hear(&talk, NULL, (struct str){said.body.data + k, 1});
        } else {
            hear(&talk, said.type, said.body);
        }
    }
    if (talk.login.step != LOGIN_ENDED)
        login_closed(&talk.login, buf_str(&talk.received));
    if (talk.login.step != LOGIN_ENDED || talk.response.result != rows[row].result)
        fail_msg("%s: step %d, result %d", rows[row].name, talk.login.step, talk.response.result);
    assert_int_equal(talk.response.outcome, rows[row].outcome);
    assert_int_equal(talk.response.method, rows[row].method);
    assert_text(talk.response.sqlstate, rows[row].sqlstate);
    if (rows[row].outcome != CLIENT_OK)
        assert_clause(&talk, rows[row].name, rows[row].words);
    else
        assert_text(talk.response.message, rows[row].words);
    talk_done(&talk);
}

static void every_server_has_its_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        play(i, false);
        play(i, true);
    }
}

static void notices_without_end_are_bounded(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk);
    hear(&talk, OK);
    size_t before = talk.arena.used;
    for (int i = 0; i < 100 * 1000; i++)
        hear(&talk, "N", STR("SNOTICE\0C00000\0Magain\0\0"));
    assert_int_equal(talk.login.step, LOGIN_GREETING);
    assert_int_equal(talk.arena.used, before); /* nothing is kept */
    talk_done(&talk);
}

static void what_is_sent(void **state)
{
    (void)state;
    struct talk talk;
    talk_init(&talk);
    static const char start[] = "\0\0\0\x4F\0\3\0\0user\0user\0database\0dev\0application_name\0"
                                "headgate\0client_encoding\0UTF8\0";
    assert_int_equal(talk.out.len, sizeof(start));
    assert_memory_equal(talk.out.data, start, sizeof(start));
    hear(&talk, MD5);
    assert_memory_equal(talk.out.data, "p\0\0\0\x28md5", 8);
    assert_int_equal(talk.out.len, 41);
    hear(&talk, OK);
    hear(&talk, READY);
    assert_memory_equal(talk.out.data, "Q\0\0\0\x0DSELECT 1", 14);
    talk_done(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_has_its_result),
        cmocka_unit_test(notices_without_end_are_bounded),
        cmocka_unit_test(what_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
