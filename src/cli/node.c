/* Starting and stopping a server, step by step. */
#include "cli/node.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "cli/access_keys_made.h"
#include "connector/http/http_connector.h"
#include "wire/shape.h"
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
    OPERATIONS_BODY_MAX = 1024,    /* GET requests have none */
    OPERATIONS_IDLE_MS = 5 * 1000, /* so that idle connections do not keep the next probe out */
    OPERATIONS_STOP_MS = 2 * 1000,
    HEAP_KEPT_MAX = 32 * 1024 * 1024, /* bytes of free memory that stay with the process */
    HEAP_PIECE_MAX = 1024 * 1024,     /* bytes; larger pieces are mapped and unmapped singly */
    LIST_TEXT_MAX = 64 * 1024,        /* bytes of an option that is a list, joined */
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
    shapes_init();
}

/* --- rules across options --- */

static bool check_routes(const struct options *options, struct error *error)
{
    const struct option_value *list = options_list(options, "private-route");
    struct private_routes *routes;
    if (!private_routes_new(list->texts, (size_t)list->count, &routes, error))
        return false;
    private_routes_free(routes);
    return true;
}

static struct str endpoint_type(const char *text)
{
    struct str type = STR_NULL, url;
    str_cut(str_from(text), '=', &type, &url);
    return type;
}

static bool check_endpoints(const struct options *options, struct error *error)
{
    const struct option_value *list = options_list(options, "endpoint");
    for (int i = 0; i < list->count; i++) {
        struct str type = endpoint_type(list->texts[i]);
        for (int k = 0; k < i; k++) {
            if (str_eq(type, endpoint_type(list->texts[k])))
                return fail(error, ERR_VALIDATION, "--endpoint is given twice for %.*s.",
                            STR_ARG(type));
        }
    }
    return true;
}

/* The first of these that is set and not empty, with its name; NULL: none. */
static const char *variable(const char *const names[2], const char **ret_name)
{
    for (int i = 0; i < 2; i++) {
        const char *text = getenv(names[i]);
        *ret_name = names[i];
        if (text && *text)
            return text;
    }
    return NULL;
}

/* As in most programs; curl, too, prefers the one in small letters. */
static const char *const proxy_variables[2] = {"https_proxy", "HTTPS_PROXY"};
static const char *const no_proxy_variables[2] = {"no_proxy", "NO_PROXY"};

/* The option, or else the variable; NULL: there is no proxy. */
static const char *proxy_text(const struct options *options, const char **ret_name)
{
    const char *text = options_text(options, "proxy");
    *ret_name = "--proxy";
    return text ? text : variable(proxy_variables, ret_name);
}

bool node_variables_check(const struct options *options, struct error *error)
{
    const char *name, *file = getenv("SSL_CERT_FILE");
    const char *text = proxy_text(options, &name);
    struct error reason;
    struct proxy proxy;
    bool ok = !text || proxy_parse(str_from(text), &proxy, &reason);
    explicit_bzero(&proxy, sizeof(proxy));
    if (!ok)
        return fail(error, ERR_VALIDATION, "invalid value for %s: expected %s.", name,
                    reason.message);
    return !file || !*file || trust_check_file(file, &reason) ||
           fail(error, ERR_VALIDATION, "SSL_CERT_FILE: %s", reason.message);
}

bool node_options_check(const struct options *options, struct error *error)
{
    if (!options_text(options, "tls-cert") != !options_text(options, "tls-key"))
        return fail(error, ERR_VALIDATION, "--tls-cert and --tls-key must be given together.");
    return data_options_check(options, error) && check_endpoints(options, error) &&
           check_routes(options, error);
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
    struct sandbox_config config = {.host = "127.0.0.1"};
    if (!sandbox_start(&config, &node->sandbox, error))
        return false;
    log_info("Sandbox mode: calls to vendors go to the built-in mock servers (127.0.0.1, ports %d "
             "and %d).",
             sandbox_http_port(node->sandbox), sandbox_tls_port(node->sandbox));
    return true;
}

/* A list's values with commas between, as the modules that use them read them. */
static struct buf joined(const struct node *node, const char *option)
{
    const struct option_value *list = options_list(node->options, option);
    struct buf text = buf_on_heap(LIST_TEXT_MAX);
    for (int i = 0; i < list->count; i++)
        buf_printf(&text, "%s%s", i > 0 ? "," : "", list->texts[i]);
    return text;
}

static bool open_egress(struct node *node, struct error *error)
{
    struct buf allowed = joined(node, "egress-allow");
    bool ok = egress_new(allowed.data, &node->egress, error);
    buf_done(&allowed);
    return ok;
}

static void read_proxy(struct node *node, struct client_config *config)
{
    const char *name, *unused;
    const char *text = proxy_text(node->options, &name);
    if (!text || !proxy_parse(str_from(text), &node->proxy, NULL))
        return; /* node_variables_check has refused what is malformed */
    node->no_proxy = joined(node, "no-proxy");
    config->proxy = &node->proxy;
    config->proxy_exceptions = node->no_proxy.len > 0
                                   ? buf_str(&node->no_proxy)
                                   : str_from(variable(no_proxy_variables, &unused));
    log_info("Calls to vendors over https go through the HTTP proxy %s:%d (from %s).",
             node->proxy.host, node->proxy.port, name);
}

static bool start_client(struct node *node, struct error *error)
{
    const struct option_value *routes = options_list(node->options, "private-route");
    if (!open_egress(node, error) ||
        !private_routes_new(routes->texts, (size_t)routes->count, &node->private_routes, error))
        return false;
    struct client_config config = {.egress = node->egress};
    if (node->sandbox) {
        config.trust.pem = sandbox_ca_pem(node->sandbox);
        config.sandbox_tls_port = sandbox_tls_port(node->sandbox);
        config.sandbox_plain_port = sandbox_http_port(node->sandbox);
        config.sandbox_postgres_port = sandbox_database_port(node->sandbox);
    } else {
        config.trust.file = getenv("SSL_CERT_FILE"); /* as OpenSSL has it */
        config.trust.extra_file = options_text(node->options, "vendor-ca");
        read_proxy(node, &config);
    }
    return client_start(&config, &node->client, error);
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

/* The mock servers emulate a discontinued vendor at its former address. */
static void reopen_vendors(struct node *node)
{
    for (size_t i = 0; i < connector_count(); i++) {
        const struct connector *connector = connector_at(i);
        const struct connector_url *row =
            connector->http->api.count > 0 ? connector->http->api.rows : NULL;
        bool named = !row || !row->closed || node->override_count == OPTION_VALUES_MAX;
        for (size_t j = 0; j < node->override_count; j++)
            named = named || str_eq(node->overrides[j].connector_type, connector->type);
        if (!named)
            node->overrides[node->override_count++] =
                (struct endpoint_override){connector->type, str_from(row->url)};
    }
}

/* The credentials that requests to AWS are signed with, from AWS's usual variables. */
static struct str take_aws_credentials(struct node *node)
{
    const char *id = getenv("AWS_ACCESS_KEY_ID");
    node->aws_secret = take_variable("AWS_SECRET_ACCESS_KEY");
    node->aws_session_token = take_variable("AWS_SESSION_TOKEN");
    if (id && node->aws_secret)
        return str_from(id);
    if (!node->sandbox)
        return STR_NULL;
    secret_free(node->aws_secret);
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

static bool start_service(struct node *node, struct error *error)
{
    read_overrides(node);
    if (node->sandbox)
        reopen_vendors(node);
    struct service_config config = {
        .store = node->data.store,
        .keyring = node->data.keys.keyring,
        .service_secret = node->data.keys.service_secret,
        .client = node->client,
        .verify_timeout_ms = 1000 * options_number(node->options, "verify-timeout"),
        .profile_quota = options_number(node->options, "profile-quota"),
        .worker_count = (int)options_number(node->options, "workers"),
        .computing_count = cpu_slots_for_cores(),
        .reader_count = (int)options_number(node->options, "store-connections"),
        .queue_max = (size_t)options_number(node->options, "queue"),
        .vendor_updates_max = (size_t)options_number(node->options, "vendor-updates"),
        .account_updates_max = options_number(node->options, "account-updates"),
        .account_read_rate = read_rate(node, "account-read-rate"),
        .account_change_rate = read_rate(node, "account-change-rate"),
        .overrides = node->overrides,
        .override_count = node->override_count,
        .private_routes = node->private_routes,
        .secrets_manager_url = str_from(options_text(node->options, "secrets-manager-url")),
        .sts_url = str_from(options_text(node->options, "sts-url")),
        .aws_access_key_id = take_aws_credentials(node),
        .default_oauth_app = node->sandbox ? sandbox_oauth_app : NULL,
    };
    config.aws_secret_access_key = node->aws_secret;
    config.aws_session_token = node->aws_session_token;
    node->service = service_new(&config);
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
        .large_bytes_max = (size_t)options_number(node->options, "request-memory") << 20,
        .on_iteration = service_rest,
        .on_loop_end = service_loop_end,
    };
    if (!parse_listen(listen, host, &config.port))
        return fail(error, ERR_VALIDATION, "%s is not HOST:PORT.", listen);
    if (!server_start(&config, &node->server, error))
        return false;
    describe_endpoint(node, config.tls_cert_path != NULL);
    return true;
}

static bool start_operations(struct node *node, struct error *error)
{
    const char *listen = options_text(node->options, "operations");
    char host[LISTEN_HOST_SIZE] = "";
    struct server_config config = {
        .host = host,
        .inherited = node->sockets[MANAGER_OPERATIONS].files,
        .inherited_count = node->sockets[MANAGER_OPERATIONS].count,
        .loops = 1,
        .handler = health_handle,
        .handler_context = &node->health,
        .connections_max = OPERATIONS_CONNECTIONS_MAX,
        .body_max = OPERATIONS_BODY_MAX,
        .idle_timeout_ms = OPERATIONS_IDLE_MS,
    };
    if (!listen && config.inherited_count == 0)
        return true;
    node->health.service = node->service;
    node->health.server = node->server;
    node->health.started_ms = clock_wall_ms();
    if (listen && !parse_listen(listen, host, &config.port))
        return fail(error, ERR_VALIDATION, "%s is not HOST:PORT.", listen);
    if (!server_start(&config, &node->operations, error))
        return false;
    const char *at = server_host(node->operations);
    char url[ENDPOINT_SIZE];
    log_info("Health and metrics: %s/healthz, /readyz, /metrics.",
             endpoint_of(node->operations, false, url));
    if (!is_loopback(at))
        log_warn("Health and metrics are exposed without authentication on %s. Keep that address "
                 "inside your own network.",
                 at);
    return true;
}

bool node_start(struct node *node, const struct options *options, const char *listen,
                bool with_sandbox, struct error *error)
{
    *node = (struct node){.options = options};
    raise_file_limit(options);
    return manager_take_sockets(node->sockets, error) &&
           data_dir_open(options, DATA_SERVE, &node->data, error) &&
           first_key_make(&node->data, options_text(options, "account"), error) &&
           (!with_sandbox || start_sandbox(node, error)) && start_client(node, error) &&
           start_service(node, error) && start_server(node, listen, error) &&
           start_operations(node, error);
}

void node_wait_for_end(void)
{
    sigset_t set = waited_signals();
    int number = 0;
    while (sigwait(&set, &number) == 0 && number == SIGHUP)
        continue;
}

void node_wait(struct node *node)
{
    sigset_t set = waited_signals();
    int number = 0;
    while (sigwait(&set, &number) == 0 && number == SIGHUP) {
        struct error error = {0};
        if (server_reload_tls(node->server, &error))
            log_info("SIGHUP: the TLS certificate was reloaded.");
        else
            log_error("SIGHUP: the TLS certificate was not reloaded, the previous one stays in "
                      "use: %s",
                      error.message);
    }
    atomic_store(&node->health.stopping, true);
    log_info("Shutting down; waiting for in-flight requests.");
    manager_notify("STOPPING=1");
}

/* Probes in flight are still answered. */
static void stop_operations(struct node *node)
{
    if (!node->operations)
        return;
    server_stop(node->operations, OPERATIONS_STOP_MS);
    server_free(node->operations);
}

static void close_sockets(struct node *node)
{
    for (int use = 0; use < MANAGER_USES; use++) {
        for (int i = 0; i < node->sockets[use].count; i++)
            close(node->sockets[use].files[i]);
    }
}

bool node_stop(struct node *node)
{
    int64_t limit_ms = 1000 * options_number(node->options, "stop-timeout");
    int64_t until_ms = clock_mono_ms() + limit_ms;
    atomic_store(&node->health.stopping, true);
    bool whole = !node->server || server_stop(node->server, limit_ms);
    if (node->service)
        whole &= service_stop(node->service, until_ms);
    if (node->client)
        client_stop(node->client); /* requests that still wait for a vendor get an error */
    stop_operations(node);
    if (node->service)
        service_free(node->service);
    if (node->client)
        client_free(node->client);
    if (node->server)
        server_free(node->server);
    if (node->sandbox)
        sandbox_stop(node->sandbox);
    if (node->egress)
        egress_free(node->egress);
    private_routes_free(node->private_routes);
    secret_free(node->aws_secret);
    secret_free(node->aws_session_token);
    explicit_bzero(&node->proxy, sizeof(node->proxy));
    buf_done(&node->no_proxy);
    data_dir_close(&node->data);
    close_sockets(node);
    return whole;
}
