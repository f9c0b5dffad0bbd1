/* Command line first, then environment, then file, then default: who speaks nearest to the start
 * of the process wins. */
#include "cli/options.h"

#include "base/alloc.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find(const struct option *table, struct str name)
{
    for (int i = 0; table[i].name; i++) {
        if (str_eq(str_from(table[i].name), name))
            return i;
    }
    return -1;
}

static bool is_whole_number(const char *text, long *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtol(text, &end, 10);
    return *text != '\0' && !isspace((unsigned char)*text) && *end == '\0' && errno == 0;
}

static bool check_value(const struct option *option, const char *text, const char *from,
                        struct error *error)
{
    long number;
    if (option->kind == OPTION_NUMBER &&
        (!is_whole_number(text, &number) || number < option->least || number > option->most))
        return fail(error, ERR_VALIDATION, "%s%s takes a whole number from %ld to %ld.", from,
                    option->name, option->least, option->most);
    if (option->kind == OPTION_FLAG && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return fail(error, ERR_VALIDATION, "%s%s takes true or false.", from, option->name);
    return true;
}

static bool add_value(struct options *options, int at, const char *text, const char *from,
                      struct error *error)
{
    const struct option *option = &options->table[at];
    struct option_value *value = &options->values[at];
    if (!check_value(option, text, from, error))
        return false;
    if (option->kind != OPTION_LIST && value->count > 0)
        return fail(error, ERR_VALIDATION, "%s%s is given twice.", from, option->name);
    if (value->count == OPTION_VALUES_MAX)
        return fail(error, ERR_VALIDATION, "%s%s is given more than %d times.", from, option->name,
                    OPTION_VALUES_MAX);
    value->texts[value->count++] = text;
    return true;
}

/* --name value, --name=value, or --flag. */
static bool read_arguments(struct options *options, int argc, char **argv, struct error *error)
{
    for (int i = 0; i < argc; i++) {
        struct str word = str_from(argv[i]), name = word, value = STR_NULL;
        if (str_eq(word, STR("--help")) || str_eq(word, STR("-h"))) {
            options->help = true;
            return true;
        }
        if (!str_starts(word, STR("--")))
            return fail(error, ERR_VALIDATION, "\"%s\" is not an option. See --help.", argv[i]);
        str_cut(word, '=', &name, &value);
        int at = find(options->table, (struct str){name.data + 2, name.len - 2});
        if (at < 0)
            return fail(error, ERR_VALIDATION, "There is no option %.*s. See --help.",
                        STR_ARG(name));
        const char *text = value.data;
        if (!text && options->table[at].kind == OPTION_FLAG)
            text = "true";
        else if (!text && i + 1 < argc)
            text = argv[++i];
        if (!text)
            return fail(error, ERR_VALIDATION, "%s needs a value. See --help.", argv[i]);
        if (!add_value(options, at, text, "--", error))
            return false;
    }
    return true;
}

static bool read_environment(struct options *options, struct error *error)
{
    for (int i = 0; options->table[i].name; i++) {
        char variable[64];
        int len = snprintf(variable, sizeof(variable), "HEADGATE_%s", options->table[i].name);
        for (int c = 0; c < len; c++)
            variable[c] = variable[c] == '-' ? '_' : (char)toupper((unsigned char)variable[c]);
        const char *text = getenv(variable);
        if (text && *text && options->values[i].count == 0 &&
            !add_value(options, i, text, "the variable for --", error))
            return false;
    }
    return true;
}

static bool load_file(const char *path, char **ret_text, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_VALIDATION, "The configuration file %s cannot be read: %s.", path,
                    strerror(errno));
    char *text = xcalloc(1, CONFIG_FILE_MAX + 1);
    size_t size = fread(text, 1, CONFIG_FILE_MAX, file);
    bool whole = !ferror(file) && feof(file);
    fclose(file);
    if (!whole || strlen(text) != size) {
        free(text);
        return fail(error, ERR_VALIDATION,
                    "The configuration file %s cannot be read as text of at most %d bytes.", path,
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
static bool read_line(struct options *options, char *line, const bool *given_before, int number,
                      struct error *error)
{
    line = trim(line);
    if (*line == '\0' || *line == '#')
        return true;
    char *equals = strchr(line, '=');
    if (!equals)
        return fail(error, ERR_VALIDATION,
                    "Line %d of the configuration file is not \"name = value\".", number);
    *equals = '\0';
    int at = find(options->table, str_from(trim(line)));
    if (at < 0)
        return fail(error, ERR_VALIDATION, "Line %d of the configuration file: no option %s.",
                    number, trim(line));
    return given_before[at] ||
           add_value(options, at, trim(equals + 1), "in the configuration file: ", error);
}

static bool read_file(struct options *options, const char *path, struct error *error)
{
    bool given_before[OPTIONS_MAX];
    if (!load_file(path, &options->file, error))
        return false;
    for (int i = 0; i < OPTIONS_MAX; i++)
        given_before[i] = options->values[i].count > 0;
    char *rest = options->file, *line;
    for (int number = 1; (line = strsep(&rest, "\n")) != NULL; number++) {
        if (!read_line(options, line, given_before, number, error))
            return false;
    }
    return true;
}

static bool fill_defaults(struct options *options, struct error *error)
{
    for (int i = 0; options->table[i].name; i++) {
        const struct option *option = &options->table[i];
        if (options->values[i].count == 0 && option->required)
            return fail(error, ERR_VALIDATION, "--%s is needed. See --help.", option->name);
        if (options->values[i].count == 0 && option->fallback)
            options->values[i].texts[options->values[i].count++] = option->fallback;
    }
    return true;
}

bool options_read(const struct option *table, int argc, char **argv, struct options *ret_options,
                  struct error *error)
{
    *ret_options = (struct options){.table = table};
    if (!read_arguments(ret_options, argc, argv, error))
        return false;
    if (ret_options->help)
        return true;
    if (!read_environment(ret_options, error))
        return false;
    int config = find(table, STR("config"));
    if (config >= 0 && ret_options->values[config].count > 0 &&
        !read_file(ret_options, ret_options->values[config].texts[0], error))
        return false;
    return fill_defaults(ret_options, error);
}

void options_done(struct options *options)
{
    free(options->file);
    options->file = NULL;
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
    return text && strcmp(text, "true") == 0;
}

void options_print_help(const struct option *table)
{
    for (int i = 0; table[i].name; i++) {
        char left[64];
        snprintf(left, sizeof(left), "--%s %s", table[i].name,
                 table[i].argument ? table[i].argument : "");
        printf("  %-32s %s", left, table[i].help);
        if (table[i].fallback)
            printf(" [%s]", table[i].fallback);
        printf("%s\n", table[i].required ? " (needed)" : "");
    }
}
