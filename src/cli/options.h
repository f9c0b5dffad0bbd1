/* Options from one table: each may come from the command line, the environment or a file, in this
 * order, and has its default, its form and its help in the same row. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>

enum option_kind {
    OPTION_TEXT,
    OPTION_NUMBER, /* whole, from least to most */
    OPTION_FLAG,   /* true, false, 1 or 0; alone on the command line: true */
    OPTION_LIST,   /* values separated by commas; may also be repeated */
    OPTION_TEXTS,  /* may be repeated; a comma is a part of the value */
};

enum {
    OPTIONS_MAX = 96,        /* of one table */
    OPTION_VALUES_MAX = 256, /* of one OPTION_LIST */
    CONFIG_FILE_MAX = 64 * 1024,
};

/* Whether one value has the form that its option takes. If not, `error` gets what is expected, to
 * be read after "expected": "HOST:PORT, such as 127.0.0.1:8620". */
typedef bool option_check(const char *text, struct error *error);

struct option {
    const char *name;   /* without dashes; the variable is HEADGATE_NAME with '_' for '-' */
    const char *former; /* an earlier name, which is taken too and not shown; NULL: none */
    enum option_kind kind;
    const char *fallback; /* NULL: not set unless given */
    const char *argument; /* the value's name in the help */
    const char *help;
    const char *heading; /* printed above this row in the help, where a subject begins; or NULL */
    option_check *check; /* of each value that was given; NULL: any text that is not empty */
    long least, most;    /* OPTION_NUMBER */
    bool required;
    bool secret; /* the value may hold a secret: no message shows it */
    /* Given without its name, "profile show NAME"; not taken from a variable. One of a table. */
    bool positional;
};

struct option_value {
    const char **texts; /* grows in the options' arena */
    int count;          /* at most OPTION_VALUES_MAX */
};

struct options {
    const struct option *table; /* ends with a row without a name */
    struct option_value values[OPTIONS_MAX];
    bool help;          /* --help or -h was given; nothing else is read then */
    char *file;         /* the text of --config, which values point into */
    struct arena lists; /* the lists, and copies of values that were separated by commas */
};

/* Reads arguments, environment and the file that --config names (if the table has "config").
 * ERR_VALIDATION for an unknown option, a missing or malformed value; the message names the option
 * as it was given (--name, HEADGATE_NAME or FILE:LINE), the value and what is expected. Call
 * options_done in any case. */
_must_use_ bool options_read(const struct option *table, int argc, char **argv,
                             struct options *ret_options, struct error *error);
void options_done(struct options *options);

const char *options_text(const struct options *options, const char *name); /* NULL: not set */
long options_number(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);
const struct option_value *options_list(const struct options *options, const char *name);
