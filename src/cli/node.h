/* One running server: store, keys, sandbox if asked for, outbound client, service, HTTP server;
 * started in this order and stopped in the other. */
#pragma once

#include "api/health.h"
#include "api/service.h"
#include "base/error.h"
#include "cli/data_dir.h"
#include "cli/manager.h"
#include "cli/options.h"
#include "net/client/client.h"
#include "net/egress.h"
#include "net/private_routes.h"
#include "net/server/server.h"
#include "sandbox/sandbox.h"

#include <signal.h>

struct node {
    const struct options *options;
    struct manager_sockets sockets[MANAGER_USES]; /* to listen on; open until node_stop */
    struct data_dir data;
    struct sandbox *sandbox; /* NULL without --sandbox */
    struct egress *egress;
    struct private_routes *private_routes;
    struct client *client;
    struct secret *aws_secret;        /* for calls to AWS; NULL: not set up */
    struct secret *aws_session_token; /* NULL: none */
    struct endpoint_override overrides[OPTION_VALUES_MAX];
    size_t override_count;
    struct service *service;
    struct server *server;
    char endpoint[320]; /* "http://127.0.0.1:8620" */
    struct health health;
    struct server *operations; /* answers for `health`; NULL: not asked for */
};

#define LISTEN_DEFAULT "127.0.0.1:8620"
#define LISTEN_OPTION                                                                              \
    {                                                                                              \
        .name = "listen", .argument = "HOST:PORT", .fallback = LISTEN_DEFAULT,                     \
        .help = "address of the API; port 0 lets the system pick"                                  \
    }

/* The options that node_start reads: a part of serve's and demo's tables. */
#define NODE_OPTIONS                                                                               \
    DATA_OPTIONS, LISTEN_OPTION,                                                                   \
        {.name = "tls-cert",                                                                       \
         .argument = "FILE",                                                                       \
         .help = "PEM chain; serves HTTPS with --tls-key"},                                        \
        {.name = "tls-key", .argument = "FILE", .help = "PEM key; both are read again on SIGHUP"}, \
        {.name = "egress-allow",                                                                   \
         .argument = "CIDR,...",                                                                   \
         .help = "private addresses that vendors' calls may go to"},                               \
        {.name = "private-route",                                                                  \
         .kind = OPTION_LIST,                                                                      \
         .argument = "NAME=HOST:PORT",                                                             \
         .help = "where a PrivateLink service or host is reached by Private profiles; more than "  \
                 "once"},                                                                          \
        {.name = "endpoint",                                                                       \
         .kind = OPTION_LIST,                                                                      \
         .argument = "TYPE=URL",                                                                   \
         .help = "base URL for a connector type; more than once"},                                 \
        {.name = "secrets-manager-url",                                                            \
         .argument = "URL",                                                                        \
         .fallback = "https://secretsmanager.{region}.amazonaws.com",                              \
         .help = "where clientCredentialsArn is looked up, signed with AWS_ACCESS_KEY_ID"},        \
        {.name = "sts-url",                                                                        \
         .argument = "URL",                                                                        \
         .fallback = "https://sts.{region}.amazonaws.com",                                         \
         .help = "where a profile's role is taken on, signed with AWS_ACCESS_KEY_ID"},             \
        {.name = "verify-timeout",                                                                 \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "SECONDS",                                                                    \
         .fallback = "20",                                                                         \
         .least = 1,                                                                               \
         .most = 300,                                                                              \
         .help = "for all calls to a vendor in one request"},                                      \
        {.name = "profile-quota",                                                                  \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "0",                                                                          \
         .least = 0,                                                                               \
         .most = 1000000000,                                                                       \
         .help = "profiles an account may have in a region; 0: no limit"},                         \
        {.name = "loops",                                                                          \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "0",                                                                          \
         .least = 0,                                                                               \
         .most = 256,                                                                              \
         .help = "event loops; 0: one a core"},                                                    \
        {.name = "workers",                                                                        \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "4096",                                                                       \
         .least = 1,                                                                               \
         .most = 4096,                                                                             \
         .help = "most threads that wait for vendors at once"},                                    \
        {.name = "vendor-updates",                                                                 \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "0",                                                                          \
         .least = 0,                                                                               \
         .most = 4096,                                                                             \
         .help = "most changes at once that call one vendor's host; 0: as many as it leaves "      \
                 "workers free"},                                                                  \
        {.name = "queue",                                                                          \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "4096",                                                                       \
         .least = 0,                                                                               \
         .most = 65536,                                                                            \
         .help = "changes that wait for a worker; further ones are throttled"},                    \
        {.name = "account-updates",                                                                \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "0",                                                                          \
         .least = 0,                                                                               \
         .most = 1000000,                                                                          \
         .help = "most changes of one account at once; 0: no limit"},                              \
        {.name = "account-read-rate",                                                              \
         .argument = "N[:BURST]",                                                                  \
         .fallback = "0",                                                                          \
         .help = "reads a second of one account, BURST at once; 0: no limit"},                     \
        {.name = "account-change-rate",                                                            \
         .argument = "N[:BURST]",                                                                  \
         .fallback = "0",                                                                          \
         .help = "changes a second of one account, BURST at once; 0: no limit"},                   \
        {.name = "connections",                                                                    \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "N",                                                                          \
         .fallback = "10240",                                                                      \
         .least = 1,                                                                               \
         .most = 1000000,                                                                          \
         .help = "most client connections at once"},                                               \
        {.name = "request-memory",                                                                 \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "MIB",                                                                        \
         .fallback = "256",                                                                        \
         .least = 1,                                                                               \
         .most = 1048576,                                                                          \
         .help = "for requests and answers over 4 KiB, over all connections"},                     \
        {.name = "stop-timeout",                                                                   \
         .kind = OPTION_NUMBER,                                                                    \
         .argument = "SECONDS",                                                                    \
         .fallback = "25",                                                                         \
         .least = 0,                                                                               \
         .most = 3600,                                                                             \
         .help = "for what was accepted to end when stopping"},                                    \
        {.name = "operations",                                                                     \
         .argument = "HOST:PORT",                                                                  \
         .help = "also answers GET /healthz, /readyz and /metrics there, in plain HTTP"},          \
        {.name = "account",                                                                        \
         .argument = "N",                                                                          \
         .fallback = "123456789012",                                                               \
         .help = "account of the access key that a first start makes"},                            \
    {                                                                                              \
        .name = "config", .argument = "FILE", .help = "more options, \"name = value\" a line"      \
    }

/* Call before any thread is started: locks down memory and makes signals wait for node_wait. */
void node_prepare_process(void);

/* `listen` is --listen, or what the command chose instead. */
bool node_start(struct node *node, const struct options *options, const char *listen,
                bool with_sandbox, struct error *error);

/* Waits for a signal to end (SIGTERM, SIGINT); reads certificates again on SIGHUP meanwhile. */
void node_wait(struct node *node);

/* The same for a process without a server: SIGHUP means nothing to it. */
void node_wait_for_end(void);

/* Finishes what was accepted, within --stop-timeout. True if nothing had to be cut. May be called
 * on a node that did not start whole. */
bool node_stop(struct node *node);

/* "127.0.0.1:8620" or "[::1]:8620"; the host goes into `ret_host` without brackets. */
bool parse_listen(const char *text, char *ret_host, size_t host_size, int *ret_port,
                  struct error *error);
