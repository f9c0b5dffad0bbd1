/* Which functions are run by a process of this machine: the operator's list, from
 * --local-connector ARN=COMMAND and the files of --local-connectors DIR.
 *
 * A file has lines of three kinds: "# comment", "ARN=COMMAND" and, below one of these, any number
 * of "NAME=value", which are variables of that command's environment. Names that end with "~" or
 * begin with "." are no files of the list. */
#pragma once

#include "base/error.h"
#include "base/map.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LOCAL_FUNCTIONS_MAX = 256,
    LOCAL_COMMAND_MAX = 4096,   /* bytes */
    LOCAL_FILE_MAX = 64 * 1024, /* bytes of one file */
    LOCAL_VARIABLES_MAX = 64,   /* of one function */
    LOCAL_NAME_SIZE = 72,
};

/* Texts belong to the list. */
struct local_function {
    struct map_link link; /* by ARN */
    struct str arn;
    const char *command;
    const char *directory; /* to run it in: the server's own, or that of the file */
    const char *variables[LOCAL_VARIABLES_MAX]; /* "NAME=value" */
    size_t variable_count;
    char name[LOCAL_NAME_SIZE]; /* of the Lambda function */
    char region[32];            /* of the ARN */
};

struct local_functions; /* does not change once it is read */

/* `given` are "ARN=COMMAND" texts; `directory` may be NULL. Sorted reading: of two files that name
 * one ARN the message names both. ERR_VALIDATION says which option or FILE:LINE is wrong, and how.
 */
_must_use_ bool local_functions_read(const char *const *given, size_t given_count,
                                     const char *directory, struct local_functions **ret_functions,
                                     struct error *error);
void local_functions_free(struct local_functions *functions); /* NULL is fine */

size_t local_functions_count(const struct local_functions *functions);
const struct local_function *local_function_find(const struct local_functions *functions,
                                                 struct str arn); /* NULL: it is not in the list */

/* Whether both run the same command in the same place with the same environment. */
bool local_function_equals(const struct local_function *a, const struct local_function *b);

/* One "ARN=COMMAND", for an option's check: `expected` gets what is expected instead. */
_must_use_ bool local_function_check(const char *text, struct error *expected);
