/* The API's metrics, the numbers that other rooms keep, and the order in which every room's metrics
 * are written. A room's own rows are in the file that counts them. */
#include "api/metrics.h"

#include "api/access_log.h"
#include "api/operation.h"
#include "auth/secret_cache.h"
#include "base/clock.h"
#include "base/log_output.h"
#include "connector/custom/function_breaker.h"
#include "connector/custom/local_runner.h"
#include "flow/run_job.h"
#include "flow/run_metrics.h"
#include "flow/run_tables.h"
#include "flow/schedule_job.h"
#include "job/job.h"
#include "net/resolve.h"
#include "profile/credential_event.h"
#include "profile/end_lookup.h"
#include "profile/event_bus.h"
#include "profile/fallback.h"
#include "profile/forecast_watch.h"
#include "profile/grant_escrow.h"
#include "profile/metadata_cache.h"
#include "profile/private_connection.h"
#include "profile/token_ahead.h"
#include "profile/token_keeper.h"
#include "profile/trace.h"
#include "profile/verify.h"
#include "profile/webhook.h"
#include "store/audit.h"
#include "store/db/db.h"
#include "wire/errors.h"
#include "work/call_quota.h"

static struct str outcome_name(size_t value)
{
    return value == ERR_NONE ? STR("ok") : str_from(error_kind((int)value)->exception);
}

static const char *const limit_names[LIMIT_COUNT] = {
    [LIMIT_QUEUE] = "queue",
    [LIMIT_ACCOUNT_SHARE] = "account-share",
    [LIMIT_VENDOR_SHARE] = "vendor-share",
    [LIMIT_ACCOUNT_UPDATES] = "account-updates",
    [LIMIT_REQUEST_MEMORY] = "request-memory",
    [LIMIT_ACCOUNT_READ_RATE] = "account-read-rate",
    [LIMIT_ACCOUNT_CHANGE_RATE] = "account-change-rate",
};

#define OPERATION                                                                                  \
    {                                                                                              \
        "operation", METRIC_OPERATIONS, .name_of = operation_metric_name                           \
    }

const struct metric metric_requests = {
    "headgate_requests_total",
    "Requests by operation and outcome (ok, or the exception).",
    .labels = {OPERATION, {"outcome", ERR_COUNT, .name_of = outcome_name}},
    METRIC_SERIES((METRIC_OPERATIONS) * (ERR_COUNT)),
};

const struct metric metric_request_seconds = {
    "headgate_request_duration_seconds",
    "From a whole request to its answer, by operation.",
    .labels = {OPERATION},
    .scale = &metric_times,
    METRIC_HISTOGRAMS(METRIC_OPERATIONS),
};

const struct metric metric_throttled = {
    "headgate_throttled_total",
    "Requests answered 429 because a limit was reached, by limit.",
    .labels = {{"limit", LIMIT_COUNT, limit_names, NULL}},
    METRIC_SERIES(LIMIT_COUNT),
};

/* --- what other rooms keep, set before it is written --- */

#define KEPT(row, kind_, name_, help_)                                                             \
    static const struct metric row = {name_, help_, .kind = kind_, METRIC_SERIES(1)}

KEPT(log_lines, METRIC_COUNTER, "headgate_log_lines_lost_total",
     "Log lines lost because standard error was not read in time.");
KEPT(connections_open, METRIC_GAUGE, "headgate_connections_open",
     "Connections of clients of the API.");
KEPT(request_memory, METRIC_GAUGE, "headgate_request_memory_bytes",
     "Memory that requests, answers and vendor calls hold or have reserved.");
KEPT(metadata_bytes, METRIC_GAUGE, "headgate_metadata_cache_bytes",
     "Memory of cached entities and fields.");
KEPT(functions_held, METRIC_GAUGE, "headgate_functions_held",
     "Connectors' functions that are not called, since they did not answer.");
KEPT(local_processes, METRIC_GAUGE, "headgate_local_processes", "Processes of local connectors.");
KEPT(local_processes_idle, METRIC_GAUGE, "headgate_local_processes_idle",
     "Of those, processes that have no call in hand.");
KEPT(local_calls_waiting, METRIC_GAUGE, "headgate_local_calls_waiting",
     "Calls of local connectors that wait for a process.");
KEPT(local_processes_started, METRIC_COUNTER, "headgate_local_processes_started_total",
     "Processes of local connectors that were started.");
KEPT(local_processes_failed, METRIC_COUNTER, "headgate_local_processes_failed_total",
     "Of those, processes that crashed, hung or did not start.");
KEPT(http_refused, METRIC_COUNTER, "headgate_http_refused_total",
     "What came in and was no request: malformed, too large, too slow, or "
     "past a limit of connections.");
KEPT(workers_started, METRIC_GAUGE, "headgate_workers", "Worker threads that were started.");
KEPT(workers_busy, METRIC_GAUGE, "headgate_workers_busy",
     "Worker threads that have a change in hand.");
KEPT(workers_queued, METRIC_GAUGE, "headgate_workers_queued", "Changes that wait for a worker.");
KEPT(workers_held, METRIC_GAUGE, "headgate_workers_held",
     "Of those, changes whose account or vendor has its share of the workers.");
KEPT(provisioning_all, METRIC_GAUGE, "headgate_provisioning",
     "Private connections that are being made or wait for it.");
KEPT(provisioning_queued, METRIC_GAUGE, "headgate_provisioning_queued",
     "Private connections that wait for a thread.");
KEPT(provisioning_held, METRIC_GAUGE, "headgate_provisioning_held",
     "Of those, that wait because their host has its share.");
KEPT(flow_run_slots, METRIC_GAUGE, "headgate_flow_run_slots",
     "Runs of flows in progress that this node holds.");
KEPT(flow_runs_queued, METRIC_GAUGE, "headgate_flow_runs_queued",
     "Of those, runs that wait for a thread.");
KEPT(vendor_customers_held, METRIC_GAUGE, "headgate_vendor_customers_held",
     "Customers of vendors that no run calls until a time that the vendor named.");
KEPT(vendor_calls_held, METRIC_GAUGE, "headgate_vendor_calls_held",
     "Calls of runs that wait for their turn at a vendor that limits them.");
KEPT(committer_queued, METRIC_GAUGE, "headgate_committer_queued", "Writes that wait for a commit.");
KEPT(store_failing, METRIC_GAUGE, "headgate_store_failing",
     "1 when the last batch of writes failed, else 0.");
KEPT(audit_rows_lost, METRIC_COUNTER, "headgate_audit_entries_lost_total",
     "Changes without an audit entry (--audit-required no).");
KEPT(audit_cut_off, METRIC_COUNTER, "headgate_audit_cut_off_total",
     "How often audit entries that this server had written were gone.");
KEPT(store_bytes, METRIC_GAUGE, "headgate_store_bytes", "Size of the embedded database's files.");

static void set_functions(const struct service *service)
{
    struct function_breakers *breakers = service->config.function_breakers;
    metrics_set(&functions_held, breakers ? (int64_t)function_breakers_open(breakers) : 0);
}

static void set_local(const struct service *service)
{
    struct local_runner *runner = service->config.local_runner;
    struct local_runner_counts local = {0};
    if (runner)
        local = local_runner_counts(runner);
    metrics_set(&local_processes, (int64_t)local.processes);
    metrics_set(&local_processes_idle, (int64_t)local.idle);
    metrics_set(&local_calls_waiting, (int64_t)local.waiting);
    metrics_set(&local_processes_started, (int64_t)local.started);
    metrics_set(&local_processes_failed, (int64_t)local.failed);
}

static void set_quotas(const struct service *service)
{
    struct call_quota_counts quotas =
        call_quotas_counts(service->flow_engine.quotas, clock_mono_ms());
    metrics_set(&vendor_customers_held, (int64_t)quotas.waiting);
    metrics_set(&vendor_calls_held, (int64_t)quotas.held);
}

static void set_kept(const struct service *service, struct server *server)
{
    struct pool_counts workers = pool_counts(service->workers);
    struct job_counts provisioning = job_runner_counts(service->profiles.private_connections);
    struct job_counts runs = job_runner_counts(service->flow_runs);
    struct store_counts store = store_counts(service->config.store);
    struct server_counts http = server_counts(server);
    metrics_set(&log_lines, log_lines_lost());
    metrics_set(&connections_open, (int64_t)http.connections_open);
    metrics_set(&request_memory, (int64_t)memory_limit_bytes(service->config.memory));
    metrics_set(&metadata_bytes, (int64_t)metadata_cache_bytes(service->profiles.metadata));
    metrics_set(&http_refused, (int64_t)http.refused);
    metrics_set(&workers_started, workers.threads);
    metrics_set(&workers_busy, workers.busy);
    metrics_set(&workers_queued, (int64_t)workers.queued);
    metrics_set(&workers_held, (int64_t)workers.held);
    metrics_set(&provisioning_all, (int64_t)provisioning.slots);
    metrics_set(&provisioning_queued, (int64_t)provisioning.queued);
    metrics_set(&provisioning_held, (int64_t)provisioning.held);
    metrics_set(&flow_run_slots, (int64_t)runs.slots);
    metrics_set(&flow_runs_queued, (int64_t)runs.queued);
    metrics_set(&committer_queued, (int64_t)store.queued);
    metrics_set(&store_failing, store.failing);
    metrics_set(&store_bytes, store.bytes);
    metrics_set(&audit_rows_lost, (int64_t)store_audit_rows_lost(service->config.store));
    metrics_set(&audit_cut_off, (int64_t)store_audit_cut_off(service->config.store));
    set_functions(service);
    set_local(service);
    set_quotas(service);
}

/* --- all rows, in the order of the page: those of one name stay together --- */

static const struct metric *const rows[] = {
    &metric_requests,
    &metric_verifications,
    &metric_metadata,
    &metric_token_renewals,
    &metric_fallbacks,
    &metric_end_lookups,
    &metric_credential_events,
    &metric_webhook_events,
    &metric_bus_events,
    &metric_flow_runs,
    &metric_run_tables,
    &metric_schedule_starts,
    &metric_source_pages,
    &metric_source_bytes,
    &metric_source_records,
    &metric_vendor_waits,
    &metric_vendor_limits,
    &metric_escrow_answers,
    &metric_escrow_slots,
    &metric_client_calls,
    &metric_throttled,
    &metric_private_connections_throttled,
    &metric_writes_throttled,
    &metric_connections_throttled,
    &metric_lookups_throttled,
    &metric_secret_readings_throttled,
    &metric_refused_callers,
    &metric_store_errors,
    &metric_commits_failed,
    &log_lines,
    &metric_request_seconds,
    &metric_verification_seconds,
    &metric_commit_seconds,
    &metric_stage_seconds,
    &metric_commit_writes,
    &metric_schedule_lateness,
    &connections_open,
    &metric_connections_evicted,
    &request_memory,
    &metadata_bytes,
    &http_refused,
    &workers_started,
    &workers_busy,
    &workers_queued,
    &workers_held,
    &provisioning_all,
    &provisioning_queued,
    &provisioning_held,
    &flow_run_slots,
    &flow_runs_queued,
    &vendor_customers_held,
    &vendor_calls_held,
    &metric_tokens_fresh,
    &metric_tokens_due,
    &metric_tokens_refreshing,
    &metric_tokens_backing_off,
    &metric_tokens_dead,
    &metric_token_backlog,
    &metric_webhook_waiting,
    &metric_webhook_age,
    &metric_bus_waiting,
    &metric_bus_age,
    &committer_queued,
    &store_failing,
    &store_bytes,
    &audit_rows_lost,
    &audit_cut_off,
    &metric_function_calls_held,
    &functions_held,
    &local_processes,
    &local_processes_idle,
    &local_calls_waiting,
    &local_processes_started,
    &local_processes_failed,
};

void metrics_page(struct buf *out, const struct service *service, struct server *server,
                  int64_t started_ms)
{
    set_kept(service, server);
    buf_printf(out,
               "# HELP headgate_build_info The program that is running.\n"
               "# TYPE headgate_build_info gauge\n"
               "headgate_build_info{version=\"%s\"} 1\n"
               "# HELP process_start_time_seconds When the server started, since the epoch.\n"
               "# TYPE process_start_time_seconds gauge\n"
               "process_start_time_seconds %lld.%03d\n",
               HEADGATE_VERSION, (long long)(started_ms / 1000), (int)(started_ms % 1000));
    metrics_write(out, rows, sizeof(rows) / sizeof(void *));
    metrics_write(out, forecast_metrics, FORECAST_METRICS);
}
