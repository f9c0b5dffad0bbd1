/* headgate demo: a server with mock vendors, and the main job shown with real API calls. */
#include "cli/access_keys_made.h"
#include "cli/command.h"
#include "cli/demo_flow.h"
#include "cli/demo_steps.h"
#include "cli/node.h"
#include "cli/node_options.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option options_table[] = {
    NODE_OPTIONS,
    {.name = "once", .kind = OPTION_FLAG, .help = "Exit after the steps instead of staying up"},
    {0},
};

/* The default port if it is free, else any: a demonstration should not fail over a port. */
static const char *free_address(const char *listen)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8620)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (strcmp(listen, LISTEN_DEFAULT) != 0)
        return listen;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
    close(fd);
    return is_free ? listen : "127.0.0.1:0";
}

/* So that a pasted line works in any directory. */
static void absolute_path(const char *path, char out[DATA_PATH_SIZE])
{
    char *absolute = realpath(path, NULL);
    snprintf(out, DATA_PATH_SIZE, "%s", absolute ? absolute : path);
    free(absolute);
}

/* A browser that can be opened by a click on the link. */
static bool has_browser(void)
{
    return isatty(STDOUT_FILENO) &&
           (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") || getenv("BROWSER"));
}

static void print_consent(const struct node *node, const char *program, const char *credentials,
                          struct str link)
{
    printf("Authorize in a browser, on a mock of the vendor's page. This prints the link:\n\n"
           "  %s connect " DEMO_PROFILE " --server %s \\\n"
           "      --credentials %s\n\n",
           program, node->endpoint, credentials);
    if (link.data)
        printf("One to open now, which works for 10 minutes:\n\n  %.*s\n\n", STR_ARG(link));
}

static void print_next(const struct node *node, const char *credentials, struct str link)
{
    char program[DATA_PATH_SIZE], data[DATA_PATH_SIZE];
    absolute_path("/proc/self/exe", program);
    absolute_path(node->data.path, data);
    printf("\nHeadgate is running at %s\n"
           "Data directory, with the keyring: %s\n"
           "Access key for account %s:  %s\n\n"
           "Try it from another terminal, with the AWS CLI:\n\n"
           "  export AWS_SHARED_CREDENTIALS_FILE=%s\n"
           "  export AWS_DEFAULT_REGION=us-east-1 AWS_PAGER=\n"
           "  aws appflow describe-connector-profiles --endpoint-url %s\n"
           "  aws appflow update-connector-profile --endpoint-url %s \\\n"
           "      --connector-profile-name " DEMO_PROFILE " --connection-mode Public \\\n"
           "      --connector-profile-config \"$(%s sandbox --list --json \\\n"
           "          --connector Salesforce --outcome rejected)\"\n"
           "  aws appflow start-flow --endpoint-url %s --flow-name " DEMO_FLOW "\n"
           "  aws appflow describe-flow-execution-records --endpoint-url %s \\\n"
           "      --flow-name " DEMO_FLOW "\n\n",
           node->endpoint, data, options_text(node->options, "account"), credentials, credentials,
           node->endpoint, node->endpoint, program, node->endpoint, node->endpoint);
    print_consent(node, program, credentials, link);
    printf("headgate sandbox --list lists all test outcomes. Press Ctrl-C to stop the server.\n");
    fflush(stdout);
}

/* *ret_link: a link to authorize on, where a browser is at hand; STR_NULL: none is needed. */
static bool show(struct node *node, const char *credentials, struct arena *arena,
                 struct str *ret_link, struct error *error)
{
    struct api_client api;
    char folder[DATA_PATH_SIZE], objects[DATA_PATH_SIZE];
    snprintf(folder, sizeof(folder), "%s/s3", node->data.path);
    absolute_path(folder, objects);
    bool ok = api_client_start(&api,
                               &(struct api_client_config){.endpoint = node->endpoint,
                                                           .region = "us-east-1",
                                                           .credentials_path = credentials},
                               error) &&
              demo_steps(&api, node->sandbox, objects, error) &&
              (options_flag(node->options, "once") || !has_browser() ||
               demo_link(&api, arena, ret_link, error));
    api_client_stop(&api);
    return ok;
}

static int demo(const struct options *options)
{
    struct node node;
    struct error error = {0};
    struct arena arena = {0};
    struct str link = STR_NULL;
    char path[DATA_PATH_SIZE], credentials[DATA_PATH_SIZE];
    node_prepare_process();
    log_init(LOG_ERROR, LOG_TEXT); /* refusals on purpose are shown as steps */
    bool ok = node_start(&node, options, free_address(options_text(options, "listen")), true, NULL,
                         &error);
    if (ok) {
        first_key_path(&node.data, path);
        absolute_path(path, credentials);
        printf("Headgate %s: a connector profile and a flow, with mock vendors\n\n",
               HEADGATE_VERSION);
        ok = show(&node, credentials, &arena, &link, &error);
    }
    log_init(LOG_INFO, LOG_TEXT);
    if (ok && !options_flag(options, "once")) {
        print_next(&node, credentials, link);
        node_wait(&node);
    }
    arena_done(&arena);
    node_stop(&node);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command demo_command = {
    .name = "demo",
    .summary = "Start a server with mock vendors and show the main job step by step",
    .about =
        "Starts a server whose vendors are built-in mock servers, and shows with real, signed "
        "API calls how a connector profile is created, updated, refused wrong credentials, "
        "updated again with the same client token, and described; then a flow that reads records "
        "with it, and writes them to files. Then it stays up for your own calls, and says how to "
        "authorize in a browser. Takes another free port if 8620 "
        "is in use.",
    .examples = "headgate demo\n"
                "headgate demo --once --data demo-data",
    .options = options_table,
    .check = node_options_check,
    .run = demo,
};
