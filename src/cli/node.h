/* One running server: store, keys, sandbox if asked for, outbound client, service, HTTP server;
 * started in this order and stopped in the other. */
#pragma once

#include "api/health.h"
#include "api/service.h"
#include "auth/data_keys.h"
#include "auth/references.h"
#include "auth/webhook_signature.h"
#include "aws/s3_session.h"
#include "base/buf.h"
#include "base/error.h"
#include "cli/data_dir.h"
#include "cli/keyring_watch.h"
#include "cli/local_connectors.h"
#include "cli/manager.h"
#include "cli/node_options.h"
#include "cli/options.h"
#include "cli/outbound.h"
#include "cli/token_policy_option.h"
#include "connector/custom/function.h"
#include "escrow/escrow.h"
#include "net/egress.h"
#include "net/private_routes.h"
#include "net/server/server.h"
#include "profile/forecast_watch.h"
#include "sandbox/sandbox.h"

#include <signal.h>

enum { ENDPOINT_SIZE = 320 };

/* What was started before there were threads, and is the node's from node_start on. */
struct node_processes {
    struct local_connectors local; /* zeros: none */
    struct courier *courier;       /* NULL: the node itself renews tokens */
};

struct node {
    const struct options *options;
    struct manager_sockets sockets[MANAGER_USES]; /* to listen on; open until node_stop */
    struct data_dir data;
    struct keyring_watch *keyring_watch;
    struct forecast_watch *forecast_watch;
    struct sandbox *sandbox;         /* NULL without --sandbox */
    struct memory_limit *memory;     /* of requests and vendor calls */
    struct egress *shared_addresses; /* of clients: proxies and NAT */
    struct outbound outbound;
    struct private_routes *private_routes;
    struct client *client; /* of `outbound` */
    struct escrow *escrow;
    struct secret *aws_secret;        /* for calls to AWS; NULL: not set up */
    struct secret *aws_session_token; /* NULL: none */
    struct aws_access aws;            /* of these two */
    struct endpoint_override overrides[OPTION_VALUES_MAX];
    size_t override_count;
    /* Added with function_runner_add before the service is made, and freed after it. */
    struct function_runner *functions;
    struct function_breakers *function_breakers; /* of all of them */
    struct function_sessions *function_sessions; /* of local processes among them */
    struct node_processes processes;
    struct function_runner *sandbox_function; /* NULL without --sandbox */
    struct str token_urls[OPTION_VALUES_MAX]; /* of --connector-token-url */
    size_t token_url_count;
    struct function_runner *lambda; /* the last of them */
    struct reference_rules *reference_rules;
    struct references *references;
    struct data_keys *data_keys;             /* NULL without --kms-url */
    struct s3_config s3;                     /* for the objects of flows */
    struct webhook_secrets *webhook_secrets; /* NULL: no webhook */
    struct service *service;
    struct server *server;
    char endpoint[ENDPOINT_SIZE];    /* "http://127.0.0.1:8620" */
    char sandbox_url[ENDPOINT_SIZE]; /* service_config.sandbox_url; empty without --sandbox */
    struct health health;
    struct server *admin; /* answers for `health`; NULL: not asked for */
};

#define LISTEN_DEFAULT "127.0.0.1:8620"

#define NUMBER_OPTION(NAME, ARGUMENT, FALLBACK, LEAST, MOST, HELP)                                 \
    {                                                                                              \
        .name = NAME, .kind = OPTION_NUMBER, .argument = ARGUMENT, .fallback = FALLBACK,           \
        .least = LEAST, .most = MOST, .help = HELP                                                 \
    }

/* The options that node_start reads, by subject: a part of serve's and demo's tables. */
#define NODE_OPTIONS                                                                               \
    DATA_MAKE_OPTIONS, NETWORK_OPTIONS, VENDOR_OPTIONS, EVENT_OPTIONS, LIMIT_OPTIONS,              \
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
        {.name = "public-url",                                                                     \
         .argument = "URL",                                                                        \
         .check = check_public_url,                                                                \
         .help =                                                                                   \
             "Where browsers reach the API's address, for links of headgate connect; needed "      \
             "behind a proxy that ends TLS; default: as the client that asks for a link does"},    \
    {                                                                                              \
        .name = "admin-listen", .former = "operations", .argument = "HOST:PORT",                   \
        .check = check_listen,                                                                     \
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
        TOKEN_POLICY_OPTION,                                                                       \
        {.name = "egress-allow",                                                                   \
         .kind = OPTION_LIST,                                                                      \
         .argument = "CIDR,...",                                                                   \
         .check = check_cidr,                                                                      \
         .help = "Private addresses that calls to vendors may connect to; all others are "         \
                 "refused"},                                                                       \
        {.name = "egress-deny",                                                                    \
         .kind = OPTION_LIST,                                                                      \
         .argument = "CIDR|NAME,...",                                                              \
         .check = check_denied,                                                                    \
         .help = "Addresses, hosts and domains that calls to vendors never connect to"},           \
        {.name = "egress-ports",                                                                   \
         .kind = OPTION_LIST,                                                                      \
         .argument = "PORT,...",                                                                   \
         .check = check_ports,                                                                     \
         .help = "Ports and ranges that calls to vendors may connect to; unless given, of public " \
                 "addresses: " EGRESS_PORTS},                                                      \
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
         .argument = "ROUTE,...",                                                                  \
         .check = check_route,                                                                     \
         .help = "For Private profiles: where a PrivateLink service or a vendor's host is "        \
                 "reached, [ACCOUNT:]NAME[@CALLED]=[http://]HOST:PORT; without ACCOUNT for that "  \
                 "of --account"},                                                                  \
        {.name = "secrets-manager-url",                                                            \
         .argument = "URL",                                                                        \
         .fallback = "https://secretsmanager.{region}.amazonaws.com",                              \
         .check = check_url,                                                                       \
         .help = "AWS Secrets Manager for clientCredentialsArn and references; signed with "       \
                 "AWS_ACCESS_KEY_ID"},                                                             \
        {.name = "sts-url",                                                                        \
         .argument = "URL",                                                                        \
         .fallback = "https://sts.{region}.amazonaws.com",                                         \
         .check = check_url,                                                                       \
         .help = "AWS STS, to assume a profile's role; signed with AWS_ACCESS_KEY_ID"},            \
        {.name = "kms-url",                                                                        \
         .argument = "URL",                                                                        \
         .check = check_url,                                                                       \
         .help =                                                                                   \
             "AWS KMS, for profiles with a kmsArn: https://kms.{region}.amazonaws.com; signed "    \
             "with AWS_ACCESS_KEY_ID. Without it a kmsArn is stored and not used"},                \
        {.name = "s3-url",                                                                         \
         .argument = "URL",                                                                        \
         .fallback = S3_URL_DEFAULT,                                                               \
         .check = check_url,                                                                       \
         .help = "Amazon S3, or what speaks its protocol, for the objects of flows; without "      \
                 "{bucket}, as in http://HOST:PORT, the bucket is in the path; signed with "       \
                 "AWS_ACCESS_KEY_ID"},                                                             \
        {.name = "glue-url",                                                                       \
         .argument = "URL",                                                                        \
         .fallback = GLUE_URL_DEFAULT,                                                             \
         .check = check_url,                                                                       \
         .help = "The Data Catalog of AWS Glue, or what speaks its protocol, for flows with a "    \
                 "metadataCatalogConfig; signed as their roleArn"},                                \
        {.name = "connector-token-url",                                                            \
         .kind = OPTION_LIST,                                                                      \
         .argument = "URL,...",                                                                    \
         .check = check_url,                                                                       \
         .help = "Token URLs that profiles of custom connectors may name, besides those that "     \
                 "their connectors declare; {{NAME}} stands for one part"},                        \
        {.name = "lambda-url",                                                                     \
         .argument = "URL",                                                                        \
         .fallback = "https://lambda.{region}.amazonaws.com",                                      \
         .check = check_url,                                                                       \
         .help = "AWS Lambda, to invoke custom connectors; signed with AWS_ACCESS_KEY_ID"},        \
        {.name = "connector-role",                                                                 \
         .argument = "ARN",                                                                        \
         .check = check_role,                                                                      \
         .help = "Role to assume for invoking custom connectors in AWS Lambda, for reading "       \
                 "references, for AWS KMS, S3 and EventBridge; {account} in it becomes the "       \
                 "caller's account"},                                                              \
        {.name = "mirror-secrets",                                                                 \
         .argument = "PREFIX",                                                                     \
         .check = check_secret_prefix,                                                             \
         .help = "Keep copies of the secrets that custom connectors in AWS Lambda read in AWS "    \
                 "Secrets Manager (--secrets-manager-url), under names that begin so"},            \
        {.name = "reference",                                                                      \
         .kind = OPTION_LIST,                                                                      \
         .argument = "RULE,...",                                                                   \
         .check = check_reference,                                                                 \
         .help = "What an account's credentials may refer to: ACCOUNT=env:NAME, "                  \
                 "ACCOUNT=file:/DIRECTORY or ACCOUNT=secretsmanager:PATTERN"},                     \
        NUMBER_OPTION("verify-timeout", "SECONDS", "20", 1, 300,                                   \
                      "Time for all calls to a vendor in one request"),                            \
        NUMBER_OPTION("previous-credentials", "HOURS", "168", 0, 1440,                             \
                      "Keep credentials that new ones replaced for so long, sealed, to fall back " \
                      "to them and for \"profile rollback\"; at most 60 days; 0: not at all")

#define EVENT_OPTIONS                                                                              \
    {.name = "webhook-url",                                                                        \
     .argument = "URL",                                                                            \
     .heading = "Events",                                                                          \
     .check = check_webhook_url,                                                                   \
     .secret = true,                                                                               \
     .help = "Where events of credentials that end or change their state, and of runs of flows, "  \
             "are delivered by POST; needs --webhook-secret"},                                     \
        {.name = "webhook-secret",                                                                 \
         .argument = "FILE",                                                                       \
         .check = check_webhook_secret,                                                            \
         .help =                                                                                   \
             "File with the secret that events are signed with, and a second one on a line of "    \
             "its own while receivers change"},                                                    \
        {.name = "events-url",                                                                     \
         .argument = "URL",                                                                        \
         .check = check_url,                                                                       \
         .help = "Amazon EventBridge, or what speaks its protocol, for events of runs of flows: "  \
                 "https://events.{region}.amazonaws.com; signed with AWS_ACCESS_KEY_ID"},          \
        {.name = "events-bus",                                                                     \
         .argument = "NAME",                                                                       \
         .fallback = "default",                                                                    \
         .check = check_event_bus,                                                                 \
         .help = "Its bus: a name, or an ARN"},                                                    \
    {                                                                                              \
        .name = "events-source", .argument = "SOURCE", .check = check_event_source,                \
        .help =                                                                                    \
            "Source of the events instead of aws.appflow, which Amazon EventBridge takes from "    \
            "AWS alone"                                                                            \
    }

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
        {.name = "regions",                                                                        \
         .kind = OPTION_LIST,                                                                      \
         .argument = "REGION,...",                                                                 \
         .check = check_region,                                                                    \
         .help = "Regions to accept in requests besides those of AWS"},                            \
        RATE_OPTION("account-read-rate", "Maximum reads per second and account; 0: unlimited"),    \
        RATE_OPTION("account-change-rate", "Maximum changes per second and account; 0: "           \
                                           "unlimited"),                                           \
        NUMBER_OPTION(                                                                             \
            "account-updates", "N", "0", 0, 1000000,                                               \
            "Maximum concurrent changes per account; 0: as many as it leaves workers and "         \
            "queue places free"),                                                                  \
        NUMBER_OPTION("audit-failures", "N", "120", 0, 1000000,                                    \
                      "Maximum audit entries per hour about failed changes of one account; "       \
                      "0: unlimited"),                                                             \
        NUMBER_OPTION("audit-repeat", "SECONDS", "300", 0, 86400,                                  \
                      "Count a failure that repeats within this time in one audit entry; 0: an "   \
                      "entry for each"),                                                           \
        {.name = "audit-required",                                                                 \
         .argument = "yes|no",                                                                     \
         .fallback = "yes",                                                                        \
         .check = check_yes_no,                                                                    \
         .help = "Refuse a change when its audit entry cannot be written"},                        \
        {.name = "token-keeper",                                                                   \
         .argument = "yes|no",                                                                     \
         .fallback = "yes",                                                                        \
         .check = check_yes_no,                                                                    \
         .help = "Renew profiles' OAuth tokens before they end; no: only when they are used"},     \
        {.name = "sub-minute-schedules",                                                           \
         .argument = "yes|no",                                                                     \
         .fallback = "no",                                                                         \
         .check = check_yes_no,                                                                    \
         .help = "Accept schedules of flows such as rate(10seconds), which Amazon AppFlow does "   \
                 "not have"},                                                                      \
        NUMBER_OPTION("vendor-updates", "N", "0", 0, 4096,                                         \
                      "Maximum concurrent changes per vendor host; 0: as many as it leaves "       \
                      "workers free"),                                                             \
        NUMBER_OPTION("workers", "N", "4096", 1, 4096,                                             \
                      "Maximum threads for changes, which wait for vendors"),                      \
        NUMBER_OPTION("queue", "N", "4096", 0, 65536,                                              \
                      "Maximum queued changes; excess requests get 429"),                          \
        NUMBER_OPTION("connections", "N", "10240", 1, 1000000, "Maximum client connections"),      \
        {.name = "trusted-address",                                                                \
         .kind = OPTION_LIST,                                                                      \
         .argument = "CIDR,...",                                                                   \
         .check = check_cidr,                                                                      \
         .help = "Addresses of reverse proxies and NAT gateways: may hold all client "             \
                 "connections; any other at most as many as it leaves free"},                      \
        NUMBER_OPTION("request-memory", "MIB", "256", 1, 1048576,                                  \
                      "Maximum memory for all requests, answers and vendor calls together; "       \
                      "excess requests get 429"),                                                  \
        NUMBER_OPTION("loops", "N", "0", 0, 256, "Event loops; 0: one per core"),                  \
        NUMBER_OPTION("stop-timeout", "SECONDS", "25", 0, 3600,                                    \
                      "Time for in-flight requests to finish at shutdown")

/* Call before any thread is started: locks down memory and makes signals wait for node_wait. */
void node_prepare_process(void);

/* `listen` is --listen, or another address of that form. `processes` may be NULL: none. */
_must_use_ bool node_start(struct node *node, const struct options *options, const char *listen,
                           bool with_sandbox, const struct node_processes *processes,
                           struct error *error);

/* Waits for a signal to end (SIGTERM, SIGINT); meanwhile reads certificates, keyring and the list
 * of local connectors again on SIGHUP. */
void node_wait(struct node *node);

/* The same for a process without a server: SIGHUP means nothing to it. */
void node_wait_for_end(void);

/* Finishes in-flight requests, within --stop-timeout. True if none was aborted. May be called on a
 * node that did not start completely. Ends the process itself when a part does not stop within a
 * few seconds more (stop_guard.h). */
bool node_stop(struct node *node);
