/* Places, a queue, and trying again while the store cannot be written. */
#include "service/provisioner.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/metrics.h"
#include "service/profile_provision.h"
#include "service/service.h"
#include "service/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { RESUME_PAGE = 100 };

struct provisioner {
    const struct service *service;
    struct workers *workers;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stopped;
    bool stopping;
    int places; /* taken */
};

struct job {
    struct provisioner *provisioner;
    struct profile_provision *provision;
};

struct provisioner *provisioner_new(const struct service *service)
{
    struct provisioner *provisioner = xcalloc(1, sizeof(*provisioner));
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    provisioner->service = service;
    provisioner->workers = workers_new(&(struct workers_config){
        .max_threads = PROVISION_THREADS,
        .queue_max = PROVISION_MAX,
    });
    pthread_mutex_init(&provisioner->lock, NULL);
    pthread_cond_init(&provisioner->stopped, &attributes);
    pthread_condattr_destroy(&attributes);
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

static void wait_a_while(struct provisioner *provisioner)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PROVISION_RETRY_MS / 1000;
    pthread_mutex_lock(&provisioner->lock);
    while (!provisioner->stopping &&
           pthread_cond_timedwait(&provisioner->stopped, &provisioner->lock, &until) == 0)
        continue;
    pthread_mutex_unlock(&provisioner->lock);
}

static void run(void *argument)
{
    struct job *job = argument;
    struct provisioner *provisioner = job->provisioner;
    while (!is_stopping(provisioner) &&
           profile_provision_run(job->provision, is_stopping, provisioner) == PROVISION_AGAIN)
        wait_a_while(provisioner);
    profile_provision_free(job->provision);
    free(job);
    provisioner_give_back(provisioner);
}

void provisioner_post(struct provisioner *provisioner, const struct profile *profile)
{
    struct job *job = xcalloc(1, sizeof(*job));
    job->provisioner = provisioner;
    job->provision = profile_provision_new(provisioner->service, profile->key, profile->version);
    if (workers_post(provisioner->workers, STR_NULL, run, job, NULL))
        return;
    log_error("The private connection of %.*s waits for the next start: no thread can be started.",
              STR_ARG(profile->key.name));
    profile_provision_free(job->provision);
    free(job);
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

bool provisioner_resume(struct provisioner *provisioner, struct error *error)
{
    struct arena arena = {0};
    size_t posted = 0;
    bool ok = post_all(provisioner, &arena, &posted, error);
    arena_done(&arena);
    if (posted > 0)
        log_info("Going on with %zu private connections.", posted);
    return ok;
}
