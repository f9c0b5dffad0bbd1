/* Options: precedence, refusals, and the address form of --listen. */
#include "cmocka_all.h"

#include "cli/node.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option table[] = {
    {.name = "config"},
    {.name = "data-place", .fallback = "here"},
    {.name = "count", .kind = OPTION_NUMBER, .fallback = "3", .least = 1, .most = 9},
    {.name = "fast", .kind = OPTION_FLAG},
    {.name = "way", .kind = OPTION_LIST},
    {0},
};

static bool read_words(struct options *options, struct error *error, int count, ...)
{
    static char *words[8];
    va_list args;
    va_start(args, count);
    for (int i = 0; i < count; i++)
        words[i] = va_arg(args, char *);
    va_end(args);
    *error = (struct error){0};
    return options_read(table, count, words, options, error);
}

static void defaults_apply(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(read_words(&options, &error, 0));
    assert_string_equal(options_text(&options, "data-place"), "here");
    assert_int_equal(options_number(&options, "count"), 3);
    assert_false(options_flag(&options, "fast"));
    assert_int_equal(options_list(&options, "way")->count, 0);
    options_done(&options);
}

static void command_line_takes_both_forms(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(read_words(&options, &error, 7, "--data-place", "a=b", "--count=7", "--fast",
                           "--way=x", "--way", "y"));
    assert_string_equal(options_text(&options, "data-place"), "a=b");
    assert_int_equal(options_number(&options, "count"), 7);
    assert_true(options_flag(&options, "fast"));
    assert_int_equal(options_list(&options, "way")->count, 2);
    options_done(&options);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    char *const words[][2] = {
        {"--nothing", "x"}, {"word", "x"},   {"--count", "0"},       {"--count", "10"},
        {"--count", "3x"},  {"--count", ""}, {"--fast=maybe", NULL}, {"--count", NULL},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        assert_false(read_words(&options, &error, words[i][1] ? 2 : 1, words[i][0], words[i][1]));
        assert_int_equal(error.code, ERR_VALIDATION);
        options_done(&options);
    }
    assert_false(read_words(&options, &error, 2, "--count=1", "--count=2"));
    assert_non_null(strstr(error.message, "twice"));
    options_done(&options);
}

static void nearer_sources_win(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    char path[] = "/tmp/headgate-options-XXXXXX", config[64];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "# a comment\n\n count = 5\ndata-place = from file \nway = a\nway = b\n");
    close(fd);
    snprintf(config, sizeof(config), "--config=%s", path);
    setenv("HEADGATE_DATA_PLACE", "from environment", 1);
    assert_true(read_words(&options, &error, 1, config));
    assert_int_equal(options_number(&options, "count"), 5);
    assert_string_equal(options_text(&options, "data-place"), "from environment");
    assert_int_equal(options_list(&options, "way")->count, 2);
    options_done(&options);
    assert_true(read_words(&options, &error, 3, config, "--data-place=near", "--way=c"));
    assert_string_equal(options_text(&options, "data-place"), "near");
    assert_int_equal(options_list(&options, "way")->count, 1);
    options_done(&options);
    unsetenv("HEADGATE_DATA_PLACE");
    unlink(path);
}

static void listen_addresses(void **state)
{
    (void)state;
    char host[64];
    int port;
    struct error error;
    assert_true(parse_listen("127.0.0.1:0", host, sizeof(host), &port, &error));
    assert_int_equal(port, 0);
    assert_true(parse_listen("[::1]:8620", host, sizeof(host), &port, &error));
    assert_string_equal(host, "::1");
    assert_int_equal(port, 8620);
    static const char *const refused[] = {"", "8620", ":1", "a:", "a:65536", "a:-1", "a:1x"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(parse_listen(refused[i], host, sizeof(host), &port, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_apply),
        cmocka_unit_test(command_line_takes_both_forms),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(nearer_sources_win),
        cmocka_unit_test(listen_addresses),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
