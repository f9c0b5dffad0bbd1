/* Reads the operator's list line by line; every fault is named with its place. */
#include "connector/custom/local_functions.h"

#include "auth/aws_call.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "connector/custom/function.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACE_SIZE = PATH_MAX + 260 };

#define ARN_FORM "arn:aws:lambda:REGION:ACCOUNT:function:NAME"

struct local_functions {
    struct arena arena;
    struct map functions;
};

/* What is being read. */
struct list_reader {
    struct local_functions *list;
    char directory[PATH_MAX]; /* where commands of the list are started */
    const char *option;       /* NULL: a line of the file `place` */
    char place[PLACE_SIZE];
    int line;
    struct local_function *function; /* that variables belong to */
};

_printf_(3, 4) static bool fail_at(const struct list_reader *reader, struct error *error,
                                   const char *format, ...)
{
    char message[ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (reader->option)
        return fail(error, ERR_VALIDATION, "%s: %s", reader->option, message);
    return fail(error, ERR_VALIDATION, "%s:%d: %s", reader->place, reader->line, message);
}

/* --- ARNs --- */

static bool is_name_text(struct str text, size_t most)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (!ascii_is_alnum(c) && c != '-' && c != '_')
            return false;
    }
    return text.len > 0 && text.len <= most;
}

/* arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
 * (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html). */
static bool parse_arn(struct str arn, struct str *ret_region, struct str *ret_name)
{
    struct str parts[6], rest = arn, qualifier = STR("$LATEST");
    for (int i = 0; i < 6; i++) {
        if (!str_cut(rest, ':', &parts[i], &rest))
            return false;
    }
    *ret_name = rest;
    str_cut(rest, ':', ret_name, &qualifier);
    *ret_region = parts[3];
    if (str_eq(qualifier, STR("$LATEST")))
        qualifier = STR("LATEST");
    return arn.len <= FUNCTION_ARN_MAX && str_eq(parts[0], STR("arn")) &&
           str_starts(parts[1], STR("aws")) && is_name_text(parts[1], 16) &&
           str_eq(parts[2], STR("lambda")) && is_name_text(parts[3], 30) &&
           aws_account_is_valid(parts[4]) && str_eq(parts[5], STR("function")) &&
           is_name_text(*ret_name, 64) && is_name_text(qualifier, 128);
}

/* --- lines --- */

static bool add_function(struct list_reader *reader, struct str arn, struct str command,
                         struct error *error)
{
    struct arena *arena = &reader->list->arena;
    struct str region, name;
    if (!parse_arn(arn, &region, &name))
        return fail_at(reader, error, "\"%.*s\" is not the ARN of a Lambda function, " ARN_FORM ".",
                       (int)(arn.len < 200 ? arn.len : 200), arn.data);
    if (command.len == 0 || command.len > LOCAL_COMMAND_MAX)
        return fail_at(reader, error, "the command of %.*s has %zu bytes, not 1 to %d.",
                       STR_ARG(arn), command.len, LOCAL_COMMAND_MAX);
    if (map_find(&reader->list->functions, arn))
        return fail_at(reader, error, "%.*s is given twice.", STR_ARG(arn));
    if (reader->list->functions.count == LOCAL_FUNCTIONS_MAX)
        return fail_at(reader, error, "there are more than %d local connectors.",
                       LOCAL_FUNCTIONS_MAX);
    struct local_function *function = arena_new(arena, struct local_function);
    function->arn = function->link.name = arena_copy(arena, arn);
    function->command = arena_cstr(arena, command);
    function->directory = arena_cstr(arena, str_from(reader->directory));
    snprintf(function->name, sizeof(function->name), "%.*s", STR_ARG(name));
    snprintf(function->region, sizeof(function->region), "%.*s", STR_ARG(region));
    map_add(&reader->list->functions, &function->link);
    reader->function = function;
    return true;
}

/* The server's own: a process that lied about these could not be spoken to. */
static bool is_reserved(struct str name)
{
    static const struct str names[] = {STR("AWS_LAMBDA_RUNTIME_API"),
                                       STR("AWS_ACCESS_KEY_ID"),
                                       STR("AWS_SECRET_ACCESS_KEY"),
                                       STR("AWS_SESSION_TOKEN"),
                                       STR("TMPDIR"),
                                       STR("HOME")};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq(name, names[i]))
            return true;
    }
    return false;
}

static bool add_variable(struct list_reader *reader, struct str line, struct str name,
                         struct error *error)
{
    struct local_function *function = reader->function;
    if (!is_name_text(name, 128) || ascii_is_digit(name.data[0]) || name.data[0] == '-')
        return fail_at(reader, error, "expected " ARN_FORM "=COMMAND or NAME=value.");
    if (!function)
        return fail_at(reader, error, "the variable %.*s comes before any ARN=COMMAND.",
                       STR_ARG(name));
    if (is_reserved(name))
        return fail_at(reader, error, "%.*s is set by the server and cannot be given.",
                       STR_ARG(name));
    if (function->variable_count == LOCAL_VARIABLES_MAX)
        return fail_at(reader, error, "there are more than %d variables.", LOCAL_VARIABLES_MAX);
    function->variables[function->variable_count++] = arena_cstr(&reader->list->arena, line);
    return true;
}

static bool read_line(struct list_reader *reader, struct str line, struct error *error)
{
    struct str name, value;
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    line = str_trim(line);
    if (line.len == 0 || line.data[0] == '#')
        return true;
    if (memchr(line.data, '\0', line.len))
        return fail_at(reader, error, "a byte 0.");
    if (!str_cut(line, '=', &name, &value))
        return fail_at(reader, error, "expected " ARN_FORM "=COMMAND or NAME=value.");
    if (str_starts(name, STR("arn:")))
        return add_function(reader, name, str_trim(value), error);
    return add_variable(reader, line, name, error);
}

/* --- files --- */

static bool read_text(struct list_reader *reader, struct arena *arena, struct str *ret_text,
                      struct error *error)
{
    _cleanup_close_ int fd = open(reader->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *text = arena_alloc(arena, LOCAL_FILE_MAX + 1);
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail_at(reader, error, "it cannot be read: %s.", strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size > LOCAL_FILE_MAX)
        return fail_at(reader, error, "it is not a file of at most %d bytes.", LOCAL_FILE_MAX);
    /* What it says is run with the server's rights. */
    if (status.st_mode & S_IWOTH)
        return fail_at(reader, error, "every user may change it: run \"chmod o-w %s\".",
                       reader->place);
    ssize_t size = read(fd, text, LOCAL_FILE_MAX);
    if (size < 0)
        return fail_at(reader, error, "it cannot be read: %s.", strerror(errno));
    *ret_text = (struct str){text, (size_t)size};
    return true;
}

static bool read_file(struct list_reader *reader, struct error *error)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct str rest = STR_NULL, line;
    reader->line = 0;
    reader->function = NULL;
    if (!read_text(reader, &arena, &rest, error))
        return false;
    while (rest.len > 0) {
        line = rest;
        if (!str_cut(rest, '\n', &line, &rest))
            rest.len = 0;
        reader->line++;
        if (!read_line(reader, line, error))
            return false;
    }
    return true;
}

static int is_listed(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && entry->d_name[len - 1] != '~';
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
}

static bool read_directory(struct list_reader *reader, const char *directory, struct error *error)
{
    struct dirent **entries = NULL;
    struct stat status;
    char *full = reader->directory;
    int count = realpath(directory, full) ? scandir(full, &entries, is_listed, alphasort) : -1;
    bool ok = count >= 0 || fail(error, ERR_VALIDATION,
                                 "The directory %s of --local-connectors cannot be read: "
                                 "%s.",
                                 directory, strerror(errno));
    if (ok && (stat(full, &status) != 0 || status.st_mode & S_IWOTH))
        ok = fail(error, ERR_VALIDATION,
                  "Every user may add files to %s (--local-connectors): run \"chmod o-w %s\".",
                  full, full);
    for (int i = 0; ok && i < count; i++) {
        snprintf(reader->place, sizeof(reader->place), "%s/%.255s", full, entries[i]->d_name);
        ok = read_file(reader, error);
    }
    free_entries(entries, count);
    return ok;
}

static bool read_given(struct list_reader *reader, const char *const *given, size_t count,
                       struct error *error)
{
    reader->option = "--local-connector";
    if (!getcwd(reader->directory, sizeof(reader->directory)))
        snprintf(reader->directory, sizeof(reader->directory), "/");
    for (size_t i = 0; i < count; i++) {
        struct str arn, command;
        if (!str_cut(str_from(given[i]), '=', &arn, &command))
            return fail_at(reader, error, "expected " ARN_FORM "=COMMAND.");
        if (!add_function(reader, arn, str_trim(command), error))
            return false;
    }
    reader->option = NULL;
    return true;
}

bool local_functions_read(const char *const *given, size_t given_count, const char *directory,
                          struct local_functions **ret_functions, struct error *error)
{
    struct list_reader reader = {.list = xcalloc(1, sizeof(*reader.list))};
    bool ok = read_given(&reader, given, given_count, error);
    if (ok && directory)
        ok = read_directory(&reader, directory, error);
    if (!ok) {
        local_functions_free(reader.list);
        return false;
    }
    *ret_functions = reader.list;
    return true;
}

void local_functions_free(struct local_functions *functions)
{
    if (!functions)
        return;
    map_done(&functions->functions);
    arena_done(&functions->arena);
    free(functions);
}

size_t local_functions_count(const struct local_functions *functions)
{
    return functions->functions.count;
}

const struct local_function *local_function_find(const struct local_functions *functions,
                                                 struct str arn)
{
    return (const struct local_function *)map_find(&functions->functions, arn);
}

bool local_function_equals(const struct local_function *a, const struct local_function *b)
{
    if (strcmp(a->command, b->command) != 0 || strcmp(a->directory, b->directory) != 0 ||
        a->variable_count != b->variable_count)
        return false;
    for (size_t i = 0; i < a->variable_count; i++) {
        if (strcmp(a->variables[i], b->variables[i]) != 0)
            return false;
    }
    return true;
}

bool local_function_check(const char *text, struct error *expected)
{
    struct str arn = STR(""), command = STR(""), region, name;
    return (str_cut(str_from(text), '=', &arn, &command) && parse_arn(arn, &region, &name) &&
            str_trim(command).len > 0) ||
           fail(expected, ERR_VALIDATION,
                "ARN=COMMAND, such as "
                "arn:aws:lambda:us-east-1:123456789012:function:orchard=./orchard-connector");
}
