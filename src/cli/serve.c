/* headgate serve: the API server. */
#include "cli/command.h"
#include "cli/manager.h"
#include "cli/node.h"

#include "base/log.h"

#include <stdio.h>

static const struct option options_table[] = {
    NODE_OPTIONS,
    {.name = "sandbox",
     .kind = OPTION_FLAG,
     .help = "send every call to vendors to built-in stand-ins (headgate sandbox --list)"},
    {.name = "log-level",
     .argument = "LEVEL",
     .fallback = "info",
     .help = "least that is logged: debug, info (changes), warn (refusals by vendors), error"},
    {.name = "log-format",
     .argument = "FORM",
     .fallback = "text",
     .help = "of the lines on standard error: text or json"},
    {0},
};

static bool read_log_options(const struct options *options, enum log_format *ret_format,
                             struct error *error)
{
    enum log_level level;
    if (!log_level_from(options_text(options, "log-level"), &level))
        return fail(error, ERR_VALIDATION, "--log-level takes debug, info, warn or error.");
    if (!log_format_from(options_text(options, "log-format"), ret_format))
        return fail(error, ERR_VALIDATION, "--log-format takes text or json.");
    log_init(level, *ret_format);
    return true;
}

/* Whoever reads JSON lines gets nothing else. */
static int start_failed(enum log_format format, const struct error *error)
{
    if (format == LOG_TEXT)
        return command_failed(error);
    log_error("%s", error->message);
    return EXIT_FAILED;
}

static int serve(const struct options *options)
{
    struct node node;
    struct error error = {0};
    enum log_format format = LOG_TEXT;
    if (!read_log_options(options, &format, &error)) {
        command_failed(&error);
        return EXIT_USAGE;
    }
    node_prepare_process();
    int code = EXIT_OK;
    if (!node_start(&node, options, options_text(options, "listen"),
                    options_flag(options, "sandbox"), &error)) {
        code = start_failed(format, &error);
    } else {
        log_info("Headgate %s serves %s from %s.", HEADGATE_VERSION, node.endpoint,
                 store_is_remote(node.data.store) ? "its database" : node.data.path);
        printf("ready %s\n", node.endpoint);
        fflush(stdout);
        manager_notify("READY=1");
        node_wait(&node);
    }
    if (!node_stop(&node))
        log_warn("Some requests had to be cut: --stop-timeout was over.");
    return code;
}

const struct command serve_command = {
    .name = "serve",
    .summary = "the API server",
    .about = "Serves Amazon AppFlow's API. The first start makes the keyring (back it up: without "
             "it nothing\nthat is sealed can be opened) and an access key, and says where they "
             "are. Prints a line with\n\"ready\" and the endpoint on standard output once it "
             "answers; logs to standard error; ends on\nSIGTERM or SIGINT after finishing what it "
             "accepted; reads its certificate again on SIGHUP.",
    .options = options_table,
    .run = serve,
};
