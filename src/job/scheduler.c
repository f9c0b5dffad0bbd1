/* The scheduler: takes jobs that are due, and extends the leases of those that this node holds. */
#include "job/internal.h"

#include "base/clock.h"
#include "base/int64.h"
#include "base/log.h"
#include "base/timed.h"
#include "work/pool.h"

enum {
    PAGE = 100,                  /* rows that one look reads, and leases that one write takes */
    SECOND_LOOK_MS = 1000,       /* after the first, of a kind that does something after looks */
    NO_LOOK_MS = 60 * 60 * 1000, /* the scheduler's longest sleep */
    LOOK_REST = 9, /* times as long as a look that left jobs took is the wait for the next one */
    FULL_MAX = 64, /* accounts, and hosts of accounts, that one look remembers */
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
    for (const struct job_slot *slot = runner->held; slot; slot = slot->next) {
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
    struct extension extension = {.until_ms = job_clock_ms(runner) + job_lease_ms(runner)};
    struct error ignored;
    collect(runner, &extension);
    if (extension.count > 0)
        ignore_failure(/* it is tried again; a lease that ends is taken by another node */
                       store_apply(runner->store, apply_extension, &extension, false, &ignored));
    arena_done(&extension.arena);
}

static int64_t next_extension_ms(struct job_runner *runner)
{
    return clock_mono_ms() + job_lease_ms(runner) / 3;
}

/* Also between the pages of a long look. */
static void extend_leases_in_time(struct job_runner *runner)
{
    if (clock_mono_ms() < runner->extend_at_ms)
        return;
    extend_leases(runner);
    runner->extend_at_ms = next_extension_ms(runner);
}

/* --- taking what is due --- */

/* *ret_newer: it holds another job of the same key, whose row this one has replaced. Which of both
 * fences is the greater says nothing: they come from the clock, which may have been set back. */
static bool is_held(struct job_runner *runner, const struct job_row *row, bool *ret_newer)
{
    const struct job_key *key = &row->key;
    pthread_mutex_lock(&runner->lock);
    const struct job_slot *slot = runner->held;
    while (slot &&
           !(str_eq(slot->row.key.name, key->name) && str_eq(slot->row.key.region, key->region) &&
             str_eq(slot->row.key.account, key->account)))
        slot = slot->next;
    *ret_newer = slot && slot->row.fence != row->fence;
    pthread_mutex_unlock(&runner->lock);
    return slot;
}

struct look {
    struct job_runner *runner;
    size_t taken;
    size_t lost; /* rows that were gone, or another node's, before their lease */
    bool left;   /* there was no slot for some */
    bool full;   /* nor for any more */
    /* Accounts that have their share, and the queues of hosts that have theirs, whose other jobs
     * this look passes by: an account may have a hundred thousand that are due. */
    struct str full_names[FULL_MAX];
    size_t full_count;
    /* The page in hand: */
    struct job_slot *slots[PAGE];
    bool leased[PAGE];
    size_t count;
    int64_t lease_until_ms;
    struct arena keys; /* of the whole look */
};

static bool has_its_share(const struct look *look, struct str name)
{
    for (size_t i = 0; i < look->full_count; i++) {
        if (str_eq(look->full_names[i], name))
            return true;
    }
    return false;
}

static void note_full(struct look *look, struct str name)
{
    if (look->full_count < FULL_MAX)
        look->full_names[look->full_count++] = arena_copy(&look->keys, name);
}

static void reserve(struct look *look, const struct job_row *row, struct arena *arena)
{
    struct job_runner *runner = look->runner;
    bool newer;
    if (has_its_share(look, row->key.account)) /* `left` is set */
        return;
    if (is_held(runner, row, &newer)) {
        look->left |= newer;
        return;
    }
    if (job_is_stopping(runner)) /* the stop may have ended the run that held it */
        return;
    struct str hosts = runner->kind->hosts(runner->context, row, arena); /* may cost reads */
    struct str name = host_share_name(arena, row->key.account, hosts);
    if (has_its_share(look, name)) /* as above */
        return;
    enum host_share_room room =
        job_reserve(runner, row->key.account, hosts, &look->slots[look->count]);
    look->left |= room != HOST_SHARE_ROOM;
    look->full |= room == HOST_SHARE_FULL;
    if (room == HOST_SHARE_ACCOUNT_FULL)
        note_full(look, row->key.account);
    if (room == HOST_SHARE_HOST_FULL)
        note_full(look, name);
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
    look->lease_until_ms = job_clock_ms(look->runner) + job_lease_ms(look->runner);
    bool ok = look->count == 0 || store_apply(store, apply_leases, look, false, error);
    for (size_t i = 0; i < look->count; i++) {
        struct job_slot *slot = look->slots[i];
        if (!ok || !look->leased[i]) {
            job_slot_release(slot);
            look->lost += ok;
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
static bool take_page(struct look *look, struct job_filter *filter, bool *ret_more,
                      struct error *error)
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
        struct job_row *last = arena_new(&look->keys, struct job_row);
        *last = rows[count - 1];
        last->key = job_key_copy(&look->keys, last->key);
        filter->after = last;
    }
    arena_done(&arena);
    return ok;
}

/* A look all of whose slots went to rows that it lost, with nothing in hand whose end could cause a
 * refill. Once in a row: a row that no lease ever takes must not make looks follow without end. The
 * caller holds the runner's lock. */
static bool lost_all(struct job_runner *runner, const struct look *look)
{
    bool all = look->left && look->lost > 0 && look->taken == 0 &&
               host_share_counts(runner->share).in_hand == 0;
    bool again = all && runner->lost_all;
    runner->lost_all = all;
    return all && !again;
}

/* The slots of jobs that end are filled before the next look, as soon as half of the jobs that this
 * one took have ended: some may have already. A look that took none refills at the next end: its
 * slots went to rows that were gone before their lease, or to jobs that were posted meanwhile. If
 * nothing is left to end, it refills at once. */
static void plan_refill(struct job_runner *runner, const struct look *look, size_t ended)
{
    size_t half = look->taken > 0 ? (look->taken + 1) / 2 : 1;
    pthread_mutex_lock(&runner->lock);
    runner->refill_at = look->left ? ended + half : 0;
    runner->refill =
        lost_all(runner, look) || (runner->refill_at > 0 && runner->ended >= runner->refill_at);
    runner->poked |= runner->refill;
    pthread_mutex_unlock(&runner->lock);
}

static size_t count_ended(struct job_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    size_t ended = runner->ended;
    pthread_mutex_unlock(&runner->lock);
    return ended;
}

/* Whether a flag is set, which is cleared. */
static bool is_wanted(struct job_runner *runner, bool *flag)
{
    pthread_mutex_lock(&runner->lock);
    bool wanted = *flag;
    *flag = false;
    pthread_mutex_unlock(&runner->lock);
    return wanted;
}

static void refill(struct job_runner *runner);

/* In a store that only this process has, a job that it does not hold is free. `whole`: also those
 * behind the jobs of an account that has its share. This reads all that is due, and fills slots
 * that become free meanwhile; otherwise it ends where there is no slot for the next job. What those
 * refills leave, the whole look has left too. */
static bool take_due(struct job_runner *runner, bool whole, size_t *ret_taken, struct error *error)
{
    struct look look = {.runner = runner};
    struct job_filter filter = {
        .kind = runner->kind->name,
        .now_ms = job_clock_ms(runner),
        .abandoned = !store_is_remote(runner->store),
        .limit = PAGE,
    };
    size_t ended = count_ended(runner);
    bool more = true, ok = true;
    runner->left = false;
    if (whole)
        runner->looked_at_ms = filter.now_ms;
    while (ok && more && !job_is_stopping(runner)) {
        extend_leases_in_time(runner);
        if (whole && is_wanted(runner, &runner->refill))
            refill(runner);
        ok = take_page(&look, &filter, &more, error);
        more = more && (whole || look.full_count == 0);
    }
    arena_done(&look.keys);
    look.left |= runner->left; /* by a refill */
    runner->left = look.left || !ok;
    plan_refill(runner, &look, ended);
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

/* How long until the next job is due, at most `limit_ms`. What became due during the look counts:
 * it read only what was due when it began. */
static int64_t wait_for_due_ms(struct job_runner *runner, int64_t limit_ms)
{
    int64_t due_at_ms;
    struct store_reader *reader;
    struct error ignored;
    bool found = false;
    if (!store_reader_take(runner->store, &reader, &ignored))
        return runner->kind->retry_ms;
    bool ok = job_next_due(reader, runner->kind->name, runner->looked_at_ms, &found, &due_at_ms,
                           &ignored);
    store_reader_put(runner->store, reader);
    if (!ok)
        return runner->kind->retry_ms;
    return found ? i64_min(i64_max(due_at_ms - job_clock_ms(runner), 0), limit_ms) : limit_ms;
}

/* A look reads all that is due, so one at a hundred thousand jobs is long; slots that become free
 * do not wait for the next. Of a store that only this process has, nothing is left behind by
 * others. */
static int64_t look_wait_ms(struct job_runner *runner, int64_t took_ms)
{
    int64_t rest_ms = i64_min(LOOK_REST * took_ms, JOB_LOOK_MS);
    if (runner->left)
        return i64_max(runner->kind->retry_ms, rest_ms);
    int64_t limit_ms = store_is_remote(runner->store) ? JOB_LOOK_MS : NO_LOOK_MS;
    int64_t look_ms = runner->kind->look_ms;
    return wait_for_due_ms(runner, look_ms > 0 && look_ms < limit_ms ? look_ms : limit_ms);
}

/* Not before a refill within a look: what it may do to due times would move rows from behind the
 * page in hand to before it, and back. */
static bool prepare_look(struct job_runner *runner)
{
    if (runner->kind->by_store_clock)
        store_clock_measure(runner->store);
    if (!runner->kind->looking || runner->kind->looking(runner->context))
        return true;
    runner->left = true; /* whatever is due */
    return false;
}

/* Returns when to look again. What follows the look asks the store as well: not while it is away,
 * or a stop waits for this thread. */
static int64_t look(struct job_runner *runner)
{
    size_t taken;
    struct error error; /* logged by the store, and tried again */
    int64_t begun_ms = clock_mono_ms();
    bool ok = prepare_look(runner) && take_due(runner, true, &taken, &error);
    int64_t took_ms = ok ? clock_mono_ms() - begun_ms : 0;
    if (ok && !job_is_stopping(runner) && runner->kind->looked)
        runner->kind->looked(runner->context);
    return clock_mono_ms() + (job_is_stopping(runner) ? 0 : look_wait_ms(runner, took_ms));
}

/* The first look finds what the last run left. The start of the server does not wait for it, and
 * comes before what the kind does after looks: a second look follows soon. The runners on an
 * embedded store take turns, so that one connection to it serves them all: each that is made parses
 * the whole schema. */
static int64_t look_first(struct job_runner *runner)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
    bool takes_turns = !store_is_remote(runner->store);
    size_t taken = 0;
    struct error error;
    if (takes_turns)
        pthread_mutex_lock(&turn);
    ignore_failure(/* logged by the store; the second look tries again */
                   prepare_look(runner) && take_due(runner, true, &taken, &error));
    int64_t wait_ms = job_is_stopping(runner) ? 0 : look_wait_ms(runner, 0);
    if (takes_turns)
        pthread_mutex_unlock(&turn);
    if (taken > 0)
        log_info("Resuming %zu jobs of the last run (%.*s).", taken, STR_ARG(runner->kind->name));
    bool is_soon = runner->kind->looked && wait_ms > SECOND_LOOK_MS;
    return clock_mono_ms() + (is_soon ? SECOND_LOOK_MS : wait_ms);
}

/* Does not change when the next whole look is. */
static void refill(struct job_runner *runner)
{
    struct error error; /* logged by the store; the next look tries again */
    size_t taken;
    bool left = runner->left;
    ignore_failure(/* as said above */ take_due(runner, false, &taken, &error));
    runner->left |= left;
}

/* Jobs that a limit held back are begun when time has moved it. Returns when that is next. */
static int64_t heed_limits(struct job_runner *runner)
{
    if (!runner->kind->limits_grow_at_ms)
        return INT64_MAX;
    pool_admit(runner->pool);
    return runner->kind->limits_grow_at_ms(runner->context);
}

void *job_schedule(void *argument)
{
    struct job_runner *runner = argument;
    pthread_setname_np(pthread_self(), "jobs");
    runner->extend_at_ms = next_extension_ms(runner);
    int64_t look_at_ms = look_first(runner);
    while (!job_is_stopping(runner)) {
        int64_t wake_at_ms =
            i64_min(i64_min(look_at_ms, runner->extend_at_ms), heed_limits(runner));
        sleep_until(runner, job_post_waiting(runner, wake_at_ms));
        if (job_is_stopping(runner))
            break;
        extend_leases_in_time(runner);
        if (is_wanted(runner, &runner->look) || clock_mono_ms() >= look_at_ms) {
            look_at_ms = look(runner);
        } else if (is_wanted(runner, &runner->refill)) {
            if (prepare_look(runner))
                refill(runner);
        }
    }
    return NULL;
}
