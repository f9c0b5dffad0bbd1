/* Places, a queue, both in shares, and trying again while the store cannot be written. */
#include "profile/private_connection_queue.h"

#include "api/call_hosts.h"
#include "api/service.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timed.h"
#include "profile/private_connection.h"
#include "wire/restjson.h"
#include "work/host_share.h"
#include "work/pool.h"

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
    struct lanes *places;            /* shared out; nobody waits for one */
    struct provision_place *working; /* what is queued or under way */
    bool sweeps;                     /* the thread below was started */
    pthread_t sweeper;
};

/* From the reservation to the end of the work. */
struct provision_place {
    struct provisioner *provisioner;
    struct arena arena;
    struct str hosts;
    struct job share; /* in provisioner->places */
    /* Once it is posted: */
    struct profile_provision *provision;
    struct profile_key key; /* what it is of: fixed, unlike what the provision holds */
    int64_t version;
    struct provision_place *next;
};

/* Whoever has a place finds room in the queue: of a queue twice as long no share is smaller. */
struct provisioner *provisioner_new(const struct service *service)
{
    struct provisioner *provisioner = xcalloc(1, sizeof(*provisioner));
    provisioner->service = service;
    provisioner->workers = workers_new(&(struct workers_config){
        .max_threads = PROVISION_THREADS,
        .queue_max = (size_t)2 * PROVISION_MAX,
        .by_answers = true,
    });
    provisioner->places = lanes_new(&(struct lanes_config){.places = PROVISION_MAX});
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
    lanes_free(provisioner->places);
    pthread_cond_destroy(&provisioner->stopped);
    pthread_mutex_destroy(&provisioner->lock);
    free(provisioner);
}

/* --- places --- */

static enum lanes_room take_place(struct provisioner *provisioner, struct str hosts,
                                  struct provision_place **ret_place)
{
    struct job share;
    pthread_mutex_lock(&provisioner->lock);
    bool none_left = lanes_counts(provisioner->places).in_hand == PROVISION_MAX;
    enum lanes_room room = lanes_enter(provisioner->places, hosts, (struct job){0});
    if (room == LANES_ROOM)
        lanes_next(provisioner->places, &share);
    pthread_mutex_unlock(&provisioner->lock);
    if (room != LANES_ROOM)
        return none_left ? LANES_FULL : LANES_HOST_FULL;
    struct provision_place *place = xcalloc(1, sizeof(*place));
    place->provisioner = provisioner;
    place->hosts = arena_copy(&place->arena, hosts);
    place->share = share;
    *ret_place = place;
    return LANES_ROOM;
}

bool provisioner_reserve(struct provisioner *provisioner, struct str hosts,
                         struct provision_place **ret_place, struct error *error)
{
    enum lanes_room room = take_place(provisioner, hosts, ret_place);
    if (room == LANES_ROOM)
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_PRIVATE_CONNECTIONS, 0);
    return fail(error, ERR_THROTTLING,
                "Rate exceeded: as many private connections%s as there may be are being made.",
                room == LANES_HOST_FULL ? " to this vendor" : "");
}

void provisioner_give_back(struct provision_place *place)
{
    if (!place)
        return;
    struct provisioner *provisioner = place->provisioner;
    pthread_mutex_lock(&provisioner->lock);
    lanes_leave(provisioner->places, &place->share);
    pthread_mutex_unlock(&provisioner->lock);
    arena_done(&place->arena);
    free(place);
}

struct provisioner_counts provisioner_counts(struct provisioner *provisioner)
{
    struct workers_counts workers = workers_counts(provisioner->workers);
    pthread_mutex_lock(&provisioner->lock);
    size_t places = lanes_counts(provisioner->places).in_hand;
    pthread_mutex_unlock(&provisioner->lock);
    return (struct provisioner_counts){places, workers.queued, workers.held};
}

/* --- the work --- */

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

static void begin_work(struct provision_place *place, const struct profile *profile)
{
    struct provisioner *provisioner = place->provisioner;
    place->provision = profile_provision_new(provisioner->service, profile->key, profile->version);
    place->version = profile->version;
    place->key = profile_key_copy(&place->arena, profile->key);
    pthread_mutex_lock(&provisioner->lock);
    place->next = provisioner->working;
    provisioner->working = place;
    pthread_mutex_unlock(&provisioner->lock);
}

static void end_work(struct provision_place *place)
{
    struct provisioner *provisioner = place->provisioner;
    pthread_mutex_lock(&provisioner->lock);
    struct provision_place **link = &provisioner->working;
    while (*link != place)
        link = &(*link)->next;
    *link = place->next;
    pthread_mutex_unlock(&provisioner->lock);
    profile_provision_free(place->provision);
    provisioner_give_back(place);
}

static bool is_of(const struct provision_place *place, const struct profile *profile)
{
    const struct profile_key *key = &profile->key;
    return place->version == profile->version && str_eq(place->key.name, key->name) &&
           str_eq(place->key.region, key->region) && str_eq(place->key.account, key->account);
}

static bool is_under_way(struct provisioner *provisioner, const struct profile *profile)
{
    pthread_mutex_lock(&provisioner->lock);
    const struct provision_place *place = provisioner->working;
    while (place && !is_of(place, profile))
        place = place->next;
    pthread_mutex_unlock(&provisioner->lock);
    return place;
}

/* What ended on this side says nothing of the vendor. */
static void note_answer(const struct provision_place *place)
{
    enum verdict_kind verdict = profile_provision_verdict(place->provision);
    if (verdict != VERDICT_INTERNAL)
        workers_note(place->provisioner->workers, place->hosts, verdict != VERDICT_UNREACHABLE);
}

static void run(void *argument)
{
    struct provision_place *place = argument;
    struct provisioner *provisioner = place->provisioner;
    while (!is_stopping(provisioner) &&
           profile_provision_run(place->provision, is_stopping, provisioner) == PROVISION_AGAIN)
        wait_a_while(provisioner, PROVISION_RETRY_MS);
    note_answer(place);
    end_work(place);
}

void provisioner_post(struct provision_place *place, const struct profile *profile)
{
    begin_work(place, profile);
    if (workers_post(place->provisioner->workers, place->hosts, run, place, NULL))
        return;
    log_error("The private connection of %.*s waits for the next start: no thread can be started.",
              STR_ARG(profile->key.name));
    end_work(place);
}

/* --- what was left --- */

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

static struct str hosts_of_profile(struct provisioner *provisioner, const struct profile *profile,
                                   struct arena *arena)
{
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct value *properties;
    if (!connector || !json_parse(profile->properties, arena, &properties))
        return STR_NULL; /* it calls nobody, and says why */
    return hosts_of(provisioner->service, connector,
                    properties->count > 0 ? properties->items[0] : properties, arena);
}

struct round {
    size_t posted;
    bool left; /* there was no place for some */
    bool full; /* nor for any more */
};

static void post_one(struct provisioner *provisioner, const struct profile *profile,
                     struct arena *arena, struct round *round)
{
    struct provision_place *place;
    if (is_under_way(provisioner, profile))
        return;
    enum lanes_room room =
        take_place(provisioner, hosts_of_profile(provisioner, profile, arena), &place);
    round->left |= room != LANES_ROOM;
    round->full |= room == LANES_FULL;
    if (room != LANES_ROOM)
        return;
    provisioner_post(place, profile);
    round->posted++;
}

/* A page's memory goes with it, but for where the next one begins. */
static bool post_all(struct provisioner *provisioner, struct arena *keys, struct round *round,
                     struct error *error)
{
    struct profile_key after = {STR(""), STR(""), STR("")};
    size_t count = RESUME_PAGE;
    bool ok = true;
    while (ok && count == RESUME_PAGE && !round->full) {
        struct arena page = {0};
        struct profile *profiles;
        ok = read_page(provisioner, &page, after, &profiles, &count, error);
        for (size_t i = 0; ok && i < count && !round->full; i++)
            post_one(provisioner, &profiles[i], &page, round);
        if (ok && count > 0)
            after = profile_key_copy(keys, profiles[count - 1].key);
        arena_done(&page);
    }
    return ok;
}

static bool go_on(struct provisioner *provisioner, bool *ret_left, struct error *error)
{
    struct arena keys = {0};
    struct round round = {0};
    bool ok = post_all(provisioner, &keys, &round, error);
    arena_done(&keys);
    if (round.posted > 0)
        log_info("Going on with %zu private connections.", round.posted);
    *ret_left = round.left;
    return ok;
}

/* On a store of its own a node is done when nothing is left; the others' deaths never end. */
static void *sweep(void *argument)
{
    struct provisioner *provisioner = argument;
    bool is_shared = store_is_remote(provisioner->service->config.store), left = true;
    struct error error;
    pthread_setname_np(pthread_self(), "sweeper");
    while (left || is_shared) {
        wait_a_while(provisioner, is_shared ? SWEEP_MS : PROVISION_RETRY_MS);
        if (is_stopping(provisioner))
            return NULL;
        if (!go_on(provisioner, &left, &error)) /* logged by the store, and tried again */
            left = true;
    }
    return NULL;
}

bool provisioner_resume(struct provisioner *provisioner, struct error *error)
{
    bool left;
    if (!go_on(provisioner, &left, error))
        return false;
    if (!left && !store_is_remote(provisioner->service->config.store))
        return true;
    if (pthread_create(&provisioner->sweeper, NULL, sweep, provisioner) != 0)
        return fail(error, ERR_UNAVAILABLE, "No thread for private connections can be started.");
    provisioner->sweeps = true;
    return true;
}
