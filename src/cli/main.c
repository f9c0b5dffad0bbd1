/* Where the process starts: picks the command, reads its options, runs it. */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"
#include "cli/terminal.h"

#include "base/str.h"
#include "vault/crypto_memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct command *const server[] = {&serve_command, &demo_command, &sandbox_command,
                                               NULL};
static const struct command *const access[] = {
    &access_key_create_command, &access_key_list_command,
    &access_key_delete_command, &access_key_session_command,
    &oauth_app_set_command,     &oauth_app_list_command,
    &oauth_app_delete_command,  NULL,
};
static const struct command *const profile[] = {&profile_list_command,   &profile_show_command,
                                                &profile_verify_command, &profile_rollback_command,
                                                &connect_command,        NULL};
static const struct command *const flow[] = {
    &flow_list_command,    &flow_show_command,
    &flow_preview_command, &flow_quotas_command,
    &flow_run_command,     &flow_replay_command,
    &flow_runs_command,    &flow_wait_command,
    &flow_cancel_command,  NULL,
};
static const struct command *const connector[] = {
    &connector_test_command,   &connector_invoke_command, &connector_run_command,
    &connector_record_command, &connector_replay_command, NULL,
};
static const struct command *const data[] = {&audit_command,
                                             &audit_verify_command,
                                             &audit_accept_command,
                                             &check_command,
                                             &backup_command,
                                             &restore_command,
                                             &key_list_command,
                                             &key_rotate_command,
                                             &key_retire_command,
                                             &key_new_command,
                                             NULL};

static const struct command_group groups[] = {
    {"Server", server}, {"Access keys and OAuth apps", access}, {"Connector profiles", profile},
    {"Flows", flow},    {"Custom connectors", connector},       {"Data", data},
};

int command_failed(const struct error *error)
{
    fputs("headgate: ", stderr);
    terminal_print(stderr, str_from(error->message), 0); /* it may quote a server or a file */
    fputc('\n', stderr);
    return error->code == ERR_VALIDATION ? EXIT_USAGE : EXIT_FAILED;
}

/* --- finding a command --- */

/* How many words of the command line name this command; 0 if they do not. */
static int words_matched(const struct command *command, int argc, char **argv)
{
    struct str first = str_from(command->name), second = STR_NULL;
    bool two = str_cut(first, ' ', &first, &second);
    if (argc < 1 || !str_eq(str_from(argv[0]), first))
        return 0;
    if (!two)
        return 1;
    return argc > 1 && str_eq(str_from(argv[1]), second) ? 2 : 0;
}

/* "audit verify" before "audit". */
static const struct command *find_command(int argc, char **argv, int *ret_words)
{
    const struct command *found = NULL;
    *ret_words = 0;
    for (size_t i = 0; i < COUNT(groups); i++) {
        for (const struct command *const *one = groups[i].commands; *one; one++) {
            int words = words_matched(*one, argc, argv);
            if (words > *ret_words) {
                *ret_words = words;
                found = *one;
            }
        }
    }
    return found;
}

/* The second word of a command whose first is `word`, or NULL; its only word for a NULL `word`. */
static const char *last_word(const struct command *command, const char *word)
{
    struct str first, second;
    if (!str_cut(str_from(command->name), ' ', &first, &second))
        return word ? NULL : command->name;
    return word && str_eq(first, str_from(word)) ? second.data : NULL;
}

/* The known commands that `typed` may have meant: subcommands of `word` unless that is NULL. Also
 * writes the subcommands' list, "create, list, delete". True if there are any. */
static bool offer_commands(const char *word, struct suggestion *suggestion, char *list, size_t size)
{
    size_t len = 0;
    for (size_t i = 0; i < COUNT(groups); i++) {
        for (const struct command *const *one = groups[i].commands; *one; one++) {
            const char *last = last_word(*one, word);
            if (last)
                suggestion_offer(suggestion, last);
            if (last && len < size)
                len += (size_t)snprintf(list + len, size - len, "%s%s", len > 0 ? ", " : "", last);
        }
    }
    return len > 0;
}

static int usage(const char *message, const char *help)
{
    fprintf(stderr, "headgate: %s\nRun \"headgate %s\" for help.\n", message, help);
    return EXIT_USAGE;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/* The first word begins commands of two words: "access-key". */
static int run_group(const char *word, const char *next)
{
    char list[128] = "", hint[SUGGESTION_TEXT_SIZE], message[512], help[64];
    struct suggestion suggestion = {.word = str_from(next ? next : "")};
    offer_commands(word, &suggestion, list, sizeof(list));
    if (next && is_help(next)) {
        help_print_subcommands(stdout, groups, COUNT(groups), word);
        return EXIT_OK;
    }
    snprintf(help, sizeof(help), "%.40s --help", word);
    if (!next)
        snprintf(message, sizeof(message), "%.40s needs a subcommand: %s.", word, list);
    else
        snprintf(message, sizeof(message), "unknown command \"%.40s %.100s\".%s", word, next,
                 suggestion_text(&suggestion, "", hint));
    return usage(message, help);
}

static int unknown_command(const char *word)
{
    char list[128], hint[SUGGESTION_TEXT_SIZE], message[256];
    struct suggestion suggestion = {.word = str_from(word)};
    offer_commands(NULL, &suggestion, list, sizeof(list));
    suggestion_offer(&suggestion, "access-key");
    suggestion_offer(&suggestion, "connector");
    suggestion_offer(&suggestion, "oauth-app");
    suggestion_offer(&suggestion, "profile");
    suggestion_offer(&suggestion, "flow");
    suggestion_offer(&suggestion, "key");
    suggestion_offer(&suggestion, "version");
    snprintf(message, sizeof(message), "unknown %s \"%.100s\".%s",
             word[0] == '-' ? "option" : "command", word, suggestion_text(&suggestion, "", hint));
    return usage(message, "--help");
}

/* --- running it --- */

/* What was printed may be in a buffer still: without this, a full disk looks like success. */
static bool flush_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fputs("headgate: Standard output could not be written.\n", stderr);
    return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    int code = EXIT_OK;
    bool ok = options_read(command->options, argc, argv, &options, &error);
    if (ok && options.help) {
        help_print_command(stdout, command);
    } else if (!ok || (command->check && !command->check(&options, &error))) {
        char help[64];
        snprintf(help, sizeof(help), "%s --help", command->name);
        code = usage(error.message, help);
    } else {
        code = command->run(&options);
    }
    options_done(&options);
    return code == EXIT_OK && !flush_output() ? EXIT_FAILED : code;
}

static int dispatch(int argc, char **argv)
{
    int words;
    char list[128];
    struct suggestion none = {.word = STR("")};
    const struct command *command = find_command(argc, argv, &words);
    if (command)
        return run_command(command, argc - words, argv + words);
    if (offer_commands(argv[0], &none, list, sizeof(list)))
        return run_group(argv[0], argc > 1 ? argv[1] : NULL);
    return unknown_command(argv[0]);
}

/* "help serve" is "serve --help". */
static int help_about(int argc, char **argv)
{
    char *words[] = {argv[0], argc > 1 ? argv[1] : "--help", "--help"};
    return dispatch(argc > 1 ? 3 : 2, words);
}

int main(int argc, char **argv)
{
    crypto_memory_init();
    umask(077); /* files that are created hold credentials or keys */
    const char *first = argc > 1 ? argv[1] : NULL;
    if (!first) {
        help_print_program(stderr, groups, COUNT(groups));
        return EXIT_USAGE;
    }
    if (is_help(first) && argc > 2 && first[0] != '-')
        return help_about(argc - 2, argv + 2);
    if (is_help(first)) {
        help_print_program(stdout, groups, COUNT(groups));
        return EXIT_OK;
    }
    if (strcmp(first, "--version") == 0 || strcmp(first, "-v") == 0 ||
        strcmp(first, "version") == 0) {
        printf("headgate %s\n", HEADGATE_VERSION);
        return EXIT_OK;
    }
    return dispatch(argc - 1, argv + 1);
}
