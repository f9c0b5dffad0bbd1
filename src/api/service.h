/* The service: everything that the operations need, made once at the start. */
#pragma once

#include "api/regions.h"
#include "auth/function_session.h"
#include "auth/oauth_app.h"
#include "base/error.h"
#include "base/str.h"
#include "connector/env.h"
#include "flow/run_tables.h"
#include "flow/schedule_job.h"
#include "net/client/client.h"
#include "net/private_routes.h"
#include "net/server/server.h"
#include "profile/context.h"
#include "store/core/store.h"
#include "vault/keyring.h"
#include "vault/secret.h"
#include "work/concurrency_limit.h"
#include "work/pool.h"
#include "work/rate_limit.h"

#include <stdbool.h>
#include <stdint.h>

struct function_runner;
struct generation_floor;
struct event_bus;
struct event_delivery;
struct webhook;
struct webhook_secrets;

struct endpoint_override {
    struct str connector_type;
    struct str base_url;
};

struct service_config {
    struct store *store;
    const struct operation *operations; /* NULL: appflow_operations */
    const struct keyring *keyring;
    const struct secret *service_secret; /* see service_secret_open */
    struct generation_floor *key_generations;
    struct client *client;
    struct str sandbox_url;    /* vendors are mock servers, whose pages browsers reach at this and
                                * "HOST/PATH"; empty: they are real */
    struct str public_url;     /* where browsers reach this server; STR_NULL: where clients do */
    int64_t verify_timeout_ms; /* for all calls to the vendor that one request makes */
    int64_t previous_credentials_ms; /* of struct profile_context */
    int64_t profile_quota;           /* profiles an account may have in a region; 0: no limit */
    struct memory_limit *memory;     /* of all requests and vendor calls; NULL: no limit */
    struct regions regions;          /* beside AWS's; live as long as the service */
    int worker_count;
    int computing_count;       /* of those, that compute at once; 0: any number */
    int reader_count;          /* where the store is remote: reads at once */
    size_t queue_max;          /* changes that may wait for a worker */
    size_t vendor_updates_max; /* changes that call one host at once; 0: see work/host_share.h */
    long account_updates_max;  /* changes of one account at once; 0: see work/host_share.h */
    struct rate account_read_rate; /* of one account; changes are no reads */
    struct rate account_change_rate;
    long audit_failures_an_hour; /* rows of one account; 0: no limit */
    int64_t audit_repeat_ms;     /* window for failures that repeat; 0: a row for each */
    const struct endpoint_override *overrides; /* live as long as the service */
    size_t override_count;
    const struct private_routes *private_routes; /* never NULL; live as long as the service */
    struct references *references;               /* of profiles; NULL: none may be used */
    struct data_keys *data_keys;                 /* of profiles; NULL: there is no AWS KMS */
    const struct s3_config *s3;                  /* of flows; lives as long as the service */
    struct str glue_url;                         /* of flows */
    struct str secrets_manager_url;              /* STR_NULL or empty: AWS's own */
    struct str sts_url;                          /* as well */
    const struct str *token_urls; /* see connector_env; live as long as the service */
    size_t token_url_count;
    struct escrow *escrow;                         /* see profile_context */
    struct function_runner *functions;             /* of custom connectors; NULL: none */
    struct function_breakers *function_breakers;   /* of these; NULL: none */
    bool mirrors_secrets;                          /* runners among them read copies of secrets */
    bool keeps_tokens;                             /* renews OAuth tokens before they end */
    bool sub_minute_schedules;                     /* are accepted */
    struct function_sessions *function_sessions;   /* of local processes; NULL: there are none */
    struct local_runner *local_runner;             /* of these; NULL: there are none */
    struct str webhook_url;                        /* where events go; STR_NULL or empty: nowhere */
    const struct webhook_secrets *webhook_secrets; /* with webhook_url */
    const struct aws_account_config
        *aws_account;         /* with events_url; lives as long as the service */
    struct str events_url;    /* of EventBridge, for events of runs; STR_NULL or empty: none */
    struct str events_bus;    /* with events_url */
    struct str events_source; /* see event_bus_config */
    struct str aws_access_key_id;
    const struct secret *aws_secret_access_key;
    const struct secret *aws_session_token;
    /* Used when the operator has set no OAuth app for a connector; NULL: none. Outputs are
     * STR_NULL when there is none either. */
    void (*default_oauth_app)(struct str connector_type, struct str *ret_client_id,
                              struct str *ret_client_secret);
};

struct audit_failures;
struct service {
    struct service_config config;
    const struct operation *operations; /* a row for each operation of the model */
    struct aws_access aws;
    struct connector_env connectors;
    struct pool *workers;
    struct pool *escrow_pool;   /* of struct profile_context */
    struct pool *inner_workers; /* requests of connectors' functions that workers wait for */
    struct pool *readers;       /* what waits for the store alone; NULL where it never waits */
    struct concurrency_limit *account_limit;
    struct rate_limit *read_rate; /* NULL: no limit */
    struct rate_limit *change_rate;
    struct audit_failures *audit_failures;
    struct webhook *webhook; /* NULL: there is none; as the next */
    struct event_bus *event_bus;
    struct event_delivery *webhook_delivery, *bus_delivery; /* to these */
    struct job_runner *flow_runs, *flow_objects;
    struct flow_engine_config flow_engine; /* of flow_runs */
    struct glue_config glue;               /* of flow_engine */
    struct job_runner *flow_schedules;
    struct flow_schedule_context flow_schedule; /* of flow_schedules */
    struct profile_context profiles;
};

struct service *service_new(const struct service_config *config);
/* Goes on with what the last run left unfinished. */
_must_use_ bool service_resume(struct service *service, struct error *error);
/* From now on what is cut short counts as unfinished. Waits until until_ms, on clock_mono_ms(), for
 * codes that are being exchanged; false when some still are. Call it before the client
 * is stopped.
 */
bool service_stop(struct service *service, int64_t until_ms);
/* Ends the workers after what they have in hand. Stop the HTTP server first. */
void service_free(struct service *service);

/* The hooks that the HTTP server calls; the context of each is the service. */
void service_handle(void *service, struct http_exchange *exchange);
void service_refuse(void *service, const struct http_refusal *refusal, struct arena *arena,
                    struct http_response *ret_response);
void service_rest(void *service, struct server_loop *loop);
void service_loop_end(void *service, struct server_loop *loop);
