/* Puts the service together from its parts. */
#include "api/service.h"

#include "api/operation.h"

#include "base/alloc.h"
#include "profile/grant_journal.h"
#include "profile/oauth_app_store.h"
#include "profile/private_connection.h"
#include "profile/upgrade.h"

#include <stdlib.h>

static struct str endpoint_override(void *context, struct str connector_type)
{
    const struct service *service = context;
    for (size_t i = 0; i < service->config.override_count; i++) {
        if (str_eq(service->config.overrides[i].connector_type, connector_type))
            return service->config.overrides[i].base_url;
    }
    return STR_NULL;
}

struct service *service_new(const struct service_config *config)
{
    struct service *service = xcalloc(1, sizeof(*service));
    service->config = *config;
    service->operations = config->operations ? config->operations : appflow_operations;
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
    };
    service->account_limit = concurrency_limit_new(config->account_updates_max);
    service->read_rate = rate_limit_new(config->account_read_rate);
    service->change_rate = rate_limit_new(config->account_change_rate);
    service->workers = pool_new(&(struct pool_config){
        .max_threads = config->worker_count,
        .computing = config->computing_count,
        .queue_max = config->queue_max,
        .host_max = config->vendor_updates_max,
    });
    if (store_is_remote(config->store))
        service->readers = pool_new(&(struct pool_config){
            .max_threads = config->reader_count,
            .queue_max = config->queue_max,
        });
    service->profiles = (struct profile_context){
        .store = config->store,
        .keyring = config->keyring,
        .service_secret = config->service_secret,
        .connectors = &service->connectors,
        .private_routes = config->private_routes,
        .verify_timeout_ms = config->verify_timeout_ms,
        .profile_quota = config->profile_quota,
        .grants_in_flight = grants_in_flight_new(),
        .default_oauth_app = config->default_oauth_app,
    };
    service->profiles.private_connections =
        job_runner_new(&private_connection_kind, &service->profiles, config->store);
    return service;
}

bool service_resume(struct service *service, struct error *error)
{
    return profile_upgrade(&service->profiles, error) &&
           job_runner_start(service->profiles.private_connections, error);
}

bool service_stop(struct service *service, int64_t until_ms)
{
    job_runner_stop(service->profiles.private_connections);
    return grants_in_flight_wait(service->profiles.grants_in_flight, until_ms);
}

void service_free(struct service *service)
{
    if (service->readers)
        pool_free(service->readers);
    pool_free(service->workers); /* these give work to the other */
    job_runner_free(service->profiles.private_connections);
    grants_in_flight_free(service->profiles.grants_in_flight);
    oauth_apps_free(service->connectors.apps);
    concurrency_limit_free(service->account_limit);
    rate_limit_free(service->read_rate);
    rate_limit_free(service->change_rate);
    free(service);
}
