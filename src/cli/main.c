/* Where the process starts: picks the command, reads its options, runs it. */
#include "cli/command.h"

#include "base/str.h"
#include "vault/crypto_memory.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct command *const commands[] = {
    &serve_command,
    &demo_command,
    &sandbox_command,
    &access_key_create_command,
    &access_key_list_command,
    &access_key_delete_command,
    &audit_command,
    &check_command,
    &backup_command,
    &restore_command,
    &oauth_app_set_command,
    &oauth_app_list_command,
    &oauth_app_delete_command,
};

int command_failed(const struct error *error)
{
    fprintf(stderr, "headgate: %s\n", error->message);
    return EXIT_FAILED;
}

static void print_commands(FILE *out)
{
    fprintf(out,
            "Headgate: a self-hosted Amazon AppFlow. One endpoint for unmodified AWS clients;\n"
            "credentials are verified with their vendors and kept sealed under your keys.\n\n"
            "headgate COMMAND [OPTIONS]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(out, "  %-20s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\nheadgate COMMAND --help tells a command's options. Each option can also be "
                 "given as a\nvariable: HEADGATE_DATA for --data.\n");
}

/* How many words of the call name this command; 0 when they do not. */
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

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct error error = {0};
    if (!options_read(command->options, argc, argv, &options, &error)) {
        options_done(&options);
        command_failed(&error);
        return EXIT_USAGE;
    }
    int code = EXIT_OK;
    if (options.help) {
        printf("headgate %s [OPTIONS]\n\n%s\n\n", command->name, command->about);
        options_print_help(command->options);
    } else {
        code = command->run(&options);
    }
    options_done(&options);
    return code;
}

int main(int argc, char **argv)
{
    crypto_memory_init();
    umask(077); /* every file that is made holds something of somebody */
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        int words = words_matched(commands[i], argc - 1, argv + 1);
        if (words > 0)
            return run_command(commands[i], argc - 1 - words, argv + 1 + words);
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_commands(stdout);
        return EXIT_OK;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("headgate %s\n", HEADGATE_VERSION);
        return EXIT_OK;
    }
    if (argc > 1)
        fprintf(stderr, "headgate: there is no command \"%s\".\n\n", argv[1]);
    print_commands(stderr);
    return EXIT_USAGE;
}
