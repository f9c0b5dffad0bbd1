/* Places, a queue, and trying again while the store cannot be written. */
#include "service/provisioner.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timed.h"
#include "service/profile_provision.h"
#include "service/service.h"
#include "service/workers.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    RESUME_PAGE = 100,
    /* Between looks for what a node that died left behind, where nodes share a store. */
    SWEEP_MS = 15 * 1000,
};

struct provisioner {
    const struct service *service;
    struct workers *workers;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stopped;
    bool stopping;
    int places;       /* taken */
    struct job *jobs; /* what is queued or under way */
    bool sweeps;      /* the thread below was started */
    pthread_t sweeper;
};

struct job {
    struct provisioner *provisioner;
    struct profile_provision *provision;
    struct arena arena;
    struct profile_key key; /* what it is of: fixed, unlike what the provision holds */
    int64_t version;
    struct job *next;
};

struct provisioner *provisioner_new(const struct service *service)
{
    struct provisioner *provisioner = xcalloc(1, sizeof(*provisioner));
    provisioner->service = service;
    provisioner->workers = workers_new(&(struct workers_config){
        .max_threads = PROVISION_THREADS,
        .queue_max = PROVISION_MAX,
    });
    pthread_mutex_init(&provisioner->lock, NULL);
    cond_init_timed(&provisioner->stopped);
    return provisioner;
}

void provisioner_stop(struct provisioner *provisioner)
{
    pthread_mutex_lock(&provisioner->lock);
    provisioner->stopping = true;
    pthread_cond_broadcast(&provisioner->stopped);
    pthread_mutex_unlock(&provisioner->lock);
}

void provisioner_free(struct provisioner *provisioner)
{
    provisioner_stop(provisioner);
    if (provisioner->sweeps)
        pthread_join(provisioner->sweeper, NULL);
    workers_free(provisioner->workers);
    pthread_cond_destroy(&provisioner->stopped);
    pthread_mutex_destroy(&provisioner->lock);
    free(provisioner);
}

static bool take_place(struct provisioner *provisioner)
{
    pthread_mutex_lock(&provisioner->lock);
    bool free_place = provisioner->places < PROVISION_MAX;
    provisioner->places += free_place;
    pthread_mutex_unlock(&provisioner->lock);
    return free_place;
}

bool provisioner_reserve(struct provisioner *provisioner, struct error *error)
{
    if (take_place(provisioner))
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_PRIVATE_CONNECTIONS, 0);
    return fail(error, ERR_THROTTLING,
                "Rate exceeded: as many private connections as there may be are being made.");
}

int provisioner_places_taken(struct provisioner *provisioner)
{
    pthread_mutex_lock(&provisioner->lock);
    int places = provisioner->places;
    pthread_mutex_unlock(&provisioner->lock);
    return places;
}

void provisioner_give_back(struct provisioner *provisioner)
{
    pthread_mutex_lock(&provisioner->lock);
    provisioner->places--;
    pthread_mutex_unlock(&provisioner->lock);
}

static bool is_stopping(void *context)
{
    struct provisioner *provisioner = context;
    pthread_mutex_lock(&provisioner->lock);
    bool stopping = provisioner->stopping;
    pthread_mutex_unlock(&provisioner->lock);
    return stopping;
}

static void wait_a_while(struct provisioner *provisioner, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    pthread_mutex_lock(&provisioner->lock);
    while (!provisioner->stopping &&
           cond_wait_until(&provisioner->stopped, &provisioner->lock, until_ms))
        continue;
    pthread_mutex_unlock(&provisioner->lock);
}

static struct job *begin_job(struct provisioner *provisioner, const struct profile *profile)
{
    struct job *job = xcalloc(1, sizeof(*job));
    job->provisioner = provisioner;
    job->provision = profile_provision_new(provisioner->service, profile->key, profile->version);
    job->version = profile->version;
    job->key = (struct profile_key){
        .account = arena_copy(&job->arena, profile->key.account),
        .region = arena_copy(&job->arena, profile->key.region),
        .name = arena_copy(&job->arena, profile->key.name),
    };
    pthread_mutex_lock(&provisioner->lock);
    job->next = provisioner->jobs;
    provisioner->jobs = job;
    pthread_mutex_unlock(&provisioner->lock);
    return job;
}

static void end_job(struct job *job)
{
    struct provisioner *provisioner = job->provisioner;
    pthread_mutex_lock(&provisioner->lock);
    struct job **link = &provisioner->jobs;
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    pthread_mutex_unlock(&provisioner->lock);
    profile_provision_free(job->provision);
    arena_done(&job->arena);
    free(job);
}

static bool is_of(const struct job *job, const struct profile *profile)
{
    const struct profile_key *key = &profile->key;
    return job->version == profile->version && str_eq(job->key.name, key->name) &&
           str_eq(job->key.region, key->region) && str_eq(job->key.account, key->account);
}

static bool is_under_way(struct provisioner *provisioner, const struct profile *profile)
{
    pthread_mutex_lock(&provisioner->lock);
    const struct job *job = provisioner->jobs;
    while (job && !is_of(job, profile))
        job = job->next;
    pthread_mutex_unlock(&provisioner->lock);
    return job;
}

static void run(void *argument)
{
    struct job *job = argument;
    struct provisioner *provisioner = job->provisioner;
    while (!is_stopping(provisioner) &&
           profile_provision_run(job->provision, is_stopping, provisioner) == PROVISION_AGAIN)
        wait_a_while(provisioner, PROVISION_RETRY_MS);
    end_job(job);
    provisioner_give_back(provisioner);
}

void provisioner_post(struct provisioner *provisioner, const struct profile *profile)
{
    struct job *job = begin_job(provisioner, profile);
    if (workers_post(provisioner->workers, STR_NULL, run, job, NULL))
        return;
    log_error("The private connection of %.*s waits for the next start: no thread can be started.",
              STR_ARG(profile->key.name));
    end_job(job);
    provisioner_give_back(provisioner);
}

static bool read_page(struct provisioner *provisioner, struct arena *arena,
                      struct profile_key after, struct profile **ret_profiles, size_t *ret_count,
                      struct error *error)
{
    struct store *store = provisioner->service->config.store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok =
        profile_list_pending(reader, arena, after, RESUME_PAGE, ret_profiles, ret_count, error);
    store_reader_put(store, reader);
    return ok;
}

/* More than there are places were there only when a start could not take them up before: those
 * wait for the next one. */
static bool post_all(struct provisioner *provisioner, struct arena *arena, size_t *ret_posted,
                     struct error *error)
{
    struct profile_key after = {STR(""), STR(""), STR("")};
    struct profile *profiles;
    size_t count = RESUME_PAGE;
    while (count == RESUME_PAGE) {
        if (!read_page(provisioner, arena, after, &profiles, &count, error))
            return false;
        for (size_t i = 0; i < count; i++) {
            if (is_under_way(provisioner, &profiles[i]))
                continue;
            if (!take_place(provisioner))
                return true;
            provisioner_post(provisioner, &profiles[i]);
            (*ret_posted)++;
        }
        if (count > 0)
            after = profiles[count - 1].key;
    }
    return true;
}

static bool go_on(struct provisioner *provisioner, struct error *error)
{
    struct arena arena = {0};
    size_t posted = 0;
    bool ok = post_all(provisioner, &arena, &posted, error);
    arena_done(&arena);
    if (posted > 0)
        log_info("Going on with %zu private connections.", posted);
    return ok;
}

static void *sweep(void *argument)
{
    struct provisioner *provisioner = argument;
    struct error error;
    pthread_setname_np(pthread_self(), "sweeper");
    for (;;) {
        wait_a_while(provisioner, SWEEP_MS);
        if (is_stopping(provisioner))
            return NULL;
        go_on(provisioner, &error); /* what failed was logged by the store, and is tried again */
    }
}

bool provisioner_resume(struct provisioner *provisioner, struct error *error)
{
    if (!go_on(provisioner, error))
        return false;
    if (!store_is_remote(provisioner->service->config.store))
        return true;
    if (pthread_create(&provisioner->sweeper, NULL, sweep, provisioner) != 0)
        return fail(error, ERR_UNAVAILABLE, "No thread for private connections can be started.");
    provisioner->sweeps = true;
    return true;
}
