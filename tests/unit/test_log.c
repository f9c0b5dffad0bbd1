/* What a log line looks like, in both forms, whatever its sentence holds. */
#include "cmocka_all.h"

#include "base/buf.h"
#include "base/log.h"
#include "wire/restjson.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SENTENCE_ROOM = 8192 };

static const struct str id = STR("4a5b6c7d-0000-4000-8000-000000000001");

/* What one call writes to standard error. A pipe holds more than the longest line. */
static char *logged(enum log_format format, struct str request, const char *sentence)
{
    static char line[SENTENCE_ROOM];
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_init(LOG_INFO, format);
    log_write(LOG_WARN, request, "%s", sentence);
    log_write(LOG_DEBUG, request, "below the least level");
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    ssize_t size = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    assert_true(size > 0);
    line[size] = '\0';
    assert_ptr_equal(strchr(line, '\n'), line + size - 1);
    line[size - 1] = '\0';
    return line;
}

static struct arena arena;

static const struct value *parsed(struct str request, const char *sentence)
{
    struct value *line;
    assert_true(json_parse(str_from(logged(LOG_JSON, request, sentence)), &arena, &line));
    return line;
}

static const char *member(const struct value *line, const char *name)
{
    return value_text(line, name).data;
}

static void text_is_for_people(void **state)
{
    (void)state;
    char *line = logged(LOG_TEXT, id, "It is \"so\".");
    assert_string_equal(strchr(line, ' '), " warn request 4a5b6c7d-0000-4000-8000-000000000001 "
                                           "It is \"so\".");
    line = logged(LOG_TEXT, STR_NULL, "It is so.");
    assert_string_equal(strchr(line, ' '), " warn It is so.");
}

static void json_has_the_same_content(void **state)
{
    (void)state;
    const struct value *line = parsed(id, "It is \"so\" in C:\\here, d\xC3\xA9j\xC3\xA0 vu.");
    assert_int_equal(line->count, 4);
    assert_int_equal(strlen(member(line, "time")), strlen("2026-01-01T00:00:00.000Z"));
    assert_string_equal(member(line, "level"), "warn");
    assert_string_equal(member(line, "request"), id.data);
    assert_string_equal(member(line, "message"),
                        "It is \"so\" in C:\\here, d\xC3\xA9j\xC3\xA0 vu.");
    arena_done(&arena);
    line = parsed(STR_NULL, "");
    assert_int_equal(line->count, 3);
    assert_string_equal(member(line, "message"), "");
    arena_done(&arena);
}

static void hostile_bytes_make_no_second_line_and_no_bad_json(void **state)
{
    (void)state;
    const struct value *line = parsed(id, "a\r\n{\"level\":\"error\"}\x1B[0m\x7F");
    assert_string_equal(member(line, "message"), "a??{\"level\":\"error\"}?[0m?");
    arena_done(&arena);
    line = parsed(id, "\xFF\xC3"
                      "(\xED\xA0\x80");
    assert_string_equal(member(line, "message"), "??"
                                                 "(???");
    arena_done(&arena);
    assert_string_equal(strstr(logged(LOG_TEXT, id, "a\nb"), "a?"), "a?b");
}

/* Every length at which the cut may fall into a character of three bytes. */
static void a_long_sentence_is_cut_between_characters(void **state)
{
    (void)state;
    for (int before = 0; before < 3; before++) {
        char sentence[SENTENCE_ROOM] = "xxx";
        sentence[before] = '\0';
        while (strlen(sentence) < LOG_TEXT_MAX + 10)
            strcat(sentence, "\xE2\x82\xAC");
        const struct value *line = parsed(id, sentence);
        size_t len = strlen(member(line, "message"));
        assert_in_range(len, LOG_TEXT_MAX - 2, LOG_TEXT_MAX);
        assert_memory_equal(member(line, "message"), sentence, len);
        arena_done(&arena);
    }
    char quotes[SENTENCE_ROOM] = "";
    memset(quotes, '"', sizeof(quotes) - 1);
    const struct value *line = parsed(id, quotes);
    assert_int_equal(strlen(member(line, "message")), LOG_TEXT_MAX);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_for_people),
        cmocka_unit_test(json_has_the_same_content),
        cmocka_unit_test(hostile_bytes_make_no_second_line_and_no_bad_json),
        cmocka_unit_test(a_long_sentence_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
