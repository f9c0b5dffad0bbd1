/* Rows of a query that follows a sign-in: what is handed over, and what malformed ones end in. */
#include "login_fixture.h"

enum { MESSAGES_MAX = 6, SEEN_MAX = 256, WANTED = 3 };

#define TWO_COLUMNS "T", STR("\0\2a\0b\0")
#define ROW(cells) "D", STR("\0\2" cells)
#define CELL(len, text) "\0\0\0" len text
#define NONE "\377\377\377\377"
#define DONE "C", STR("SELECT 1\0")
#define READY "Z", STR("I")
#define OTHER "does not answer the query with its columns"

struct said {
    const char *type;
    struct str body;
};

static const struct {
    const char *name;
    struct said says[MESSAGES_MAX];
    enum postgres_result result;
    const char *words; /* our clause; NULL: none */
    const char *seen;  /* cells, NULL as "~" */
} rows[] = {
    {"two rows",
     {{TWO_COLUMNS},
      {ROW(CELL("\1", "x") CELL("\2", "yz"))},
      {ROW(NONE CELL("\0", ""))},
      {DONE},
      {READY}},
     POSTGRES_ACCEPTED,
     NULL,
     "x,yz;~,;"},
    {"no rows", {{TWO_COLUMNS}, {DONE}, {READY}}, POSTGRES_ACCEPTED, NULL, ""},
    {"enough",
     {{TWO_COLUMNS}, {ROW(NONE NONE)}, {ROW(NONE NONE)}, {ROW(NONE NONE)}, {"E", STR("Mno\0\0")}},
     POSTGRES_ACCEPTED,
     NULL,
     "~,~;~,~;~,~;"},
    {"an error after a row",
     {{TWO_COLUMNS}, {ROW(NONE NONE)}, {"E", STR("C57014\0Mcanceled\0\0")}},
     POSTGRES_REFUSED,
     NULL,
     "~,~;"},
    {"no description", {{ROW(NONE NONE)}}, POSTGRES_FAILED, OTHER, ""},
    {"another number of columns",
     {{"T", STR("\0\1a\0")}, {DONE}, {READY}},
     POSTGRES_FAILED,
     OTHER,
     ""},
    {"a row of one", {{TWO_COLUMNS}, {"D", STR("\0\1" NONE)}}, POSTGRES_FAILED, OTHER, ""},
    {"a row of nine", {{TWO_COLUMNS}, {"D", STR("\0\11" NONE)}}, POSTGRES_FAILED, OTHER, ""},
    {"a row that ends early", {{TWO_COLUMNS}, {"D", STR("\0\2" NONE)}}, POSTGRES_FAILED, OTHER, ""},
    {"a cell that is too long",
     {{TWO_COLUMNS}, {ROW(NONE CELL("\2", "y"))}},
     POSTGRES_FAILED,
     OTHER,
     ""},
    {"a cell of continuation bytes",
     {{TWO_COLUMNS}, {ROW(NONE CELL("\2", "\200\200"))}},
     POSTGRES_FAILED,
     OTHER,
     ""},
    {"a cell in Latin-1",
     {{TWO_COLUMNS}, {ROW(CELL("\2", "\351a") NONE)}},
     POSTGRES_FAILED,
     OTHER,
     ""},
    {"a cell in UTF-8",
     {{TWO_COLUMNS}, {ROW(CELL("\2", "\303\251") NONE)}, {DONE}, {READY}},
     POSTGRES_ACCEPTED,
     NULL,
     "\303\251,~;"},
    {"a length of -2", {{TWO_COLUMNS}, {ROW(NONE "\377\377\377\376")}}, POSTGRES_FAILED, OTHER, ""},
    {"2 GiB of a cell",
     {{TWO_COLUMNS}, {ROW(NONE "\177\377\377\377")}},
     POSTGRES_FAILED,
     OTHER,
     ""},
    {"bytes after the cells", {{TWO_COLUMNS}, {ROW(NONE NONE "x")}}, POSTGRES_FAILED, OTHER, ""},
    {"an empty row", {{TWO_COLUMNS}, {"D", STR("")}}, POSTGRES_FAILED, OTHER, ""},
    {"a copy", {{"H", STR("\0\0\1")}}, POSTGRES_FAILED, OTHER, ""},
};

struct seen {
    char text[SEEN_MAX];
    int count;
};

static bool each(void *context, const struct str *cells)
{
    struct seen *seen = context;
    for (int i = 0; i < 2; i++) {
        struct str cell = cells[i].data ? cells[i] : STR("~");
        strncat(seen->text, cell.data, cell.len);
        strcat(seen->text, i == 0 ? "," : ";");
    }
    return ++seen->count < WANTED;
}

static void play(size_t row)
{
    struct talk talk;
    struct seen seen = {0};
    struct sql_rows wanted = {
        .sql = STR("SELECT a, b"), .columns = 2, .each = each, .context = &seen};
    talk_init(&talk);
    talk.request.rows = &wanted;
    hear(&talk, "R", STR("\0\0\0\0"));
    hear(&talk, "Z", STR("I"));
    assert_int_equal(talk.out.len, 5 + sizeof("SELECT a, b"));
    assert_memory_equal(talk.out.data, "Q\0\0\0\20SELECT a, b", talk.out.len);
    for (size_t i = 0; i < MESSAGES_MAX && rows[row].says[i].type; i++) {
        if (talk.login.step != LOGIN_ENDED)
            hear(&talk, rows[row].says[i].type, rows[row].says[i].body);
    }
    if (talk.login.step != LOGIN_ENDED || talk.response.result != rows[row].result)
        fail_msg("%s: step %d, result %d", rows[row].name, talk.login.step, talk.response.result);
    assert_string_equal(seen.text, rows[row].seen);
    assert_int_equal(wanted.stopped, seen.count == WANTED);
    if (rows[row].words)
        assert_clause(&talk, rows[row].name, rows[row].words);
    talk_done(&talk);
}

static void rows_are_handed_over_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        play(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_handed_over_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
