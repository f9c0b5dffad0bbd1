/* Two columns: a name on the left, its text on the right, wrapped at words. */
#include "cli/help.h"

#include "base/str.h"
#include "cli/examples.h"

#include <string.h>

enum {
    TEXT_COLUMNS = 80,
    COMMAND_COLUMN = 24, /* where a command's summary begins */
    OPTION_COLUMN = 32,  /* where an option's text begins */
    LEFT_SIZE = 128,
};

/* Prints the words of a text between the columns `from` and TEXT_COLUMNS; the cursor is at `at`. */
static void print_wrapped(FILE *out, const char *text, int at, int from)
{
    const char *gap = "";
    while (*text) {
        int len = (int)strcspn(text, " ");
        if (at + (int)strlen(gap) + len > TEXT_COLUMNS && at > from) {
            fprintf(out, "\n%*s", from, "");
            at = from;
            gap = "";
        }
        fprintf(out, "%s%.*s", gap, len, text);
        at += (int)strlen(gap) + len;
        text += len + (text[len] == ' ');
        gap = " ";
    }
    fputc('\n', out);
}

/* A line of the text is a paragraph. */
static void print_paragraphs(FILE *out, const char *text)
{
    char paragraph[2048];
    while (*text) {
        size_t len = strcspn(text, "\n");
        snprintf(paragraph, sizeof(paragraph), "%.*s", (int)len, text);
        print_wrapped(out, paragraph, 0, 0);
        fputc('\n', out);
        text += len + strspn(text + len, "\n");
    }
}

/* A row of two columns; a name that is too wide has a line to itself. */
static void print_row(FILE *out, const char *left, const char *text, int column)
{
    int at = fprintf(out, "  %s", left);
    if (at + 2 > column) {
        fputc('\n', out);
        at = 0;
    }
    fprintf(out, "%*s", column - at, "");
    print_wrapped(out, text, column, column);
}

/* --- commands --- */

static void print_group(FILE *out, const struct command_group *group)
{
    fprintf(out, "%s:\n", group->heading);
    for (const struct command *const *one = group->commands; *one; one++)
        print_row(out, (*one)->name, (*one)->summary, COMMAND_COLUMN);
    fputc('\n', out);
}

void help_print_program(FILE *out, const struct command_group *groups, size_t count)
{
    print_paragraphs(out,
                     "Headgate is a self-hosted Amazon AppFlow: one endpoint for unmodified AWS "
                     "SDKs, the AWS CLI and Terraform. It verifies credentials with their "
                     "vendors and stores them encrypted under your own keys.");
    fprintf(out, "Usage:\n  headgate COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < count; i++)
        print_group(out, &groups[i]);
    fprintf(out, "Help:\n");
    print_row(out, "help [COMMAND]", "Show this help, or a command's: headgate COMMAND --help",
              COMMAND_COLUMN);
    print_row(out, "version", "Print the version", COMMAND_COLUMN);
    fprintf(out, "\nExamples:\n"
                 "  # Try it: a server with mock vendors, and the main job step by step\n"
                 "  headgate demo\n\n"
                 "  # A server on this machine; the first start creates keys and an access key\n"
                 "  headgate serve --data headgate-data --listen 127.0.0.1:8620\n\n"
                 "  # Credentials that the mock vendors accept or reject\n"
                 "  headgate sandbox --list --connector " EXAMPLE_TYPE "\n");
}

static bool starts_with_word(const char *name, const char *word)
{
    struct str first, rest;
    return str_cut(str_from(name), ' ', &first, &rest) && str_eq(first, str_from(word));
}

void help_print_subcommands(FILE *out, const struct command_group *groups, size_t count,
                            const char *word)
{
    fprintf(out, "Usage:\n  headgate %s COMMAND [OPTIONS]\n\nCommands:\n", word);
    for (size_t i = 0; i < count; i++) {
        for (const struct command *const *one = groups[i].commands; *one; one++) {
            const struct command *command = *one;
            if (starts_with_word(command->name, word))
                print_row(out, command->name + strlen(word) + 1, command->summary, COMMAND_COLUMN);
        }
    }
    fprintf(out, "\nheadgate %s COMMAND --help shows a command's options.\n", word);
}

/* --- a command --- */

static void print_option(FILE *out, const struct option *option)
{
    char left[LEFT_SIZE], text[1024];
    if (option->positional)
        snprintf(left, sizeof(left), "%s", option->argument);
    else
        snprintf(left, sizeof(left), "--%s%s%s", option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
    snprintf(text, sizeof(text), "%s%s%s%s%s", option->help, option->required ? " (required)" : "",
             option->fallback ? " [" : "", option->fallback ? option->fallback : "",
             option->fallback ? "]" : "");
    print_row(out, left, text, OPTION_COLUMN);
}

static void print_options(FILE *out, const struct option *table)
{
    fprintf(out, "%s:\n", table[0].heading ? table[0].heading : "Options");
    for (int i = 0; table[i].name; i++) {
        if (i > 0 && table[i].heading)
            fprintf(out, "\n%s:\n", table[i].heading);
        print_option(out, &table[i]);
    }
}

static const char footer[] =
    "Every option can also be set by a variable (HEADGATE_DATA for --data); the command line wins. "
    "Exit codes: 0 success, 1 error, 2 invalid option or value.";

static void print_indented(FILE *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", len > 0 ? "  " : "", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

/* " NAME", or "". */
static const char *positional_of(const struct option *table)
{
    static char text[LEFT_SIZE];
    text[0] = '\0';
    for (int i = 0; table[i].name; i++) {
        if (table[i].positional)
            snprintf(text, sizeof(text), " %s", table[i].argument);
    }
    return text;
}

void help_print_command(FILE *out, const struct command *command)
{
    fprintf(out, "%s\n\nUsage:\n  headgate %s%s [OPTIONS]\n\n", command->summary, command->name,
            positional_of(command->options));
    print_paragraphs(out, command->about);
    fprintf(out, "Examples:\n");
    print_indented(out, command->examples);
    fputc('\n', out);
    print_options(out, command->options);
    fputc('\n', out);
    print_wrapped(out, footer, 0, 0);
}
