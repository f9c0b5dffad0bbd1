/* Places, a queue, both in shares, and trying again while the store cannot be written. */
#include "profile/private_connection_queue.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timed.h"
#include "connector/http/verify.h"
#include "profile/context.h"
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

struct private_queue {
    const struct profile_context *context;
    struct pool *workers;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t stopped;
    bool stopping;
    struct host_share *slots;     /* shared out; nobody waits for one */
    struct private_slot *working; /* what is queued or under way */
    bool sweeps;                  /* the thread below was started */
    pthread_t sweeper;
};

/* From the reservation to the end of the work. */
struct private_slot {
    struct private_queue *queue;
    struct arena arena;
    struct str hosts;
    struct job share; /* in queue->slots */
    /* Once it is posted: */
    struct private_connection *connection;
    struct profile_key key; /* what it is of: fixed, unlike what the connection holds */
    int64_t version;
    struct private_slot *next;
};

/* Whoever has a slot finds room in the queue: of a queue twice as long no share is smaller. */
struct private_queue *private_queue_new(const struct profile_context *context)
{
    struct private_queue *queue = xcalloc(1, sizeof(*queue));
    queue->context = context;
    queue->workers = pool_new(&(struct pool_config){
        .max_threads = PRIVATE_CONNECTION_THREADS,
        .queue_max = (size_t)2 * PRIVATE_CONNECTION_MAX,
        .by_answers = true,
    });
    queue->slots = host_share_new(&(struct host_share_config){.slots = PRIVATE_CONNECTION_MAX});
    pthread_mutex_init(&queue->lock, NULL);
    cond_init_timed(&queue->stopped);
    return queue;
}

void private_queue_stop(struct private_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->stopping = true;
    pthread_cond_broadcast(&queue->stopped);
    pthread_mutex_unlock(&queue->lock);
}

void private_queue_free(struct private_queue *queue)
{
    private_queue_stop(queue);
    if (queue->sweeps)
        pthread_join(queue->sweeper, NULL);
    pool_free(queue->workers);
    host_share_free(queue->slots);
    pthread_cond_destroy(&queue->stopped);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* --- slots --- */

static enum host_share_room take_place(struct private_queue *queue, struct str hosts,
                                       struct private_slot **ret_place)
{
    struct job share;
    pthread_mutex_lock(&queue->lock);
    bool none_left = host_share_counts(queue->slots).in_hand == PRIVATE_CONNECTION_MAX;
    enum host_share_room room = host_share_enter(queue->slots, hosts, (struct job){0});
    if (room == HOST_SHARE_ROOM)
        host_share_next(queue->slots, &share);
    pthread_mutex_unlock(&queue->lock);
    if (room != HOST_SHARE_ROOM)
        return none_left ? HOST_SHARE_FULL : HOST_SHARE_HOST_FULL;
    struct private_slot *slot = xcalloc(1, sizeof(*slot));
    slot->queue = queue;
    slot->hosts = arena_copy(&slot->arena, hosts);
    slot->share = share;
    *ret_place = slot;
    return HOST_SHARE_ROOM;
}

bool private_slot_reserve(struct private_queue *queue, struct str hosts,
                          struct private_slot **ret_place, struct error *error)
{
    enum host_share_room room = take_place(queue, hosts, ret_place);
    if (room == HOST_SHARE_ROOM)
        return true;
    metrics_count(METRIC_THROTTLED, LIMIT_PRIVATE_CONNECTIONS, 0);
    return fail(error, ERR_THROTTLING,
                "Rate exceeded: as many private connections%s as there may be are being made.",
                room == HOST_SHARE_HOST_FULL ? " to this vendor" : "");
}

void private_slot_release(struct private_slot *slot)
{
    if (!slot)
        return;
    struct private_queue *queue = slot->queue;
    pthread_mutex_lock(&queue->lock);
    host_share_leave(queue->slots, &slot->share);
    pthread_mutex_unlock(&queue->lock);
    arena_done(&slot->arena);
    free(slot);
}

struct private_queue_counts private_queue_counts(struct private_queue *queue)
{
    struct pool_counts workers = pool_counts(queue->workers);
    pthread_mutex_lock(&queue->lock);
    size_t slots = host_share_counts(queue->slots).in_hand;
    pthread_mutex_unlock(&queue->lock);
    return (struct private_queue_counts){slots, workers.queued, workers.held};
}

/* --- the work --- */

static bool is_stopping(void *context)
{
    struct private_queue *queue = context;
    pthread_mutex_lock(&queue->lock);
    bool stopping = queue->stopping;
    pthread_mutex_unlock(&queue->lock);
    return stopping;
}

static void wait_a_while(struct private_queue *queue, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    pthread_mutex_lock(&queue->lock);
    while (!queue->stopping && cond_wait_until(&queue->stopped, &queue->lock, until_ms))
        continue;
    pthread_mutex_unlock(&queue->lock);
}

static void begin_work(struct private_slot *slot, const struct profile *profile)
{
    struct private_queue *queue = slot->queue;
    slot->connection = private_connection_new(queue->context, profile->key, profile->version);
    slot->version = profile->version;
    slot->key = profile_key_copy(&slot->arena, profile->key);
    pthread_mutex_lock(&queue->lock);
    slot->next = queue->working;
    queue->working = slot;
    pthread_mutex_unlock(&queue->lock);
}

static void end_work(struct private_slot *slot)
{
    struct private_queue *queue = slot->queue;
    pthread_mutex_lock(&queue->lock);
    struct private_slot **link = &queue->working;
    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
    pthread_mutex_unlock(&queue->lock);
    private_connection_free(slot->connection);
    private_slot_release(slot);
}

static bool is_of(const struct private_slot *slot, const struct profile *profile)
{
    const struct profile_key *key = &profile->key;
    return slot->version == profile->version && str_eq(slot->key.name, key->name) &&
           str_eq(slot->key.region, key->region) && str_eq(slot->key.account, key->account);
}

static bool is_under_way(struct private_queue *queue, const struct profile *profile)
{
    pthread_mutex_lock(&queue->lock);
    const struct private_slot *slot = queue->working;
    while (slot && !is_of(slot, profile))
        slot = slot->next;
    pthread_mutex_unlock(&queue->lock);
    return slot;
}

/* What ended on this side says nothing of the vendor. */
static void note_answer(const struct private_slot *slot)
{
    enum verdict_kind verdict = private_connection_verdict(slot->connection);
    if (verdict != VERDICT_INTERNAL)
        pool_note(slot->queue->workers, slot->hosts, verdict != VERDICT_UNREACHABLE);
}

static void run(void *argument)
{
    struct private_slot *slot = argument;
    struct private_queue *queue = slot->queue;
    while (!is_stopping(queue) &&
           private_connection_run(slot->connection, is_stopping, queue) == PRIVATE_CONNECTION_AGAIN)
        wait_a_while(queue, PRIVATE_CONNECTION_RETRY_MS);
    note_answer(slot);
    end_work(slot);
}

void private_queue_post(struct private_slot *slot, const struct profile *profile)
{
    begin_work(slot, profile);
    if (pool_post(slot->queue->workers, slot->hosts, run, slot, NULL))
        return;
    log_error("The private connection of %.*s waits for the next start: no thread can be started.",
              STR_ARG(profile->key.name));
    end_work(slot);
}

/* --- what was left --- */

static bool read_page(struct private_queue *queue, struct arena *arena, struct profile_key after,
                      struct profile **ret_profiles, size_t *ret_count, struct error *error)
{
    struct store *store = queue->context->store;
    struct store_reader *reader;
    if (!store_reader_take(store, &reader, error))
        return false;
    bool ok =
        profile_list_pending(reader, arena, after, RESUME_PAGE, ret_profiles, ret_count, error);
    store_reader_put(store, reader);
    return ok;
}

static struct str hosts_of_profile(struct private_queue *queue, const struct profile *profile,
                                   struct arena *arena)
{
    const struct connector *connector = connector_by_type(profile->connector_type);
    struct value *properties;
    if (!connector || !json_parse(profile->properties, arena, &properties))
        return STR_NULL; /* it calls nobody, and says why */
    return connector_hosts(queue->context->connectors, connector,
                           properties->count > 0 ? properties->items[0] : properties, arena);
}

struct round {
    size_t posted;
    bool left; /* there was no slot for some */
    bool full; /* nor for any more */
};

static void post_one(struct private_queue *queue, const struct profile *profile,
                     struct arena *arena, struct round *round)
{
    struct private_slot *slot;
    if (is_under_way(queue, profile))
        return;
    enum host_share_room room = take_place(queue, hosts_of_profile(queue, profile, arena), &slot);
    round->left |= room != HOST_SHARE_ROOM;
    round->full |= room == HOST_SHARE_FULL;
    if (room != HOST_SHARE_ROOM)
        return;
    private_queue_post(slot, profile);
    round->posted++;
}

/* A page's memory goes with it, but for where the next one begins. */
static bool post_all(struct private_queue *queue, struct arena *keys, struct round *round,
                     struct error *error)
{
    struct profile_key after = {STR(""), STR(""), STR("")};
    size_t count = RESUME_PAGE;
    bool ok = true;
    while (ok && count == RESUME_PAGE && !round->full) {
        struct arena page = {0};
        struct profile *profiles;
        ok = read_page(queue, &page, after, &profiles, &count, error);
        for (size_t i = 0; ok && i < count && !round->full; i++)
            post_one(queue, &profiles[i], &page, round);
        if (ok && count > 0)
            after = profile_key_copy(keys, profiles[count - 1].key);
        arena_done(&page);
    }
    return ok;
}

static bool go_on(struct private_queue *queue, bool *ret_left, struct error *error)
{
    struct arena keys = {0};
    struct round round = {0};
    bool ok = post_all(queue, &keys, &round, error);
    arena_done(&keys);
    if (round.posted > 0)
        log_info("Going on with %zu private connections.", round.posted);
    *ret_left = round.left;
    return ok;
}

/* On a store of its own a node is done when nothing is left; the others' deaths never end. */
static void *sweep(void *argument)
{
    struct private_queue *queue = argument;
    bool is_shared = store_is_remote(queue->context->store), left = true;
    struct error error;
    pthread_setname_np(pthread_self(), "sweeper");
    while (left || is_shared) {
        wait_a_while(queue, is_shared ? SWEEP_MS : PRIVATE_CONNECTION_RETRY_MS);
        if (is_stopping(queue))
            return NULL;
        if (!go_on(queue, &left, &error)) /* logged by the store, and tried again */
            left = true;
    }
    return NULL;
}

bool private_queue_resume(struct private_queue *queue, struct error *error)
{
    bool left;
    if (!go_on(queue, &left, error))
        return false;
    if (!left && !store_is_remote(queue->context->store))
        return true;
    if (pthread_create(&queue->sweeper, NULL, sweep, queue) != 0)
        return fail(error, ERR_UNAVAILABLE, "No thread for private connections can be started.");
    queue->sweeps = true;
    return true;
}
