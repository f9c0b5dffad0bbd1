/* Options from one table: each may come from the command line, the environment or a file, in this
 * order, and has its default and its help in the same row. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_NUMBER, /* whole, from least to most */
    OPTION_FLAG,   /* takes no value on the command line; "true" or "false" elsewhere */
    OPTION_LIST,   /* may be given more than once */
};

enum {
    OPTIONS_MAX = 48,
    OPTION_VALUES_MAX = 64, /* of one OPTION_LIST */
    CONFIG_FILE_MAX = 64 * 1024,
};

struct option {
    const char *name; /* without dashes; the variable is HEADGATE_NAME with '_' for '-' */
    enum option_kind kind;
    const char *fallback; /* NULL: not set unless given */
    const char *argument; /* how the help names the value */
    const char *help;
    long least, most; /* OPTION_NUMBER */
    bool required;
};

struct option_value {
    const char *texts[OPTION_VALUES_MAX];
    int count;
};

struct options {
    const struct option *table; /* ends with a row without a name */
    struct option_value values[OPTIONS_MAX];
    bool help;  /* --help or -h was given; nothing else counts then */
    char *file; /* the text of --config, which values point into */
};

/* Reads arguments, environment and the file that --config names (if the table has "config").
 * ERR_VALIDATION with a sentence for an unknown option, a missing or malformed value. */
bool options_read(const struct option *table, int argc, char **argv, struct options *ret_options,
                  struct error *error);
void options_done(struct options *options);

const char *options_text(const struct options *options, const char *name); /* NULL: not set */
long options_number(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);
const struct option_value *options_list(const struct options *options, const char *name);

void options_print_help(const struct option *table); /* a line an option, on standard output */
