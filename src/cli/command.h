/* What the program can be asked to do. */
#pragma once

#include "cli/options.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,    /* it failed while running; a sentence on standard error says why */
    EXIT_USAGE = 2,     /* invalid command line, variable or configuration file; nothing was done */
    EXIT_UNDECIDED = 3, /* profile verify: the vendor did not decide; later it may */
};

struct command {
    const char *name;     /* one word or two: "serve", "access-key create" */
    const char *summary;  /* a line for the list of commands; starts with a verb */
    const char *about;    /* for its own help; a line is a paragraph */
    const char *examples; /* lines to paste, comments after '#' */
    const struct option *options;
    bool (*check)(const struct options *options, struct error *error); /* rules across options, held
                                                                          before `run`; or NULL */
    int (*run)(const struct options *options);
};

extern const struct command serve_command;
extern const struct command sandbox_command;
extern const struct command demo_command;
extern const struct command access_key_create_command;
extern const struct command access_key_list_command;
extern const struct command access_key_delete_command;
extern const struct command access_key_session_command;
extern const struct command audit_command;
extern const struct command audit_verify_command;
extern const struct command audit_accept_command;
extern const struct command backup_command;
extern const struct command check_command;
extern const struct command restore_command;
extern const struct command key_list_command;
extern const struct command key_new_command;
extern const struct command key_retire_command;
extern const struct command key_rotate_command;
extern const struct command connector_run_command;
extern const struct command connector_test_command;
extern const struct command connector_invoke_command;
extern const struct command connector_record_command;
extern const struct command connector_replay_command;
extern const struct command profile_list_command;
extern const struct command profile_rollback_command;
extern const struct command profile_show_command;
extern const struct command profile_verify_command;
extern const struct command flow_list_command;
extern const struct command flow_show_command;
extern const struct command flow_preview_command;
extern const struct command flow_quotas_command;
extern const struct command flow_run_command;
extern const struct command flow_replay_command;
extern const struct command flow_runs_command;
extern const struct command flow_wait_command;
extern const struct command flow_cancel_command;
extern const struct command connect_command;
extern const struct command oauth_app_set_command;
extern const struct command oauth_app_list_command;
extern const struct command oauth_app_delete_command;

/* Prints "headgate: sentence" on standard error. EXIT_USAGE when a value was wrong
 * (ERR_VALIDATION), else EXIT_FAILED. */
int command_failed(const struct error *error);
