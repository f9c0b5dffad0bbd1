/* Options: precedence, lists, refusals and their messages, and the forms of values. */
#include "cmocka_all.h"
#include "temporary.h"

#include "cli/options.h"
#include "cli/suggest.h"
#include "cli/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_yes(const char *text, struct error *expected)
{
    return strcmp(text, "yes") == 0 || fail(expected, ERR_VALIDATION, "yes");
}

static const struct option table[] = {
    {.name = "config"},
    {.name = "data-place", .fallback = "here"},
    {.name = "count",
     .former = "number",
     .kind = OPTION_NUMBER,
     .fallback = "3",
     .least = 1,
     .most = 9},
    {.name = "fast", .kind = OPTION_FLAG},
    {.name = "way", .kind = OPTION_LIST},
    {.name = "hidden", .check = is_yes, .secret = true},
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

static void a_word_goes_to_the_positional_option(void **state)
{
    (void)state;
    static const struct option words_table[] = {
        {.name = "name", .argument = "NAME", .required = true, .positional = true},
        {.name = "fast", .kind = OPTION_FLAG},
        {0},
    };
    char *all[] = {"--fast", "crm"}, *two[] = {"crm", "crm"}, *dash[] = {"-x"};
    struct options options;
    struct error error;
    assert_true(options_read(words_table, 2, all, &options, &error));
    assert_string_equal(options_text(&options, "name"), "crm");
    assert_true(options_flag(&options, "fast"));
    options_done(&options);
    assert_false(options_read(words_table, 2, two, &options, &error));
    assert_string_equal(error.message, "unexpected argument \"crm\".");
    options_done(&options);
    assert_false(options_read(words_table, 1, dash, &options, &error));
    options_done(&options);
    setenv("HEADGATE_NAME", "other", 1); /* set for something else, perhaps */
    assert_false(options_read(words_table, 0, NULL, &options, &error));
    assert_string_equal(error.message, "NAME is required.");
    options_done(&options);
    unsetenv("HEADGATE_NAME");
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

/* A value separated by commas, wherever it comes from. */
static void lists_are_separated_by_commas(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(read_words(&options, &error, 2, "--way=a, b", "--way=c"));
    assert_int_equal(options_list(&options, "way")->count, 3);
    assert_string_equal(options_list(&options, "way")->texts[1], "b");
    options_done(&options);
    assert_true(read_words(&options, &error, 1, "--way="));
    assert_int_equal(options_list(&options, "way")->count, 0);
    options_done(&options);
    assert_false(read_words(&options, &error, 1, "--way=a,,b"));
    options_done(&options);
    setenv("HEADGATE_WAY", "a=1,b=2", 1);
    assert_true(read_words(&options, &error, 0));
    assert_int_equal(options_list(&options, "way")->count, 2);
    assert_string_equal(options_list(&options, "way")->texts[1], "b=2");
    options_done(&options);
    unsetenv("HEADGATE_WAY");
}

static void flags_take_four_words(void **state)
{
    (void)state;
    static const struct {
        char *word;
        bool value;
    } rows[] = {{"--fast", true},
                {"--fast=true", true},
                {"--fast=1", true},
                {"--fast=false", false},
                {"--fast=0", false}};
    struct options options;
    struct error error;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(read_words(&options, &error, 1, rows[i].word));
        assert_int_equal(options_flag(&options, "fast"), rows[i].value);
        options_done(&options);
    }
}

static void make_config(char path[TEMPORARY_SIZE], const char *text)
{
    int fd = mkstemp(temporary_template(path, "options"));
    assert_true(fd >= 0);
    dprintf(fd, "%s", text);
    close(fd);
}

static void assert_refused(const char *message, char *word, char *value)
{
    struct options options;
    struct error error;
    assert_false(read_words(&options, &error, value ? 2 : 1, word, value));
    assert_string_equal(error.message, message);
    options_done(&options);
}

/* Each names the option as it was given, the value, and what is expected. */
static void messages_say_what_and_where(void **state)
{
    (void)state;
    char path[TEMPORARY_SIZE], other[TEMPORARY_SIZE];
    char config[TEMPORARY_SIZE + 16], message[TEMPORARY_SIZE + 128];
    assert_refused("unknown option --cuont. Did you mean --count?", "--cuont", "3");
    assert_refused("unknown option --elsewhere.", "--elsewhere", "3");
    assert_refused("unexpected argument \"word\".", "word", NULL);
    assert_refused("--count needs a value.", "--count", NULL);
    assert_refused("invalid value \"abc\" for --count: expected a whole number from 1 to 9.",
                   "--count", "abc");
    assert_refused("invalid value for --hidden: expected yes.", "--hidden", "secret");
    assert_refused("invalid value \"\" for --data-place: expected a value that is not empty.",
                   "--data-place", "");
    setenv("HEADGATE_FAST", "maybe", 1);
    assert_refused("invalid value \"maybe\" for HEADGATE_FAST: expected true, false, 1 or 0.",
                   "--count", "1");
    unsetenv("HEADGATE_FAST");
    make_config(path, "# one\ncount = 1\nfoo = 1\n");
    snprintf(config, sizeof(config), "--config=%s", path);
    snprintf(message, sizeof(message), "%s:3: unknown option \"foo\".", path);
    assert_refused(message, config, NULL);
    unlink(path);
    make_config(other, "count = 12\n");
    snprintf(config, sizeof(config), "--config=%s", other);
    snprintf(message, sizeof(message),
             "%s:1: invalid value \"12\" for count: expected a whole number from 1 to 9.", other);
    assert_refused(message, config, NULL);
    unlink(other);
}

/* On the command line, in the environment and in a file; only the newer name is shown. */
static void former_names_are_taken(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    char path[TEMPORARY_SIZE], config[TEMPORARY_SIZE + 16];
    assert_true(read_words(&options, &error, 1, "--number=7"));
    assert_int_equal(options_number(&options, "count"), 7);
    options_done(&options);
    assert_refused("--count is given twice.", "--count=1", "--number=2");
    assert_refused("invalid value \"abc\" for --count: expected a whole number from 1 to 9.",
                   "--number", "abc");
    setenv("HEADGATE_NUMBER", "5", 1);
    assert_true(read_words(&options, &error, 0));
    assert_int_equal(options_number(&options, "count"), 5);
    options_done(&options);
    setenv("HEADGATE_COUNT", "6", 1);
    assert_true(read_words(&options, &error, 0));
    assert_int_equal(options_number(&options, "count"), 6);
    options_done(&options);
    unsetenv("HEADGATE_COUNT");
    unsetenv("HEADGATE_NUMBER");
    make_config(path, "number = 8\n");
    snprintf(config, sizeof(config), "--config=%s", path);
    assert_true(read_words(&options, &error, 1, config));
    assert_int_equal(options_number(&options, "count"), 8);
    options_done(&options);
    unlink(path);
}

static void help_is_found_anywhere(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    assert_true(read_words(&options, &error, 3, "--count", "abc", "-h"));
    assert_true(options.help);
    options_done(&options);
}

static const char *suggested(const char *word)
{
    struct suggestion suggestion = {.word = str_from(word)};
    static const char *const known[] = {"serve", "sandbox", "audit", "ca"};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        suggestion_offer(&suggestion, known[i]);
    return suggestion.best ? suggestion.best : "";
}

static void mistyped_words_get_a_suggestion(void **state)
{
    (void)state;
    assert_string_equal(suggested("srve"), "serve");
    assert_string_equal(suggested("SERVE"), "serve");
    assert_string_equal(suggested("sandbx"), "sandbox");
    assert_string_equal(suggested("audti"), "audit");
    assert_string_equal(suggested("stop"), "");
    assert_string_equal(suggested("xy"), ""); /* nothing of "ca" is left */
    assert_string_equal(suggested(""), "");
}

static void nearer_sources_win(void **state)
{
    (void)state;
    struct options options;
    struct error error;
    char path[TEMPORARY_SIZE], config[TEMPORARY_SIZE + 16];
    int fd = mkstemp(temporary_template(path, "options"));
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
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {
        {"127.0.0.1:0", "127.0.0.1", 0},       {"[::1]:8620", "::1", 8620},
        {"localhost:8620", "127.0.0.1", 8620}, {"Localhost:1", "127.0.0.1", 1},
        {"0.0.0.0:65535", "0.0.0.0", 65535},
    };
    char host[LISTEN_HOST_SIZE];
    int port;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(parse_listen(rows[i].text, host, &port));
        assert_string_equal(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
    }
    assert_true(parse_listen(":8620", host, &port));
    assert_true(strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0);
    static const char *const refused[] = {
        "",           "8620",       "localhost",     "127.0.0.1:", "a:1",
        "1.2.3.4:-1", "1.2.3.4:1x", "1.2.3.4:65536", "[::1:8620",  "example.com:8620"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_false(parse_listen(refused[i], host, &port));
}

/* The forms that are not other modules' own. */
static void forms_of_values(void **state)
{
    (void)state;
    struct error error;
    assert_true(check_account("123456789012", &error));
    assert_false(check_account("12345678901", &error));
    assert_false(check_account("12345678901a", &error));
    assert_true(check_connector("Amplitude", &error));
    assert_false(check_connector("amplitude", &error));
    assert_non_null(strstr(error.message, "Did you mean Amplitude?"));
    assert_true(check_endpoint("Amplitude=https://eu.amplitude.example", &error));
    assert_false(check_endpoint("Amplitude", &error));
    assert_false(check_endpoint("Nobody=https://eu.amplitude.example", &error));
    assert_false(check_endpoint("Amplitude=ftp://eu.amplitude.example", &error));
    assert_true(check_cidr("10.1.2.0/24", &error));
    assert_false(check_cidr("10.1.2.0/99", &error));
    assert_true(check_route("a.example=10.1.2.3:443", &error));
    assert_false(check_route("a.example=10.1.2.3", &error));
    assert_true(check_store("postgresql://u@h/d", &error));
    assert_true(check_store("host=h dbname=d", &error));
    assert_false(check_store("mysql://u@h/d", &error));
    assert_false(check_store("h", &error));
    assert_false(check_url("sts.example", &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_apply),
        cmocka_unit_test(a_word_goes_to_the_positional_option),
        cmocka_unit_test(command_line_takes_both_forms),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(nearer_sources_win),
        cmocka_unit_test(lists_are_separated_by_commas),
        cmocka_unit_test(flags_take_four_words),
        cmocka_unit_test(messages_say_what_and_where),
        cmocka_unit_test(former_names_are_taken),
        cmocka_unit_test(help_is_found_anywhere),
        cmocka_unit_test(mistyped_words_get_a_suggestion),
        cmocka_unit_test(listen_addresses),
        cmocka_unit_test(forms_of_values),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
