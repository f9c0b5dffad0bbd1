/* The scheduler: takes jobs that are due, and extends the leases of those that this node holds. */
#include "job/internal.h"

#include "base/clock.h"
#include "base/timed.h"

enum {
    PAGE = 100,                  /* rows that one look reads, and leases that one write takes */
    NO_LOOK_MS = 60 * 60 * 1000, /* the scheduler's longest sleep */
};

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
    struct extension extension = {.until_ms = clock_wall_ms() + job_lease_ms(runner)};
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
        job_slot_set_row(look->slots[look->count++], row);
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
    look->lease_until_ms = clock_wall_ms() + job_lease_ms(look->runner);
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
bool job_take_due(struct job_runner *runner, size_t *ret_taken, struct error *error)
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

void *job_schedule(void *argument)
{
    struct job_runner *runner = argument;
    struct error error; /* logged by the store, and tried again */
    size_t taken;
    int64_t look_at_ms = clock_mono_ms() + look_wait_ms(runner);
    int64_t extend_at_ms = clock_mono_ms() + job_lease_ms(runner) / 3;
    pthread_setname_np(pthread_self(), "jobs");
    while (!job_is_stopping(runner)) {
        int64_t wake_at_ms = look_at_ms < extend_at_ms ? look_at_ms : extend_at_ms;
        sleep_until(runner, job_post_waiting(runner, wake_at_ms));
        if (job_is_stopping(runner))
            break;
        if (clock_mono_ms() >= extend_at_ms) {
            extend_leases(runner);
            extend_at_ms = clock_mono_ms() + job_lease_ms(runner) / 3;
        }
        if (clock_mono_ms() < look_at_ms)
            continue;
        ignore_failure(job_take_due(runner, &taken, &error)); /* it is tried again */
        look_at_ms = clock_mono_ms() + look_wait_ms(runner);
    }
    return NULL;
}
