/* Slots, the scheduler thread, and runs on the kind's pool. */
#include "job/job.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/timed.h"
#include "work/pool.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    PAGE = 100,                  /* rows that one look reads, and leases that one write takes */
    NO_LOOK_MS = 60 * 60 * 1000, /* the scheduler's longest sleep */
};

struct job_runner {
    const struct job_kind *kind;
    void *context;
    struct store *store;
    struct pool *pool;
    char owner[UUID_SIZE]; /* names this process in the table, for operators */
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t woken;
    bool stopping;
    bool poked; /* the scheduler has something new to wait for */
    struct host_share *share;
    struct job_slot *running; /* what is queued for a thread, or runs */
    bool started;             /* the scheduler thread */
    bool left;                /* there was no slot for some job that is due */
    pthread_t scheduler;
};

/* The states of a slot, in order. */
enum slot_state { SLOT_RESERVED, SLOT_SET, SLOT_RUNNING };

struct job_slot {
    struct job_runner *runner;
    struct arena arena;
    enum slot_state state;
    struct str hosts;
    struct share_task task; /* in runner->share */
    struct job_row row;     /* from SLOT_SET on */
    void *run_state;        /* of the kind; SLOT_RUNNING */
    struct job_slot *next;  /* in runner->running */
    bool waiting;           /* after JOB_AGAIN: has no thread until the scheduler posts it again */
    int64_t again_at_ms;    /* monotonic */
};

struct job_runner *job_runner_new(const struct job_kind *kind, void *context, struct store *store)
{
    struct job_runner *runner = xcalloc(1, sizeof(*runner));
    runner->kind = kind;
    runner->context = context;
    runner->store = store;
    random_uuid(runner->owner);
    /* A reserved job finds room in the pool's queue: it is longer than there are slots, and so is
     * each host's share of it. */
    runner->pool = pool_new(&(struct pool_config){
        .max_threads = kind->threads_max,
        .queue_max = 2 * kind->slots_max,
        .by_answers = true,
    });
    runner->share = host_share_new(&(struct host_share_config){.slots = kind->slots_max});
    pthread_mutex_init(&runner->lock, NULL);
    cond_init_timed(&runner->woken);
    return runner;
}

static int64_t lease_ms(const struct job_runner *runner)
{
    return runner->kind->lease_ms > 0 ? runner->kind->lease_ms : JOB_LEASE_MS;
}

void job_runner_stop(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->stopping = true;
    pthread_cond_broadcast(&runner->woken);
    pthread_mutex_unlock(&runner->lock);
}

static void end_run(struct job_slot *slot);

void job_runner_free(struct job_runner *runner)
{
    job_runner_stop(runner);
    if (runner->started)
        pthread_join(runner->scheduler, NULL);
    pool_free(runner->pool);
    while (runner->running) /* jobs that waited to be run again */
        end_run(runner->running);
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

/* The scheduler's; ends early when it was poked. */
static void sleep_until(struct job_runner *runner, int64_t until_ms)
{
    pthread_mutex_lock(&runner->lock);
    while (!runner->stopping && !runner->poked &&
           cond_wait_until(&runner->woken, &runner->lock, until_ms))
        continue;
    runner->poked = false;
    pthread_mutex_unlock(&runner->lock);
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

enum host_share_room job_reserve(struct job_runner *runner, struct str hosts,
                                 struct job_slot **ret_slot)
{
    struct share_task task;
    pthread_mutex_lock(&runner->lock);
    bool full = host_share_counts(runner->share).in_hand == runner->kind->slots_max;
    enum host_share_room room = host_share_enter(runner->share, hosts, (struct share_task){0});
    if (room == HOST_SHARE_ROOM)
        host_share_next(runner->share, &task);
    pthread_mutex_unlock(&runner->lock);
    if (room != HOST_SHARE_ROOM)
        return full ? HOST_SHARE_FULL : HOST_SHARE_HOST_FULL;
    struct job_slot *slot = xcalloc(1, sizeof(*slot));
    slot->runner = runner;
    slot->hosts = arena_copy(&slot->arena, hosts);
    slot->task = task;
    *ret_slot = slot;
    return HOST_SHARE_ROOM;
}

void job_slot_release(struct job_slot *slot)
{
    if (!slot)
        return;
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    host_share_leave(runner->share, &slot->task);
    pthread_mutex_unlock(&runner->lock);
    arena_done(&slot->arena);
    free(slot);
}

static void set_row(struct job_slot *slot, const struct job_row *row)
{
    slot->row = *row;
    slot->row.key = job_key_copy(&slot->arena, row->key);
    slot->row.payload = arena_copy(&slot->arena, row->payload);
    slot_move(slot, SLOT_SET);
}

void job_slot_set(struct job_slot *slot, struct str account, struct str region, struct str name,
                  struct str payload)
{
    int64_t now_ms = clock_wall_ms();
    struct job_row row = {
        .key = {slot->runner->kind->name, account, region, name},
        .due_at_ms = now_ms,
        .fence = job_new_fence(),
        .lease_until_ms = now_ms + lease_ms(slot->runner),
        .payload = payload,
    };
    set_row(slot, &row);
}

bool job_slot_insert(struct db *db, const struct job_slot *slot, struct error *error)
{
    return job_insert(db, &slot->row, str_from(slot->runner->owner), error);
}

/* --- runs --- */

static void list_add(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    slot->next = runner->running;
    runner->running = slot;
    pthread_mutex_unlock(&runner->lock);
}

static void list_remove(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    struct job_slot **link = &runner->running;
    while (*link != slot)
        link = &(*link)->next;
    *link = slot->next;
    pthread_mutex_unlock(&runner->lock);
}

static void end_run(struct job_slot *slot)
{
    list_remove(slot);
    slot->runner->kind->free(slot->run_state);
    job_slot_release(slot);
}

/* A job that is to be run again gives its thread back meanwhile: it may wait for long, and a host
 * has few threads. False when the runner is stopping. */
static bool leave_thread(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    pthread_mutex_lock(&runner->lock);
    bool stopping = runner->stopping;
    if (!stopping) {
        slot->again_at_ms = clock_mono_ms() + runner->kind->retry_ms;
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
        pool_note(runner->pool, slot->hosts, said == JOB_HOSTS_ANSWERED);
    end_run(slot);
}

static void post(struct job_slot *slot)
{
    if (pool_post(slot->runner->pool, slot->hosts, run, slot, NULL))
        return;
    log_error("A job (%.*s %.*s) waits until its lease has ended: no thread can be started.",
              STR_ARG(slot->row.key.kind), STR_ARG(slot->row.key.name));
    end_run(slot);
}

void job_post(struct job_slot *slot)
{
    struct job_runner *runner = slot->runner;
    slot->run_state = runner->kind->begin(runner->context, &slot->row);
    slot_move(slot, SLOT_RUNNING);
    list_add(slot);
    post(slot);
}

/* One job whose turn has come after JOB_AGAIN; NULL: none. *ret_next_ms is when the next one's
 * comes, at most what it was. */
static struct job_slot *take_waiting(struct job_runner *runner, int64_t now_ms,
                                     int64_t *ret_next_ms)
{
    struct job_slot *due = NULL;
    pthread_mutex_lock(&runner->lock);
    for (struct job_slot *slot = runner->running; slot && !due; slot = slot->next) {
        if (slot->waiting && slot->again_at_ms <= now_ms)
            due = slot;
        else if (slot->waiting && slot->again_at_ms < *ret_next_ms)
            *ret_next_ms = slot->again_at_ms;
    }
    if (due)
        due->waiting = false;
    pthread_mutex_unlock(&runner->lock);
    return due;
}

/* Gives threads to jobs whose turn has come; until when the others wait, at most `limit_ms`. */
static int64_t post_waiting(struct job_runner *runner, int64_t limit_ms)
{
    int64_t now_ms = clock_mono_ms(), next_ms = limit_ms;
    struct job_slot *slot;
    while ((slot = take_waiting(runner, now_ms, &next_ms)))
        post(slot);
    return next_ms;
}

/* --- leases --- */

struct extension {
    struct arena arena;
    struct job_row *rows;
    size_t count;
    int64_t until_ms;
};

static void collect(struct job_runner *runner, struct extension *extension)
{
    pthread_mutex_lock(&runner->lock);
    size_t most = host_share_counts(runner->share).in_hand;
    extension->rows = arena_array(&extension->arena, struct job_row, most + 1);
    for (const struct job_slot *slot = runner->running; slot; slot = slot->next) {
        struct job_row *row = &extension->rows[extension->count++];
        *row = slot->row;
        row->key = job_key_copy(&extension->arena, slot->row.key);
    }
    pthread_mutex_unlock(&runner->lock);
}

/* A job that ended meanwhile has no row any more, or another's lease: it stays as it is. */
static bool apply_extension(struct db *db, void *argument, struct error *error)
{
    const struct extension *extension = argument;
    for (size_t i = 0; i < extension->count; i++) {
        bool held;
        if (!job_extend(db, &extension->rows[i], extension->until_ms, &held, error))
            return false;
    }
    return true;
}

/* When the store is away the leases end, and what the jobs commit later is checked by its fence. */
static void extend_leases(struct job_runner *runner)
{
    struct extension extension = {.until_ms = clock_wall_ms() + lease_ms(runner)};
    struct error ignored;
    collect(runner, &extension);
    if (extension.count > 0)
        ignore_failure(/* it is tried again; a lease that ends is taken by another node */
                       store_apply(runner->store, apply_extension, &extension, false, &ignored));
    arena_done(&extension.arena);
}

/* --- taking what is due --- */

static bool is_held(struct job_runner *runner, const struct job_row *row)
{
    const struct job_key *key = &row->key;
    pthread_mutex_lock(&runner->lock);
    const struct job_slot *slot = runner->running;
    while (slot &&
           !(str_eq(slot->row.key.name, key->name) && str_eq(slot->row.key.region, key->region) &&
             str_eq(slot->row.key.account, key->account)))
        slot = slot->next;
    pthread_mutex_unlock(&runner->lock);
    return slot;
}

struct look {
    struct job_runner *runner;
    size_t taken;
    bool left; /* there was no slot for some */
    bool full; /* nor for any more */
    /* The page in hand: */
    struct job_slot *slots[PAGE];
    bool leased[PAGE];
    size_t count;
    int64_t lease_until_ms;
};

static void reserve(struct look *look, const struct job_row *row, struct arena *arena)
{
    struct job_runner *runner = look->runner;
    if (is_held(runner, row))
        return;
    struct str hosts = runner->kind->hosts(runner->context, row, arena);
    enum host_share_room room = job_reserve(runner, hosts, &look->slots[look->count]);
    look->left |= room != HOST_SHARE_ROOM;
    look->full |= room == HOST_SHARE_FULL;
    if (room == HOST_SHARE_ROOM)
        set_row(look->slots[look->count++], row);
}

static bool apply_leases(struct db *db, void *argument, struct error *error)
{
    struct look *look = argument;
    struct str owner = str_from(look->runner->owner);
    for (size_t i = 0; i < look->count; i++) {
        if (!job_lease(db, &look->slots[i]->row, owner, look->lease_until_ms, &look->leased[i],
                       error))
            return false;
    }
    return true;
}

/* Takes the leases of the page's jobs with one write, and runs those that were got. */
static bool lease_and_post(struct look *look, struct error *error)
{
    struct store *store = look->runner->store;
    look->lease_until_ms = clock_wall_ms() + lease_ms(look->runner);
    bool ok = look->count == 0 || store_apply(store, apply_leases, look, false, error);
    for (size_t i = 0; i < look->count; i++) {
        struct job_slot *slot = look->slots[i];
        if (!ok || !look->leased[i]) {
            job_slot_release(slot);
            continue;
        }
        slot->row.fence++;
        slot->row.lease_until_ms = look->lease_until_ms;
        job_post(slot);
        look->taken++;
    }
    look->count = 0;
    return ok;
}

static bool read_page(struct job_runner *runner, struct arena *arena,
                      const struct job_filter *filter, struct job_row **ret_rows, size_t *ret_count,
                      struct error *error)
{
    struct store_reader *reader;
    if (!store_reader_take(runner->store, &reader, error))
        return false;
    bool ok = job_list_due(reader, arena, filter, ret_rows, ret_count, error);
    store_reader_put(runner->store, reader);
    return ok;
}

/* A page's memory goes with it, but for where the next one begins. */
static bool take_page(struct look *look, struct job_filter *filter, struct arena *keys,
                      bool *ret_more, struct error *error)
{
    struct arena arena = {0};
    struct job_row *rows;
    size_t count = 0;
    bool ok = read_page(look->runner, &arena, filter, &rows, &count, error);
    for (size_t i = 0; ok && i < count && !look->full; i++)
        reserve(look, &rows[i], &arena);
    ok = ok && lease_and_post(look, error);
    *ret_more = ok && count == filter->limit && !look->full;
    if (*ret_more) {
        struct job_row *last = arena_new(keys, struct job_row);
        *last = rows[count - 1];
        last->key = job_key_copy(keys, last->key);
        filter->after = last;
    }
    arena_done(&arena);
    return ok;
}

/* In a store that only this process has, a job that it does not hold is free. */
static bool take_due(struct job_runner *runner, size_t *ret_taken, struct error *error)
{
    struct look look = {.runner = runner};
    struct arena keys = {0};
    struct job_filter filter = {
        .kind = runner->kind->name,
        .now_ms = clock_wall_ms(),
        .abandoned = !store_is_remote(runner->store),
        .limit = PAGE,
    };
    bool more = true, ok = true;
    while (ok && more && !job_is_stopping(runner))
        ok = take_page(&look, &filter, &keys, &more, error);
    arena_done(&keys);
    runner->left = look.left || !ok;
    *ret_taken = look.taken;
    return ok;
}

/* --- the scheduler --- */

/* How long until the next job is due, at most `limit_ms`. */
static int64_t wait_for_due_ms(struct job_runner *runner, int64_t limit_ms)
{
    int64_t now_ms = clock_wall_ms(), due_at_ms;
    struct store_reader *reader;
    struct error ignored;
    bool found = false;
    if (!store_reader_take(runner->store, &reader, &ignored))
        return runner->kind->retry_ms;
    bool ok = job_next_due(reader, runner->kind->name, now_ms, &found, &due_at_ms, &ignored);
    store_reader_put(runner->store, reader);
    if (!ok)
        return runner->kind->retry_ms;
    return found && due_at_ms - now_ms < limit_ms ? due_at_ms - now_ms : limit_ms;
}

/* Of a store that only this process has, nothing is left behind by others. */
static int64_t look_wait_ms(struct job_runner *runner)
{
    if (runner->left)
        return runner->kind->retry_ms;
    return wait_for_due_ms(runner, store_is_remote(runner->store) ? JOB_LOOK_MS : NO_LOOK_MS);
}

static void *schedule(void *argument)
{
    struct job_runner *runner = argument;
    struct error error; /* logged by the store, and tried again */
    size_t taken;
    int64_t look_at_ms = clock_mono_ms() + look_wait_ms(runner);
    int64_t extend_at_ms = clock_mono_ms() + lease_ms(runner) / 3;
    pthread_setname_np(pthread_self(), "jobs");
    while (!job_is_stopping(runner)) {
        int64_t wake_at_ms = look_at_ms < extend_at_ms ? look_at_ms : extend_at_ms;
        sleep_until(runner, post_waiting(runner, wake_at_ms));
        if (job_is_stopping(runner))
            break;
        if (clock_mono_ms() >= extend_at_ms) {
            extend_leases(runner);
            extend_at_ms = clock_mono_ms() + lease_ms(runner) / 3;
        }
        if (clock_mono_ms() < look_at_ms)
            continue;
        take_due(runner, &taken, &error);
        look_at_ms = clock_mono_ms() + look_wait_ms(runner);
    }
    return NULL;
}

bool job_runner_start(struct job_runner *runner, struct error *error)
{
    size_t taken;
    if (!take_due(runner, &taken, error))
        return false;
    if (taken > 0)
        log_info("Resuming %zu jobs of the last run (%.*s).", taken, STR_ARG(runner->kind->name));
    if (pthread_create(&runner->scheduler, NULL, schedule, runner) != 0)
        return fail(error, ERR_UNAVAILABLE, "The thread that schedules jobs cannot be started.");
    runner->started = true;
    return true;
}
