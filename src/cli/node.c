/* Starting and stopping a server, step by step. */
#include "cli/node.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/access_keys_made.h"
#include "cli/management.h"
#include "cli/node_options.h"
#include "cli/sandbox_function.h"
#include "connector/custom/function_breaker.h"
#include "connector/custom/lambda.h"
#include "connector/http/http_connector.h"
#include "profile/secret_mirror.h"
#include "vault/keyring_helper.h"
#include "work/cpu_slots.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FILES_A_WORKER = 2, /* a vendor's connection, and looking up where it goes */
    FILES_OF_THE_REST = 1024,
    HEAP_ARENAS = 2,
    OPERATIONS_CONNECTIONS_MAX = 64,
    OPERATIONS_BODY_MAX = 1024,       /* GET requests have none */
    OPERATIONS_IDLE_MS = 5 * 1000,    /* so that idle connections do not keep the next probe out */
    HEAP_KEPT_MAX = 32 * 1024 * 1024, /* bytes of free memory that stay with the process */
    HEAP_PIECE_MAX = 1024 * 1024,     /* bytes; larger pieces are mapped and unmapped singly */
};

static sigset_t waited_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

/* Workers come and go with what they allocate; giving each an arena of its own and handing pages
 * back after every request costs a sixth of an update's time in page faults. */
static void tune_heap(void)
{
    mallopt(M_ARENA_MAX, HEAP_ARENAS);
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT_MAX);
    mallopt(M_MMAP_THRESHOLD, HEAP_PIECE_MAX);
}

void node_prepare_process(void)
{
    sigset_t set = waited_signals();
    tune_heap();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ,
           SIG_IGN); /* a file that may not grow is an error of the write, as a full disk is */
    sigprocmask(SIG_BLOCK, &set, NULL);
    secret_init();
}

/* --- starting --- */

/* Past the limit on open files connections are reset and the database cannot be opened, without an
 * answer that would say why. */
static void raise_file_limit(const struct options *options)
{
    rlim_t wanted =
        (rlim_t)(options_number(options, "connections") +
                 FILES_A_WORKER * options_number(options, "workers") + FILES_OF_THE_REST);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == wanted)
        return;
    log_warn(
        "The limit on open files is %llu, but --connections and --workers can need %llu. Raise "
        "the limit (LimitNOFILE, ulimit -n) or lower these options.",
        (unsigned long long)files.rlim_cur, (unsigned long long)wanted);
}

static bool start_sandbox(struct node *node, struct error *error)
{
    char s3_dir[DATA_PATH_SIZE], glue_dir[DATA_PATH_SIZE], records_dir[DATA_PATH_SIZE];
    struct sandbox_config config = {
        .host = "127.0.0.1", .s3_dir = s3_dir, .glue_dir = glue_dir, .records_dir = records_dir};
    snprintf(s3_dir, sizeof(s3_dir), "%s/s3", options_text(node->options, "data"));
    snprintf(glue_dir, sizeof(glue_dir), "%s/glue", options_text(node->options, "data"));
    snprintf(records_dir, sizeof(records_dir), "%s/records", options_text(node->options, "data"));
    if (!sandbox_start(&config, &node->sandbox, error))
        return false;
    sandbox_browser_url(node->sandbox, node->sandbox_url, sizeof(node->sandbox_url));
    log_info("Sandbox mode: calls to vendors go to the built-in mock servers (127.0.0.1, ports %d "
             "and %d).",
             sandbox_http_port(node->sandbox), sandbox_tls_port(node->sandbox));
    return true;
}

static bool start_client(struct node *node, struct error *error)
{
    const struct option_value *routes = options_list(node->options, "private-route");
    struct str account = str_from(options_text(node->options, "account"));
    if (!private_routes_new(routes->texts, (size_t)routes->count, account, &node->private_routes,
                            error))
        return false;
    if (routes->count > 0)
        log_info("Private routes that name no account are for account %.*s.", STR_ARG(account));
    if (!outbound_start(node->options, node->sandbox, &node->outbound, error))
        return false;
    node->client = node->outbound.client;
    if (node->outbound.proxy_source)
        log_info("Calls to vendors over https go through the HTTP proxy %s:%d (from %s).",
                 node->outbound.proxy.host, node->outbound.proxy.port, node->outbound.proxy_source);
    return true;
}

/* TYPE=URL, as check_endpoint has seen them. */
static void read_overrides(struct node *node)
{
    const struct option_value *list = options_list(node->options, "endpoint");
    for (int i = 0; i < list->count; i++) {
        struct endpoint_override *override = &node->overrides[node->override_count++];
        str_cut(str_from(list->texts[i]), '=', &override->connector_type, &override->base_url);
    }
}

/* For custom connectors, beside the token URLs that they declare. */
static void read_token_urls(struct node *node)
{
    const struct option_value *list = options_list(node->options, "connector-token-url");
    for (int i = 0; i < list->count; i++)
        node->token_urls[node->token_url_count++] = str_from(list->texts[i]);
}

/* The mock servers emulate a discontinued vendor at its former address. */
static void reopen_vendors(struct node *node)
{
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_url *row =
            connector->http && connector->http->api.count > 0 ? connector->http->api.rows : NULL;
        bool named = !row || !row->closed || node->override_count == OPTION_VALUES_MAX;
        for (size_t j = 0; j < node->override_count; j++)
            named = named || str_eq(node->overrides[j].connector_type, connector->type);
        if (!named)
            node->overrides[node->override_count++] =
                (struct endpoint_override){connector->type, str_from(row->url)};
    }
}

/* The credentials that requests to AWS are signed with, from AWS's usual variables; in sandbox mode
 * those that the sandbox's S3 knows. */
static struct str take_aws_credentials(struct node *node)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID");
    node->aws_secret = take_variable("AWS_SECRET_ACCESS_KEY");
    node->aws_session_token = take_variable("AWS_SESSION_TOKEN");
    if (!node->sandbox)
        return id && node->aws_secret ? str_from(id) : STR_NULL;
    secret_free(node->aws_secret);
    secret_free(node->aws_session_token);
    node->aws_session_token = NULL;
    node->aws_secret = secret_new(STR("sandbox"));
    return STR("SANDBOXACCESSKEY");
}

/* No limit if it is malformed, which check_rate has ruled out. */
static struct rate read_rate(struct node *node, const char *option)
{
    struct rate rate = {0};
    return rate_from(str_from(options_text(node->options, option)), &rate) ? rate
                                                                           : (struct rate){0};
}

/* Local processes are asked first, so that they can stand in for functions in AWS. */
static bool make_functions(struct node *node, struct error *error)
{
    struct str access_key_id = take_aws_credentials(node); /* replaces those of `node`, too */
    node->aws = (struct aws_access){
        .client = node->client,
        .access_key_id = access_key_id,
        .secret_access_key = node->aws_secret,
        .session_token = node->aws_session_token,
    };
    if (node->aws.access_key_id.len == 0)
        node->aws.secret_access_key = NULL;
    node->function_sessions = function_sessions_new();
    if (node->sandbox) {
        node->sandbox_function = sandbox_function_new(node->client);
        function_runner_add(&node->functions, node->sandbox_function);
    }
    node->lambda = lambda_runner_new(&(struct lambda_config){
        .url = str_from(options_text(node->options, "lambda-url")),
        .role_arn = str_from(options_text(node->options, "connector-role")),
        .sts_url = str_from(options_text(node->options, "sts-url")),
        .aws = &node->aws,
        .mirror_prefix = str_from(options_text(node->options, "mirror-secrets")),
        .secrets_manager_url = str_from(options_text(node->options, "secrets-manager-url")),
    });
    if (!local_connectors_start(&node->processes.local, node->function_sessions, node->memory,
                                &node->functions, error))
        return false;
    function_runner_add(&node->functions, node->lambda);
    node->function_breakers = function_breakers_new(
        &(struct function_breakers_config){FUNCTION_BREAKER_OPEN_MS, FUNCTION_BREAKER_OPEN_MAX_MS});
    function_runners_guard(node->functions, node->function_breakers);
    return true;
}

static struct aws_account_config caller_of_aws(const struct node *node)
{
    return (struct aws_account_config){
        .aws = &node->aws,
        .role_arn = str_from(options_text(node->options, "connector-role")),
        .sts_url = str_from(options_text(node->options, "sts-url")),
    };
}

/* What calls services of AWS for accounts. */
static void make_aws_services(struct node *node)
{
    const struct aws_account_config caller = caller_of_aws(node);
    node->references = references_new(&(struct references_config){
        .rules = node->reference_rules,
        .aws = caller,
        .secrets_manager_url = str_from(options_text(node->options, "secrets-manager-url")),
    });
    if (options_text(node->options, "kms-url"))
        node->data_keys = data_keys_new(&(struct data_keys_config){
            .aws = caller,
            .url = str_from(options_text(node->options, "kms-url")),
        });
    node->s3 = (struct s3_config){
        .aws = caller,
        .url = str_from(options_text(node->options, "s3-url")),
    };
}

enum { HOUR_MS = 60 * 60 * 1000 };

static void set_aws_access(const struct node *node, struct service_config *config)
{
    config->aws_access_key_id = node->aws.access_key_id;
    config->aws_secret_access_key = node->aws_secret;
    config->aws_session_token = node->aws_session_token;
}

/* Where events are delivered to. */
static void set_receivers(const struct node *node, struct service_config *config)
{
    config->webhook_url = str_from(options_text(node->options, "webhook-url"));
    config->webhook_secrets = node->webhook_secrets;
    config->aws_account = &node->s3.aws;
    config->events_url = str_from(options_text(node->options, "events-url"));
    config->events_bus = str_from(options_text(node->options, "events-bus"));
    config->events_source = str_from(options_text(node->options, "events-source"));
}

static bool start_service(struct node *node, struct error *error)
{
    const char *secrets = options_text(node->options, "webhook-secret");
    if (node->sandbox && !node_sandbox_check(node->options, error))
        return false;
    if (secrets && !webhook_secrets_read(secrets, &node->webhook_secrets, error))
        return false;
    read_overrides(node);
    read_token_urls(node);
    if (node->sandbox)
        reopen_vendors(node);
    node->memory = memory_limit_new((size_t)options_number(node->options, "request-memory") << 20);
    if (!make_functions(node, error))
        return false;
    make_aws_services(node);
    const struct option_value *regions = options_list(node->options, "regions");
    struct service_config config = {
        .store = node->data.store,
        .memory = node->memory,
        .keyring = node->data.keys.keyring,
        .service_secret = node->data.keys.service_secret,
        .key_generations = node->data.key_generations,
        .client = node->client,
        .sandbox_url = str_from(node->sandbox_url),
        .public_url = options_url(node->options, "public-url"),
        .verify_timeout_ms = 1000 * options_number(node->options, "verify-timeout"),
        .previous_credentials_ms =
            (int64_t)HOUR_MS * options_number(node->options, "previous-credentials"),
        .profile_quota = options_number(node->options, "profile-quota"),
        .regions = {regions->texts, (size_t)regions->count},
        .worker_count = (int)options_number(node->options, "workers"),
        .computing_count = cpu_slots_for_cores(),
        .reader_count = (int)options_number(node->options, "store-connections"),
        .queue_max = (size_t)options_number(node->options, "queue"),
        .vendor_updates_max = (size_t)options_number(node->options, "vendor-updates"),
        .account_updates_max = options_number(node->options, "account-updates"),
        .account_read_rate = read_rate(node, "account-read-rate"),
        .account_change_rate = read_rate(node, "account-change-rate"),
        .audit_failures_an_hour = options_number(node->options, "audit-failures"),
        .audit_repeat_ms = 1000 * options_number(node->options, "audit-repeat"),
        .overrides = node->overrides,
        .override_count = node->override_count,
        .private_routes = node->private_routes,
        .references = node->references,
        .data_keys = node->data_keys,
        .s3 = &node->s3,
        .glue_url = options_url(node->options, "glue-url"),
        .secrets_manager_url = str_from(options_text(node->options, "secrets-manager-url")),
        .sts_url = str_from(options_text(node->options, "sts-url")),
        .escrow = node->escrow,
        .functions = node->functions,
        .function_breakers = node->function_breakers,
        .token_urls = node->token_urls,
        .token_url_count = node->token_url_count,
        .function_sessions = node->function_sessions,
        .local_runner = node->processes.local.runner,
        .mirrors_secrets = options_text(node->options, "mirror-secrets") != NULL,
        .keeps_tokens = str_eq(str_from(options_text(node->options, "token-keeper")), STR("yes")),
        .sub_minute_schedules =
            str_eq(str_from(options_text(node->options, "sub-minute-schedules")), STR("yes")),
        .default_oauth_app = node->sandbox ? sandbox_oauth_app : NULL,
    };
    set_aws_access(node, &config);
    set_receivers(node, &config);
    node->service = service_new(&config);
    lambda_runner_on_trial(node->lambda, secret_mirror_remove_later, &node->service->profiles);
    return service_resume(node->service, error);
}

/* Only processes of this machine reach a loopback address. */
static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* "http://127.0.0.1:8620" or "https://[::1]:8620". */
static const char *endpoint_of(const struct server *server, bool tls, char out[ENDPOINT_SIZE])
{
    const char *host = server_host(server);
    bool v6 = strchr(host, ':') != NULL;
    snprintf(out, ENDPOINT_SIZE, "%s://%s%s%s:%d", tls ? "https" : "http", v6 ? "[" : "", host,
             v6 ? "]" : "", server_port(server));
    return out;
}

static void describe_endpoint(struct node *node, bool tls)
{
    const char *host = server_host(node->server);
    endpoint_of(node->server, tls, node->endpoint);
    if (node->sockets[MANAGER_API].count > 0)
        log_info("Using %d inherited socket%s; --listen is ignored.",
                 node->sockets[MANAGER_API].count,
                 node->sockets[MANAGER_API].count == 1 ? "" : "s");
    if (!tls && !is_loopback(host))
        log_warn("The API listens on %s without TLS: credentials in requests are sent over the "
                 "network unencrypted. Set --tls-cert and --tls-key.",
                 host);
}

static bool start_server(struct node *node, const char *listen, struct error *error)
{
    char host[LISTEN_HOST_SIZE];
    struct server_config config = {
        .host = host,
        .inherited = node->sockets[MANAGER_API].files,
        .inherited_count = node->sockets[MANAGER_API].count,
        .loops = (int)options_number(node->options, "loops"),
        .handler = service_handle,
        .refuse = service_refuse,
        .handler_context = node->service,
        .tls_cert_path = options_text(node->options, "tls-cert"),
        .tls_key_path = options_text(node->options, "tls-key"),
        .connections_max = (size_t)options_number(node->options, "connections"),
        .shares_connections = true,
        .memory = node->memory,
        .on_iteration = service_rest,
        .on_loop_end = service_loop_end,
    };
    if (!parse_listen(listen, host, &config.port))
        return fail(error, ERR_VALIDATION, "%s is not HOST:PORT.", listen);
    if (!options_addresses(node->options, "trusted-address", &node->shared_addresses, error))
        return false;
    config.shared_addresses = node->shared_addresses;
    if (!server_start(&config, &node->server, error))
        return false;
    describe_endpoint(node, config.tls_cert_path != NULL);
    local_connectors_serve(&node->processes.local, node->endpoint);
    return true;
}

static bool start_admin(struct node *node, struct error *error)
{
    const char *listen = options_text(node->options, "admin-listen");
    char host[LISTEN_HOST_SIZE] = "";
    struct server_config config = {
        .host = host,
        .inherited = node->sockets[MANAGER_OPERATIONS].files,
        .inherited_count = node->sockets[MANAGER_OPERATIONS].count,
        .loops = 1,
        .handler = health_handle,
        .handler_context = &node->health,
        .connections_max = OPERATIONS_CONNECTIONS_MAX,
        .shares_connections = true,
        .body_max = OPERATIONS_BODY_MAX,
        .first_timeout_ms = OPERATIONS_IDLE_MS,
    };
    if (!listen && config.inherited_count == 0)
        return true;
    node->health.service = node->service;
    node->health.server = node->server;
    node->health.started_ms = clock_wall_ms();
    if (listen && !parse_listen(listen, host, &config.port))
        return fail(error, ERR_VALIDATION, "%s is not HOST:PORT.", listen);
    if (!server_start(&config, &node->admin, error))
        return false;
    const char *at = server_host(node->admin);
    char url[ENDPOINT_SIZE];
    log_info("Health and metrics: %s/healthz, /readyz, /metrics.",
             endpoint_of(node->admin, false, url));
    if (!is_loopback(at))
        log_warn("Health and metrics are exposed without authentication on %s. Keep that address "
                 "inside your own network.",
                 at);
    return true;
}

static bool start_forecast_watch(struct node *node, struct error *error)
{
    node->forecast_watch = forecast_watch_start(&node->service->profiles, node->service->workers);
    return node->forecast_watch || fail(error, ERR_UNAVAILABLE,
                                        "The thread that looks for ends of credentials cannot be "
                                        "started.");
}

/* Before there are threads, and before the filter for system calls. */
static bool start_keyring_helper(const struct options *options, struct error *error)
{
    const char *command = options_text(options, "keyring-command");
    return !command || keyring_helper_start(command, error);
}

bool node_start(struct node *node, const struct options *options, const char *listen,
                bool with_sandbox, const struct node_processes *processes, struct error *error)
{
    *node = (struct node){.options = options};
    if (processes)
        node->processes = *processes;
    raise_file_limit(options);
    return token_policy_options_apply(options, error) &&
           node_reference_rules(options, &node->reference_rules, error) &&
           reference_rules_take_variables(node->reference_rules, error) &&
           manager_take_sockets(node->sockets, error) && start_keyring_helper(options, error) &&
           data_dir_open(options, DATA_SERVE, &node->data, error) &&
           management_start(options, &node->data, error) &&
           first_key_make(&node->data, options_text(options, "account"), error) &&
           (!with_sandbox || start_sandbox(node, error)) && start_client(node, error) &&
           escrow_new(node->data.path, node->processes.courier, &node->escrow, error) &&
           start_service(node, error) && start_server(node, listen, error) &&
           start_admin(node, error) && start_forecast_watch(node, error) &&
           keyring_watch_start(&node->data, &node->keyring_watch, error);
}

void node_wait_for_end(void)
{
    sigset_t set = waited_signals();
    int number = 0;
    while (sigwait(&set, &number) == 0 && number == SIGHUP)
        continue;
}

static void reload_tls(struct node *node)
{
    struct error error = {0};
    if (server_reload_tls(node->server, &error))
        log_info("SIGHUP: the TLS certificate was reloaded.");
    else
        log_error("SIGHUP: the TLS certificate was not reloaded, the previous one stays in use: %s",
                  error.message);
}

void node_wait(struct node *node)
{
    sigset_t set = waited_signals();
    int number = 0;
    while (sigwait(&set, &number) == 0 && number == SIGHUP) {
        keyring_watch_reload(node->keyring_watch);
        if (options_text(node->options, "tls-cert") || !node->processes.local.runner)
            reload_tls(node);
        local_connectors_reload(&node->processes.local);
    }
    atomic_store(&node->health.stopping, true);
    log_info("Shutting down; waiting for in-flight requests.");
    manager_notify("STOPPING=1");
}
