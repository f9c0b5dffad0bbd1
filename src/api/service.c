/* Puts the service together from its parts. */
#include "api/service.h"

#include "api/audit_failures.h"
#include "api/operation.h"

#include "auth/aws_role_cache.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "flow/objects_job.h"
#include "flow/run_job.h"
#include "flow/schedule_job.h"
#include "profile/consents_taken.h"
#include "profile/end_lookup.h"
#include "profile/event_bus.h"
#include "profile/grant_escrow.h"
#include "profile/grant_journal.h"
#include "profile/metadata_cache.h"
#include "profile/oauth_app_store.h"
#include "profile/private_connection.h"
#include "profile/secret_mirror.h"
#include "profile/token_keeper.h"
#include "profile/token_lane.h"
#include "profile/webhook.h"
#include "store/restored.h"
#include "vault/seal.h"
#include "work/call_quota.h"
#include "work/host_breaker.h"

#include <stdlib.h>
#include <string.h>

/* Few requests a call of a function, each for a commit or, seldom, a renewal of a token. */
enum { INNER_WORKERS = 64, INNER_QUEUE_MAX = 1024 };

static struct str endpoint_override(void *context, struct str connector_type)
{
    const struct service *service = context;
    for (size_t i = 0; i < service->config.override_count; i++) {
        if (str_eq(service->config.overrides[i].connector_type, connector_type))
            return service->config.overrides[i].base_url;
    }
    return STR_NULL;
}

/* What events are delivered to. */
static void make_receivers(struct service *service)
{
    const struct service_config *config = &service->config;
    struct profile_context *profiles = &service->profiles;
    if (config->webhook_url.len > 0) {
        service->webhook = webhook_new(&(struct webhook_config){
            .client = config->client,
            .url = config->webhook_url,
            .secrets = config->webhook_secrets,
        });
        const struct event_receiver receiver = webhook_receiver(service->webhook);
        service->webhook_delivery = event_delivery_new(config->store, &receiver);
        profiles->webhook = job_runner_new(&webhook_kind, service->webhook_delivery, config->store);
    }
    if (config->events_url.len > 0) {
        service->event_bus = event_bus_new(&(struct event_bus_config){
            .aws = *config->aws_account,
            .roles = service->connectors.s3_roles,
            .url = config->events_url,
            .name = config->events_bus,
            .source = config->events_source,
        });
        const struct event_receiver receiver = event_bus_receiver(service->event_bus);
        service->bus_delivery = event_delivery_new(config->store, &receiver);
        profiles->event_bus = job_runner_new(&event_bus_kind, service->bus_delivery, config->store);
    }
}

static void make_job_runners(struct service *service)
{
    struct profile_context *profiles = &service->profiles;
    struct store *store = service->config.store;
    profiles->private_connections = job_runner_new(&private_connection_kind, profiles, store);
    service->flow_objects = job_runner_new(&flow_objects_kind, store, store);
    service->glue = (struct glue_config){
        .aws = &service->aws,
        .roles = aws_role_cache_new(),
        .sts_url = service->config.sts_url,
        .url = service->config.glue_url,
    };
    service->flow_engine = (struct flow_engine_config){
        .profiles = profiles,
        .s3 = service->config.s3,
        .glue = &service->glue,
        .roles = service->connectors.s3_roles, /* of the same roles, for lists of buckets */
        .objects = service->flow_objects,
        .since_ms = clock_wall_ms(),
        .quotas = call_quotas_new(),
    };
    service->flow_runs = job_runner_new(&flow_run_kind, &service->flow_engine, store);
    service->flow_schedule = (struct flow_schedule_context){profiles, service->flow_runs};
    service->flow_schedules = job_runner_new(&flow_schedule_kind, &service->flow_schedule, store);
    service->flow_engine.flow_schedules = service->flow_schedules;
    if (service->config.mirrors_secrets)
        profiles->secret_mirror = job_runner_new(&secret_mirror_kind, profiles, store);
    if (service->config.keeps_tokens) {
        profiles->token_keeper = job_runner_new(&token_keeper_kind, profiles, store);
        profiles->end_lookups = job_runner_new(&end_lookup_kind, profiles, store);
    }
    make_receivers(service);
}

/* What connectors need: the client, apps and AWS, and the functions of registered ones. */
static void make_connector_env(struct service *service)
{
    const struct service_config *config = &service->config;
    service->aws = (struct aws_access){
        .client = config->client,
        .access_key_id = config->aws_access_key_id,
        .secret_access_key =
            config->aws_access_key_id.len > 0 ? config->aws_secret_access_key : NULL,
        .session_token = config->aws_session_token,
    };
    struct oauth_apps_config apps = {
        .aws = &service->aws,
        .find = oauth_app_stored_find,
        .find_context = &service->profiles,
        .secrets_manager_url = config->secrets_manager_url,
    };
    service->connectors = (struct connector_env){
        .client = config->client,
        .endpoint_override = endpoint_override,
        .endpoint_context = service,
        .apps = oauth_apps_new(&apps),
        .aws = &service->aws,
        .sts_url = config->sts_url,
        .s3 = config->s3,
        .s3_roles = aws_role_cache_new(),
        .functions = config->functions,
        .token_urls = config->token_urls,
        .token_url_count = config->token_url_count,
    };
}

static void make_hash_key(struct profile_context *profiles)
{
    const struct str parts[] = {STR("credentials hash")};
    unsigned char hash[KEYED_HASH_SIZE];
    if (!profiles->service_secret)
        return;
    keyed_hash(profiles->service_secret, parts, 1, hash);
    memcpy(profiles->credentials_hash_key, hash, sizeof(profiles->credentials_hash_key));
    explicit_bzero(hash, sizeof(hash));
}

struct service *service_new(const struct service_config *config)
{
    struct service *service = xcalloc(1, sizeof(*service));
    service->config = *config;
    service->operations = config->operations ? config->operations : appflow_operations;
    make_connector_env(service);
    service->account_limit = concurrency_limit_new(config->account_updates_max);
    service->read_rate = rate_limit_new(config->account_read_rate);
    service->change_rate = rate_limit_new(config->account_change_rate);
    service->audit_failures = audit_failures_new(&(struct audit_failures_config){
        .store = config->store,
        .rows_an_hour = config->audit_failures_an_hour,
        .window_ms = config->audit_repeat_ms,
    });
    service->workers = pool_new(&(struct pool_config){
        .max_threads = config->worker_count,
        .computing = config->computing_count,
        .queue_max = config->queue_max,
        .host_max = config->vendor_updates_max,
        .account_max = (size_t)config->account_updates_max,
        .account_queue_max = (size_t)config->account_updates_max,
    });
    service->inner_workers = pool_new(&(struct pool_config){
        .max_threads = INNER_WORKERS,
        .queue_max = INNER_QUEUE_MAX,
    });
    service->escrow_pool = pool_new(&(struct pool_config){.max_threads = 1, .queue_max = 1});
    if (store_is_remote(config->store))
        service->readers = pool_new(&(struct pool_config){
            .max_threads = config->reader_count,
            .queue_max = config->queue_max,
            .account_max = (size_t)config->reader_count, /* reads are short, and take turns */
        });
    service->profiles = (struct profile_context){
        .store = config->store,
        .memory = config->memory,
        .keyring = config->keyring,
        .service_secret = config->service_secret,
        .connectors = &service->connectors,
        .private_routes = config->private_routes,
        .references = config->references,
        .data_keys = config->data_keys,
        .verify_timeout_ms = config->verify_timeout_ms,
        .previous_ms = config->previous_credentials_ms,
        .profile_quota = config->profile_quota,
        .grants_in_flight = grants_in_flight_new(),
        .consents_taken = consents_taken_new(),
        .escrow = config->escrow,
        .escrow_pool = service->escrow_pool,
        .metadata = metadata_cache_new(),
        .token_hosts = host_breakers_new(),
        .token_lanes = token_lanes_new(),
        .default_oauth_app = config->default_oauth_app,
    };
    make_hash_key(&service->profiles);
    make_job_runners(service);
    return service;
}

/* Those that this node has. */
enum { JOB_RUNNERS = 9 };

static size_t list_runners(const struct service *service, struct job_runner *out[JOB_RUNNERS])
{
    const struct profile_context *profiles = &service->profiles;
    struct job_runner *const all[JOB_RUNNERS] = {profiles->private_connections,
                                                 profiles->secret_mirror,
                                                 profiles->token_keeper,
                                                 profiles->end_lookups,
                                                 profiles->webhook,
                                                 profiles->event_bus,
                                                 service->flow_runs,
                                                 service->flow_objects,
                                                 service->flow_schedules};
    size_t count = 0;
    for (size_t i = 0; i < JOB_RUNNERS; i++) {
        if (all[i])
            out[count++] = all[i];
    }
    return count;
}

bool service_resume(struct service *service, struct error *error)
{
    struct job_runner *runners[JOB_RUNNERS];
    size_t count = list_runners(service, runners);
    bool ok = restored_at(service->config.store, &service->profiles.restored_at_ms, error);
    if (ok)
        grant_escrow_learn(&service->profiles);
    for (size_t i = 0; ok && i < count; i++)
        ok = job_runner_start(runners[i], error);
    if (ok)
        grant_escrow_look(&service->profiles);
    return ok;
}

bool service_stop(struct service *service, int64_t until_ms)
{
    struct job_runner *runners[JOB_RUNNERS];
    size_t count = list_runners(service, runners);
    for (size_t i = 0; i < count; i++)
        job_runner_stop(runners[i]);
    return grants_in_flight_wait(service->profiles.grants_in_flight, until_ms);
}

void service_free(struct service *service)
{
    if (service->readers)
        pool_free(service->readers);
    pool_free(service->workers); /* first: its jobs hand work to all that follows */
    pool_free(service->inner_workers);
    audit_failures_free(service->audit_failures);
    struct job_runner *runners[JOB_RUNNERS];
    size_t count = list_runners(service, runners);
    for (size_t i = 0; i < count; i++)
        job_runner_join(runners[i]);
    for (size_t i = 0; i < count; i++)
        job_runner_free(runners[i]);
    pool_free(service->escrow_pool); /* after the keeper, which posts to it */
    event_delivery_free(service->webhook_delivery);
    event_delivery_free(service->bus_delivery);
    webhook_free(service->webhook);
    event_bus_free(service->event_bus);
    call_quotas_free(service->flow_engine.quotas);
    host_breakers_free(service->profiles.token_hosts);
    token_lanes_free(service->profiles.token_lanes);
    grants_in_flight_free(service->profiles.grants_in_flight);
    consents_taken_free(service->profiles.consents_taken);
    metadata_cache_free(service->profiles.metadata);
    oauth_apps_free(service->connectors.apps);
    aws_role_cache_free(service->connectors.s3_roles);
    aws_role_cache_free(service->glue.roles);
    concurrency_limit_free(service->account_limit);
    rate_limit_free(service->read_rate);
    rate_limit_free(service->change_rate);
    free(service);
}
