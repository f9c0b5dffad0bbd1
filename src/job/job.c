/* Slots, the scheduler thread, and runs on the kind's pool. */
#include "job/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timed.h"
#include "work/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct job_runner *job_runner_new(const struct job_kind *kind, void *context, struct store *store)
{
    struct job_runner *runner = xcalloc(1, sizeof(*runner));
    runner->kind = kind;
    runner->context = context;
    runner->store = store;
    random_uuid(runner->owner);
    /* A reserved job finds room in the pool's queue: it is longer than there are slots, and so is
     * each account's and each host's share of it. */
    runner->pool = pool_new(&(struct pool_config){
        .max_threads = kind->threads_max,
        .queue_max = 4 * kind->slots_max,
        .by_answers = true,
        .host_limit = kind->host_limit,
        .host_limit_context = context,
    });
    runner->share = host_share_new(&(struct host_share_config){.slots = kind->slots_max});
    pthread_mutex_init(&runner->lock, NULL);
    cond_init_timed(&runner->woken);
    return runner;
}

int64_t job_lease_ms(const struct job_runner *runner)
{
    return runner->kind->lease_ms > 0 ? runner->kind->lease_ms : JOB_LEASE_MS;
}

int64_t job_clock_ms(const struct job_runner *runner)
{
    return runner->kind->by_store_clock ? store_clock_ms(runner->store) : clock_wall_ms();
}

void job_runner_stop(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->stopping = true;
    pthread_cond_broadcast(&runner->woken);
    pthread_mutex_unlock(&runner->lock);
}

void job_runner_join(struct job_runner *runner)
{
    job_runner_stop(runner);
    if (runner->started)
        pthread_join(runner->scheduler, NULL);
    if (runner->pool)
        pool_free(runner->pool);
    runner->started = false;
    runner->pool = NULL;
}

void job_runner_free(struct job_runner *runner)
{
    job_runner_join(runner);
    /* Jobs that waited to be run again. */
    for (struct job_slot *slot = runner->held, *next; slot; slot = next) {
        next = slot->next;
        runner->kind->free(slot->run_state);
        job_slot_release(slot);
    }
    host_share_free(runner->share);
    pthread_cond_destroy(&runner->woken);
    pthread_mutex_destroy(&runner->lock);
    free(runner);
}

bool job_is_stopping(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    bool stopping = runner->stopping;
    pthread_mutex_unlock(&runner->lock);
    return stopping;
}

struct job_counts job_runner_counts(struct job_runner *runner)
{
    struct pool_counts pool = pool_counts(runner->pool);
    pthread_mutex_lock(&runner->lock);
    size_t slots = host_share_counts(runner->share).in_hand;
    pthread_mutex_unlock(&runner->lock);
    return (struct job_counts){slots, pool.queued, pool.held};
}

/* --- slots --- */

/* The one place where a slot's state moves. */
static void slot_move(struct job_slot *slot, enum slot_state to)
{
    assert(to == slot->state + 1);
    assert(to != SLOT_RUNNING || (slot->row.fence != 0 && slot->run_state));
    slot->state = to;
}

static void list_add(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    slot->next = runner->held;
    runner->held = slot;
    pthread_mutex_unlock(&runner->lock);
}

/* The caller holds the runner's lock. */
static void list_remove(struct job_slot *slot)
{
    struct job_slot **link = &slot->runner->held;
    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
}

enum host_share_room job_reserve(struct job_runner *runner, struct str account, struct str hosts,
                                 struct job_slot **ret_slot)
{
    struct job_slot *slot = xcalloc(1, sizeof(*slot));
    slot->runner = runner;
    slot->share_name = host_share_name(&slot->arena, account, hosts);
    pthread_mutex_lock(&runner->lock);
    enum host_share_room room =
        host_share_enter(runner->share, slot->share_name, (struct share_task){0});
    if (room == HOST_SHARE_ROOM)
        host_share_next(runner->share, &slot->task);
    pthread_mutex_unlock(&runner->lock);
    if (room == HOST_SHARE_ROOM) {
        *ret_slot = slot;
        return HOST_SHARE_ROOM;
    }
    arena_done(&slot->arena);
    free(slot);
    return room;
}

void job_slot_release(struct job_slot *slot)
{
    if (!slot)
        return;
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    if (slot->state >= SLOT_SET)
        list_remove(slot);
    host_share_leave(runner->share, &slot->task);
    pthread_mutex_unlock(&runner->lock);
    arena_done(&slot->arena);
    free(slot);
}

void job_slot_set_row(struct job_slot *slot, const struct job_row *row)
{
    slot->row = *row;
    slot->row.key = job_key_copy(&slot->arena, row->key);
    slot->row.payload = arena_copy(&slot->arena, row->payload);
    slot_move(slot, SLOT_SET);
    list_add(slot);
}

void job_slot_set(struct job_slot *slot, struct str account, struct str region, struct str name,
                  struct str payload)
{
    int64_t now_ms = job_clock_ms(slot->runner);
    struct job_row row = {
        .key = {slot->runner->kind->name, account, region, name},
        .due_at_ms = now_ms,
        .fence = job_new_fence(),
        .lease_until_ms = now_ms + job_lease_ms(slot->runner),
        .payload = payload,
    };
    job_slot_set_row(slot, &row);
}

bool job_slot_insert(struct db *db, const struct job_slot *slot, struct error *error)
{
    assert(slot->state == SLOT_SET);
    return job_insert(db, &slot->row, str_from(slot->runner->owner), error);
}

/* --- runs --- */

/* Whether the scheduler is to fill the slots that have become free; see plan_refill. */
static void count_end(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->ended++;
    if (runner->refill_at > 0 && runner->ended == runner->refill_at) {
        runner->refill = runner->poked = true;
        pthread_cond_broadcast(&runner->woken);
    }
    pthread_mutex_unlock(&runner->lock);
}

static void end_run(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    assert(slot->state == SLOT_RUNNING && !slot->waiting);
    runner->kind->free(slot->run_state);
    job_slot_release(slot);
    count_end(runner);
}

/* A job that is to be run again gives its thread back meanwhile: it may wait for long, and a host
 * has few threads. False when the runner is stopping. */
static bool leave_thread(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    const struct job_kind *kind = runner->kind;
    int64_t again_ms = kind->again_ms ? kind->again_ms(slot->run_state) : kind->retry_ms;
    pthread_mutex_lock(&runner->lock);
    bool stopping = runner->stopping;
    assert(slot->state == SLOT_RUNNING && !slot->waiting);
    if (!stopping) {
        slot->again_at_ms = clock_mono_ms() + again_ms;
        slot->waiting = runner->poked = true;
        pthread_cond_broadcast(&runner->woken);
    }
    pthread_mutex_unlock(&runner->lock);
    return !stopping;
}

static void run(void *argument)
{
    struct job_slot *slot = argument;
    struct job_runner *runner = slot->runner;
    const struct job_kind *kind = runner->kind;
    if (!job_is_stopping(runner) && kind->run(slot->run_state, runner) == JOB_AGAIN &&
        leave_thread(slot))
        return; /* the slot is the scheduler's */
    enum job_hosts_said said = kind->hosts_said(slot->run_state);
    if (said != JOB_HOSTS_NOT_ASKED)
        pool_note(runner->pool, slot->share_name, said == JOB_HOSTS_ANSWERED);
    end_run(slot);
}

static void post(struct job_slot *slot)
{
    if (pool_post(slot->runner->pool, slot->share_name, run, slot, NULL, NULL))
        return;
    log_error("A job (%.*s %.*s) waits until its lease has ended: no thread can be started.",
              STR_ARG(slot->row.key.kind), STR_ARG(slot->row.key.name));
    end_run(slot);
}

void job_runner_look(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->look = runner->poked = true;
    pthread_cond_broadcast(&runner->woken);
    pthread_mutex_unlock(&runner->lock);
}

void job_runner_wake(struct job_runner *runner, struct str account, struct str region,
                     struct str name)
{
    pthread_mutex_lock(&runner->lock);
    for (struct job_slot *slot = runner->held; slot; slot = slot->next) {
        const struct job_key *key = &slot->row.key;
        if (slot->waiting && str_eq(key->name, name) && str_eq(key->account, account) &&
            str_eq(key->region, region))
            slot->again_at_ms = 0;
    }
    runner->poked = true;
    pthread_cond_broadcast(&runner->woken);
    pthread_mutex_unlock(&runner->lock);
}

void job_post(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    slot->run_state = runner->kind->begin(runner->context, &slot->row);
    slot_move(slot, SLOT_RUNNING);
    post(slot);
}

/* Of the jobs that returned JOB_AGAIN and are due, the one that was due first; NULL: none.
 * *ret_next_ms becomes the time at which the next one is due, if that is earlier. */
static struct job_slot *take_waiting(struct job_runner *runner, int64_t now_ms,
                                     int64_t *ret_next_ms)
{
    struct job_slot *due = NULL;
    pthread_mutex_lock(&runner->lock);
    for (struct job_slot *slot = runner->held; slot; slot = slot->next) {
        if (slot->waiting && slot->again_at_ms <= now_ms)
            due = !due || slot->again_at_ms < due->again_at_ms ? slot : due;
        else if (slot->waiting && slot->again_at_ms < *ret_next_ms)
            *ret_next_ms = slot->again_at_ms;
    }
    assert(!due || due->state == SLOT_RUNNING);
    if (due)
        due->waiting = false;
    pthread_mutex_unlock(&runner->lock);
    return due;
}

/* Posts the due jobs. Returns the time at which the next one is due, at most `limit_ms`. */
int64_t job_post_waiting(struct job_runner *runner, int64_t limit_ms)
{
    int64_t now_ms = clock_mono_ms(), next_ms = limit_ms;
    struct job_slot *slot;
    while ((slot = take_waiting(runner, now_ms, &next_ms)))
        post(slot);
    return next_ms;
}

bool job_runner_start(struct job_runner *runner, struct error *error)
{
    if (pthread_create(&runner->scheduler, NULL, job_schedule, runner) != 0)
        return fail(error, ERR_UNAVAILABLE, "The thread that schedules jobs cannot be started.");
    runner->started = true;
    return true;
}
