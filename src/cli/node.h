/* One running server: store, keys, sandbox if asked for, outbound client, service, HTTP server;
 * started in this order and stopped in the other. */
#pragma once

#include "api/health.h"
#include "api/service.h"
#include "base/buf.h"
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

enum { ENDPOINT_SIZE = 320 };

struct node {
    const struct options *options;
    struct manager_sockets sockets[MANAGER_USES]; /* to listen on; open until node_stop */
    struct data_dir data;
    struct sandbox *sandbox; /* NULL without --sandbox */
    struct egress *egress;
    struct proxy proxy;  /* wiped when the node stops; without a host: there is none */
    struct buf no_proxy; /* what is called without it, separated by commas */
    struct private_routes *private_routes;
    struct client *client;
    struct secret *aws_secret;        /* for calls to AWS; NULL: not set up */
    struct secret *aws_session_token; /* NULL: none */
    struct endpoint_override overrides[OPTION_VALUES_MAX];
    size_t override_count;
    struct service *service;
    struct server *server;
    char endpoint[ENDPOINT_SIZE]; /* "http://127.0.0.1:8620" */
    struct health health;
    struct server *operations; /* answers for `health`; NULL: not asked for */
};

#define LISTEN_DEFAULT "127.0.0.1:8620"

#define NUMBER_OPTION(NAME, ARGUMENT, FALLBACK, LEAST, MOST, HELP)                                 \
    {                                                                                              \
        .name = NAME, .kind = OPTION_NUMBER, .argument = ARGUMENT, .fallback = FALLBACK,           \
        .least = LEAST, .most = MOST, .help = HELP                                                 \
    }

/* The options that node_start reads, by subject: a part of serve's and demo's tables. */
#define NODE_OPTIONS                                                                               \
    DATA_MAKE_OPTIONS, NETWORK_OPTIONS, VENDOR_OPTIONS, LIMIT_OPTIONS,                             \
        {.name = "account",                                                                        \
         .argument = "N",                                                                          \
         .fallback = "123456789012",                                                               \
         .heading = "Other",                                                                       \
         .check = check_account,                                                                   \
         .help = "AWS account of the access key that the first start creates"},                    \
    {                                                                                              \
        .name = "config", .argument = "FILE",                                                      \
        .help = "Configuration file: lines \"name = value\", names as here without dashes"         \
    }

#define NETWORK_OPTIONS                                                                            \
    {.name = "listen",                                                                             \
     .argument = "HOST:PORT",                                                                      \
     .fallback = LISTEN_DEFAULT,                                                                   \
     .heading = "Network",                                                                         \
     .check = check_listen,                                                                        \
     .help = "Address of the API; :PORT for every address, port 0 for any free port"},             \
        {.name = "tls-cert",                                                                       \
         .argument = "FILE",                                                                       \
         .help = "TLS certificate chain (PEM); serves HTTPS, needs --tls-key"},                    \
        {.name = "tls-key",                                                                        \
         .argument = "FILE",                                                                       \
         .help = "TLS private key (PEM); SIGHUP reloads both files"},                              \
    {                                                                                              \
        .name = "operations", .argument = "HOST:PORT", .check = check_listen,                      \
        .help = "Address for health and metrics (GET /healthz, /readyz, /metrics), plain HTTP "    \
                "without authentication; off unless given"                                         \
    }

#define VENDOR_OPTIONS                                                                             \
    {.name = "endpoint",                                                                           \
     .kind = OPTION_LIST,                                                                          \
     .argument = "TYPE=URL,...",                                                                   \
     .heading = "Vendors",                                                                         \
     .check = check_endpoint,                                                                      \
     .help = "Base URL to use for a connector type instead of the vendor's own"},                  \
        {.name = "egress-allow",                                                                   \
         .kind = OPTION_LIST,                                                                      \
         .argument = "CIDR,...",                                                                   \
         .check = check_cidr,                                                                      \
         .help = "Private addresses that calls to vendors may connect to; all others are "         \
                 "refused"},                                                                       \
        {.name = "vendor-ca",                                                                      \
         .argument = "FILE",                                                                       \
         .check = check_certificates,                                                              \
         .help = "Certificates (PEM) of authorities to trust for vendors, besides the system's "   \
                 "or those of SSL_CERT_FILE"},                                                     \
        {.name = "proxy",                                                                          \
         .argument = "URL",                                                                        \
         .check = check_proxy,                                                                     \
         .secret = true,                                                                           \
         .help = "HTTP proxy for calls to vendors over https, http://[USER:PASSWORD@]HOST:PORT "   \
                 "[HTTPS_PROXY]"},                                                                 \
        {.name = "no-proxy",                                                                       \
         .kind = OPTION_LIST,                                                                      \
         .argument = "HOST,...",                                                                   \
         .help = "Hosts, domains, addresses and CIDR blocks to call without the proxy "            \
                 "[NO_PROXY]"},                                                                    \
        {.name = "private-route",                                                                  \
         .kind = OPTION_LIST,                                                                      \
         .argument = "NAME=HOST:PORT,...",                                                         \
         .check = check_route,                                                                     \
         .help = "For Private profiles: where a PrivateLink service or a vendor's host is "        \
                 "reached"},                                                                       \
        {.name = "secrets-manager-url",                                                            \
         .argument = "URL",                                                                        \
         .fallback = "https://secretsmanager.{region}.amazonaws.com",                              \
         .check = check_url,                                                                       \
         .help = "AWS Secrets Manager for clientCredentialsArn; signed with AWS_ACCESS_KEY_ID"},   \
        {.name = "sts-url",                                                                        \
         .argument = "URL",                                                                        \
         .fallback = "https://sts.{region}.amazonaws.com",                                         \
         .check = check_url,                                                                       \
         .help = "AWS STS, to assume a profile's role; signed with AWS_ACCESS_KEY_ID"},            \
        NUMBER_OPTION("verify-timeout", "SECONDS", "20", 1, 300,                                   \
                      "Time for all calls to a vendor in one request")

#define RATE_OPTION(NAME, HELP)                                                                    \
    {                                                                                              \
        .name = NAME, .argument = "N[:BURST]", .fallback = "0", .check = check_rate, .help = HELP  \
    }

#define LIMIT_OPTIONS                                                                              \
    {.name = "profile-quota",                                                                      \
     .kind = OPTION_NUMBER,                                                                        \
     .argument = "N",                                                                              \
     .fallback = "0",                                                                              \
     .least = 0,                                                                                   \
     .most = 1000000000,                                                                           \
     .heading = "Limits",                                                                          \
     .help = "Maximum profiles per account and region; 0: unlimited"},                             \
        RATE_OPTION("account-read-rate", "Maximum reads per second and account; 0: unlimited"),    \
        RATE_OPTION("account-change-rate", "Maximum changes per second and account; 0: "           \
                                           "unlimited"),                                           \
        NUMBER_OPTION("account-updates", "N", "0", 0, 1000000,                                     \
                      "Maximum concurrent changes per account; 0: unlimited"),                     \
        NUMBER_OPTION("vendor-updates", "N", "0", 0, 4096,                                         \
                      "Maximum concurrent changes per vendor host; 0: as many as it leaves "       \
                      "workers free"),                                                             \
        NUMBER_OPTION("workers", "N", "4096", 1, 4096,                                             \
                      "Maximum threads for changes, which wait for vendors"),                      \
        NUMBER_OPTION("queue", "N", "4096", 0, 65536,                                              \
                      "Maximum queued changes; excess requests get 429"),                          \
        NUMBER_OPTION("connections", "N", "10240", 1, 1000000, "Maximum client connections"),      \
        NUMBER_OPTION("request-memory", "MIB", "256", 1, 1048576,                                  \
                      "Maximum memory for requests and answers over 4 KiB"),                       \
        NUMBER_OPTION("loops", "N", "0", 0, 256, "Event loops; 0: one per core"),                  \
        NUMBER_OPTION("stop-timeout", "SECONDS", "25", 0, 3600,                                    \
                      "Time for in-flight requests to finish at shutdown")

/* Rules across these options, as a command's `check`. */
_must_use_ bool node_options_check(const struct options *options, struct error *error);

/* The same for variables that are not ours and count as options: HTTPS_PROXY, SSL_CERT_FILE. Not
 * for sandbox mode, which calls no vendor. */
_must_use_ bool node_variables_check(const struct options *options, struct error *error);

/* Call before any thread is started: locks down memory and makes signals wait for node_wait. */
void node_prepare_process(void);

/* `listen` is --listen, or another address of that form. */
_must_use_ bool node_start(struct node *node, const struct options *options, const char *listen,
                           bool with_sandbox, struct error *error);

/* Waits for a signal to end (SIGTERM, SIGINT); reads certificates again on SIGHUP meanwhile. */
void node_wait(struct node *node);

/* The same for a process without a server: SIGHUP means nothing to it. */
void node_wait_for_end(void);

/* Finishes in-flight requests, within --stop-timeout. True if none was aborted. May be called on a
 * node that did not start completely. */
bool node_stop(struct node *node);
