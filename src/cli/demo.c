/* headgate demo: server and stand-in vendors together, and the main job shown with real calls. */
#include "cli/access_keys_made.h"
#include "cli/command.h"
#include "cli/demo_steps.h"
#include "cli/node.h"

#include "base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct option options_table[] = {
    NODE_OPTIONS,
    {.name = "once", .kind = OPTION_FLAG, .help = "end after the steps instead of staying up"},
    {0},
};

/* The usual port if nobody has it, else any: a demonstration should not fail over a port. */
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

static void print_next(const struct node *node, const char *credentials)
{
    printf("\nHeadgate is up at %s\n"
           "The access key for account %s lies in %s\n\n"
           "Try it from another terminal:\n\n"
           "  export AWS_SHARED_CREDENTIALS_FILE=%s AWS_DEFAULT_REGION=us-east-1\n"
           "  aws appflow describe-connector-profiles --endpoint-url %s\n"
           "  aws appflow update-connector-profile --endpoint-url %s \\\n"
           "      --connector-profile-name " DEMO_PROFILE " --connection-mode Public \\\n"
           "      --connector-profile-config \"$(build/headgate sandbox --list --json \\\n"
           "          --connector Salesforce --outcome rejected)\"\n\n"
           "headgate sandbox --list tells every outcome there is. Ctrl-C ends this server.\n",
           node->endpoint, options_text(node->options, "account"), credentials, credentials,
           node->endpoint, node->endpoint);
    fflush(stdout);
}

/* Absolute, so that what is pasted works in any directory. */
static void whole_credentials_path(const struct node *node, char out[DATA_PATH_SIZE])
{
    char path[DATA_PATH_SIZE];
    first_key_path(&node->data, path);
    char *whole = realpath(path, NULL);
    snprintf(out, DATA_PATH_SIZE, "%s", whole ? whole : path);
    free(whole);
}

static bool show(struct node *node, const char *credentials, struct error *error)
{
    struct api_client api;
    bool ok = api_client_start(&api, node->endpoint, credentials, error) &&
              demo_steps(&api, node->sandbox, error);
    api_client_stop(&api);
    return ok;
}

static int demo(const struct options *options)
{
    struct node node;
    struct error error = {0};
    char credentials[DATA_PATH_SIZE];
    node_prepare_process();
    log_init(LOG_ERROR, LOG_TEXT); /* what is refused on purpose is shown as a step */
    bool ok =
        node_start(&node, options, free_address(options_text(options, "listen")), true, &error);
    if (ok) {
        whole_credentials_path(&node, credentials);
        printf("Headgate %s: UpdateConnectorProfile, against stand-in vendors\n\n",
               HEADGATE_VERSION);
        ok = show(&node, credentials, &error);
    }
    log_init(LOG_INFO, LOG_TEXT);
    if (ok && !options_flag(options, "once")) {
        print_next(&node, credentials);
        node_wait(&node);
    }
    node_stop(&node);
    return ok ? EXIT_OK : command_failed(&error);
}

const struct command demo_command = {
    .name = "demo",
    .summary = "server and stand-in vendors, and the main job shown step by step",
    .about = "Starts a server with built-in stand-ins for the vendors and shows, with real signed "
             "calls, a\nprofile made, updated, refused, repeated and described. Stays up for you "
             "to go on.",
    .options = options_table,
    .run = demo,
};
