/* The help texts, laid out for a terminal of 80 columns. */
#pragma once

#include "cli/command.h"

#include <stddef.h>
#include <stdio.h>

/* Commands about one subject, in the order in which the help lists them. */
struct command_group {
    const char *heading;
    const struct command *const *commands; /* ends with NULL */
};

/* What the program is, every command, examples. */
void help_print_program(FILE *out, const struct command_group *groups, size_t count);

/* One command: usage, what it does, examples, options by subject with their defaults. */
void help_print_command(FILE *out, const struct command *command);

/* The commands whose first word is `word`: "access-key". */
void help_print_subcommands(FILE *out, const struct command_group *groups, size_t count,
                            const char *word);
