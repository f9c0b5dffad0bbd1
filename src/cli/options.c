/* Command line first, then environment, then file, then default: the source that is nearest to the
 * start of the process wins. Each value is checked where it is read, since only there is it known
 * where it came from. */
#include "cli/options.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cli/suggest.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_NAME_SIZE = 96 };

/* Where a value was given, for messages. */
struct source {
    const char *prefix; /* "--" on the command line, "HEADGATE_" in the environment, "" in a file */
    const char *file;   /* NULL: not in a file */
    int line;
};

static const struct source command_line = {.prefix = "--"};
static const struct source environment = {.prefix = "HEADGATE_"};

static int find(const struct option *table, struct str name)
{
    for (int i = 0; table[i].name; i++) {
        const char *former = table[i].former;
        if (str_eq(str_from(table[i].name), name) || (former && str_eq(str_from(former), name)))
            return i;
    }
    return -1;
}

/* "--listen", "HEADGATE_LISTEN" or "listen". */
static const char *name_in(const struct source *source, const char *name,
                           char out[SOURCE_NAME_SIZE])
{
    bool variable = source == &environment;
    int len = snprintf(out, SOURCE_NAME_SIZE, "%s%s", source->prefix, name);
    for (int i = 0; variable && i < len && i < SOURCE_NAME_SIZE; i++)
        out[i] = out[i] == '-' ? '_' : ascii_upper(out[i]);
    return out;
}

/* A message about one source: with FILE:LINE in front if it is a file. */
static bool fail_at(const struct source *source, struct error *error, const char *message)
{
    if (source->file)
        return fail(error, ERR_VALIDATION, "%s:%d: %s", source->file, source->line, message);
    return fail(error, ERR_VALIDATION, "%s", message);
}

static bool fail_about(const struct source *source, const struct option *option,
                       struct error *error, const char *what)
{
    char name[SOURCE_NAME_SIZE], message[SOURCE_NAME_SIZE + 64];
    snprintf(message, sizeof(message), "%s %s", name_in(source, option->name, name), what);
    return fail_at(source, error, message);
}

static bool fail_value(const struct source *source, const struct option *option, const char *text,
                       const char *expected, struct error *error)
{
    char name[SOURCE_NAME_SIZE], message[ERROR_MESSAGE_MAX + 1];
    const char *quote = option->secret ? "" : "\"";
    size_t len = strlen(expected);
    bool ended = len > 0 && (expected[len - 1] == '?' || expected[len - 1] == '.');
    snprintf(message, sizeof(message), "invalid value%s%s%.200s%s for %s: expected %s%s",
             option->secret ? "" : " ", quote, option->secret ? "" : text, quote,
             name_in(source, option->name, name), expected, ended ? "" : ".");
    return fail_at(source, error, message);
}

static bool is_whole_number(const char *text, long *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtol(text, &end, 10);
    return *text != '\0' && !isspace((unsigned char)*text) && *end == '\0' && errno == 0;
}

static bool is_flag(const char *text, bool value)
{
    return strcmp(text, value ? "true" : "false") == 0 || strcmp(text, value ? "1" : "0") == 0;
}

/* What a value of this option must be, in words; false if `text` is something else. */
static bool check_form(const struct option *option, const char *text, struct error *expected)
{
    long number;
    if (option->kind == OPTION_NUMBER &&
        (!is_whole_number(text, &number) || number < option->least || number > option->most))
        return fail(expected, ERR_VALIDATION, "a whole number from %ld to %ld", option->least,
                    option->most);
    if (option->kind == OPTION_FLAG && !is_flag(text, true) && !is_flag(text, false))
        return fail(expected, ERR_VALIDATION, "true, false, 1 or 0");
    if (option->check && (*text != '\0' || option->kind != OPTION_LIST))
        return option->check(text, expected);
    return *text != '\0' || fail(expected, ERR_VALIDATION, "a value that is not empty");
}

/* The list doubles whenever the count is a power of two. */
static void append(struct arena *arena, struct option_value *value, const char *text)
{
    int count = value->count;
    if ((count & (count - 1)) == 0) {
        const char **longer = arena_array(arena, const char *, count > 0 ? 2 * (size_t)count : 1);
        if (count > 0)
            memcpy(longer, value->texts, (size_t)count * sizeof(*longer));
        value->texts = longer;
    }
    value->texts[value->count++] = text;
}

static bool add_text(struct options *options, int at, const char *text, const struct source *source,
                     struct error *error)
{
    const struct option *option = &options->table[at];
    struct option_value *value = &options->values[at];
    struct error expected;
    if (!check_form(option, text, &expected))
        return fail_value(source, option, text, expected.message, error);
    if (option->kind != OPTION_LIST && option->kind != OPTION_TEXTS && value->count > 0)
        return fail_about(source, option, error, "is given twice.");
    if (value->count == OPTION_VALUES_MAX)
        return fail_about(source, option, error, "has too many values, more than 256.");
    append(&options->lists, value, text);
    return true;
}

/* An OPTION_LIST: each part between commas is a value. An empty text is an empty list. */
static bool add_list(struct options *options, int at, const char *text, const struct source *source,
                     struct error *error)
{
    struct str rest = str_trim(str_from(text)), part = rest;
    bool more = rest.len > 0;
    while (more) {
        struct str after = STR("");
        part = rest;
        more = str_cut(rest, ',', &part, &after);
        rest = after;
        if (!add_text(options, at, arena_cstr(&options->lists, str_trim(part)), source, error))
            return false;
    }
    return true;
}

static bool add_value(struct options *options, int at, const char *text,
                      const struct source *source, struct error *error)
{
    if (options->table[at].kind == OPTION_LIST)
        return add_list(options, at, text, source, error);
    return add_text(options, at, text, source, error);
}

static bool fail_unknown(const struct options *options, const struct source *source,
                         struct str name, struct error *error)
{
    char message[256], hint[SUGGESTION_TEXT_SIZE];
    const char *quote = source->file ? "\"" : "";
    struct suggestion suggestion = {.word = name};
    for (int i = 0; options->table[i].name; i++)
        suggestion_offer(&suggestion, options->table[i].name);
    snprintf(message, sizeof(message), "unknown option %s%s%.*s%s.%s", quote, source->prefix,
             (int)(name.len < 100 ? name.len : 100), name.data, quote,
             suggestion_text(&suggestion, source->prefix, hint));
    return fail_at(source, error, message);
}

/* The option that a word without dashes is for; -1: none, or it has its value. */
static int find_positional(const struct options *options)
{
    for (int i = 0; options->table[i].name; i++) {
        if (options->table[i].positional && options->values[i].count == 0)
            return i;
    }
    return -1;
}

static bool add_word(struct options *options, const char *word, struct error *error)
{
    int at = find_positional(options);
    if (at < 0 || word[0] == '-')
        return fail(error, ERR_VALIDATION, "unexpected argument \"%.200s\".", word);
    return add_value(options, at, word, &command_line, error);
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

/* --name value, --name=value, or --flag. */
static bool read_arguments(struct options *options, int argc, char **argv, struct error *error)
{
    for (int i = 0; i < argc; i++) {
        struct str word = str_from(argv[i]), name = word, value = STR_NULL;
        if (!str_starts(word, STR("--"))) {
            if (!add_word(options, argv[i], error))
                return false;
            continue;
        }
        str_cut(word, '=', &name, &value);
        name = (struct str){name.data + 2, name.len - 2};
        int at = find(options->table, name);
        if (at < 0)
            return fail_unknown(options, &command_line, name, error);
        const char *text = value.data;
        if (!text && options->table[at].kind == OPTION_FLAG)
            text = "true";
        else if (!text && i + 1 < argc)
            text = argv[++i];
        if (!text)
            return fail_about(&command_line, &options->table[at], error, "needs a value.");
        if (!add_value(options, at, text, &command_line, error))
            return false;
    }
    return true;
}

/* NULL: not set, or empty. */
static const char *variable_of(const char *name)
{
    char variable[SOURCE_NAME_SIZE];
    const char *text = name ? getenv(name_in(&environment, name, variable)) : NULL;
    return text && *text ? text : NULL;
}

static bool read_environment(struct options *options, struct error *error)
{
    for (int i = 0; options->table[i].name; i++) {
        if (options->table[i].positional)
            continue;
        const char *text = variable_of(options->table[i].name);
        if (!text)
            text = variable_of(options->table[i].former);
        if (text && options->values[i].count == 0 &&
            !add_value(options, i, text, &environment, error))
            return false;
    }
    return true;
}

static bool load_file(const char *path, char **ret_text, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_VALIDATION, "cannot read the configuration file %s: %s.", path,
                    strerror(errno));
    char *text = xcalloc(1, CONFIG_FILE_MAX + 1);
    size_t size = fread(text, 1, CONFIG_FILE_MAX, file);
    bool complete = !ferror(file) && feof(file);
    fclose(file);
    if (!complete || strlen(text) != size) {
        free(text);
        return fail(error, ERR_VALIDATION,
                    "the configuration file %s is not a text file of at most %d bytes.", path,
                    CONFIG_FILE_MAX);
    }
    *ret_text = text;
    return true;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

/* "name = value" a line; '#' starts a comment line. */
static bool read_line(struct options *options, char *line, const bool *given_before,
                      const struct source *source, struct error *error)
{
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return true;
    char *equals = strchr(line, '=');
    if (!equals)
        return fail_at(source, error, "expected \"name = value\".");
    *equals = '\0';
    struct str name = str_from(trim(line));
    int at = find(options->table, name);
    if (at < 0)
        return fail_unknown(options, source, name, error);
    return given_before[at] || add_value(options, at, trim(equals + 1), source, error);
}

static bool read_file(struct options *options, const char *path, struct error *error)
{
    bool given_before[OPTIONS_MAX];
    struct source source = {.prefix = "", .file = path};
    if (!load_file(path, &options->file, error))
        return false;
    for (int i = 0; i < OPTIONS_MAX; i++)
        given_before[i] = options->values[i].count > 0;
    char *rest = options->file, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        source.line++;
        if (!read_line(options, line, given_before, &source, error))
            return false;
    }
    return true;
}

static bool fill_defaults(struct options *options, struct error *error)
{
    for (int i = 0; options->table[i].name; i++) {
        const struct option *option = &options->table[i];
        if (options->values[i].count == 0 && option->required)
            return option->positional
                       ? fail(error, ERR_VALIDATION, "%s is required.", option->argument)
                       : fail(error, ERR_VALIDATION, "--%s is required.", option->name);
        if (options->values[i].count == 0 && option->fallback)
            append(&options->lists, &options->values[i], option->fallback);
    }
    return true;
}

bool options_read(const struct option *table, int argc, char **argv, struct options *ret_options,
                  struct error *error)
{
    size_t count = 0;
    while (table[count].name)
        count++;
    assert(count <= OPTIONS_MAX);
    *ret_options = (struct options){.table = table, .help = asks_for_help(argc, argv)};
    if (ret_options->help)
        return true;
    if (!read_arguments(ret_options, argc, argv, error) || !read_environment(ret_options, error))
        return false;
    const char *config = options_text(ret_options, "config");
    if (config && !read_file(ret_options, config, error))
        return false;
    return fill_defaults(ret_options, error);
}

void options_done(struct options *options)
{
    free(options->file);
    options->file = NULL;
    arena_done(&options->lists);
}

const struct option_value *options_list(const struct options *options, const char *name)
{
    static const struct option_value none = {.count = 0};
    int at = find(options->table, str_from(name));
    return at < 0 ? &none : &options->values[at];
}

const char *options_text(const struct options *options, const char *name)
{
    const struct option_value *value = options_list(options, name);
    return value->count > 0 ? value->texts[0] : NULL;
}

long options_number(const struct options *options, const char *name)
{
    const char *text = options_text(options, name);
    return text ? strtol(text, NULL, 10) : 0;
}

bool options_flag(const struct options *options, const char *name)
{
    const char *text = options_text(options, name);
    return text && is_flag(text, true);
}
