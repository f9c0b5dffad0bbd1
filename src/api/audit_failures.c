/* Windows are slots of two tables, found by a hash; where two meet in a slot, the older window ends
 * early. A thread writes the rows of windows that have ended. */
#include "api/audit_failures.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/timed.h"
#include "work/rate_limit.h"

#include <pthread.h>
#include <stdlib.h>

#define HOUR_NS (60 * 60 * 1000000000LL)

enum {
    SLOTS = AUDIT_FAILURES_KINDS + AUDIT_FAILURES_ACCOUNTS,
    KEY_MAX = 4096, /* bytes of what a slot is found by */
};

/* A window. */
struct failure_window {
    bool is_used;
    bool is_left_out;         /* of an account beyond its share; its entry says nothing else */
    int64_t ends_ms;          /* monotonic */
    int64_t count;            /* failures without a row */
    int64_t last_at_ms;       /* wall clock */
    struct audit_entry entry; /* in the arena */
    struct arena arena;
};

struct audit_failures {
    struct store *store;
    long rows_an_hour;
    int64_t window_ms;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool has_thread;
    bool stopping;
    size_t used;
    /* Made for the first failure: a server that has none needs no 200 KiB for them. */
    struct failure_window *windows; /* SLOTS; NULL before */
    struct rate_limit *shares;      /* NULL before, and where an account has no limit */
};

/* --- writing a row --- */

struct failure_row {
    struct store_write write;
    struct arena arena;
    struct audit_entry entry;
};

static bool apply_row(struct db *db, void *argument, struct error *error)
{
    struct failure_row *row = argument;
    return audit_add(db, &row->entry, error);
}

static void free_row(struct store_write *write)
{
    struct failure_row *row = write->argument;
    if (!write->ok)
        log_error("An audit entry could not be written: %s", write->error.message);
    arena_done(&row->arena);
    free(row);
}

static struct audit_entry entry_copy(struct arena *arena, const struct audit_entry *entry)
{
    struct audit_entry copy = *entry;
    struct str *texts[] = {&copy.request_id, &copy.account,  &copy.region,  &copy.access_key_id,
                           &copy.operation,  &copy.resource, &copy.outcome, &copy.detail};
    for (size_t i = 0; i < sizeof(texts) / sizeof(void *); i++) {
        if (texts[i]->data)
            *texts[i] = arena_copy(arena, *texts[i]);
    }
    return copy;
}

static void post_row(struct audit_failures *failures, const struct audit_entry *entry)
{
    struct failure_row *row = xcalloc(1, sizeof(*row));
    struct error error = {0};
    row->entry = entry_copy(&row->arena, entry);
    row->write = (struct store_write){.apply = apply_row, .argument = row, .done = free_row};
    if (!store_post(failures->store, &row->write, &error)) {
        row->write.error = error;
        free_row(&row->write);
    }
}

/* --- windows; called with the mutex held --- */

static void end_window(struct audit_failures *failures, struct failure_window *window)
{
    struct audit_entry *entry = &window->entry;
    entry->at_ms = clock_wall_ms();
    entry->repeated = window->count;
    entry->last_at_ms = window->last_at_ms;
    entry->request_id = STR_NULL;
    if (window->is_left_out)
        entry->detail = arena_printf(&window->arena,
                                     "%lld failed changes of this account have no entry of their "
                                     "own: more than %ld in an hour failed.",
                                     (long long)window->count, failures->rows_an_hour);
    if (window->count > 0)
        post_row(failures, entry);
    arena_done(&window->arena);
    *window = (struct failure_window){.is_used = false};
    failures->used--;
}

static void begin_window(struct audit_failures *failures, struct failure_window *window,
                         const struct audit_entry *entry)
{
    if (window->is_used)
        end_window(failures, window);
    window->is_used = true;
    window->ends_ms = clock_mono_ms() + failures->window_ms;
    window->entry = entry_copy(&window->arena, entry);
    if (failures->used++ == 0)
        pthread_cond_signal(&failures->wake);
}

static bool is_alike(const struct audit_entry *a, const struct audit_entry *b)
{
    return str_eq(a->account, b->account) && str_eq(a->region, b->region) &&
           str_eq(a->operation, b->operation) && str_eq(a->resource, b->resource) &&
           str_eq(a->outcome, b->outcome);
}

static struct failure_window *find_window(struct audit_failures *failures,
                                          const struct audit_entry *entry)
{
    const struct str parts[] = {entry->account, entry->region, entry->operation, entry->resource,
                                entry->outcome};
    struct buf key = buf_on_heap(KEY_MAX);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        buf_add(&key, parts[i]);
        buf_add_char(&key, '\n');
    }
    size_t slot = hash_text(buf_str(&key)) % AUDIT_FAILURES_KINDS;
    buf_done(&key);
    return &failures->windows[slot];
}

static struct failure_window *find_account(struct audit_failures *failures, struct str account)
{
    size_t slot = hash_text(account) % AUDIT_FAILURES_ACCOUNTS;
    return &failures->windows[AUDIT_FAILURES_KINDS + slot];
}

static void count_in(struct failure_window *window, int64_t at_ms)
{
    window->count++;
    window->last_at_ms = at_ms;
}

static void leave_out(struct audit_failures *failures, const struct audit_entry *entry)
{
    const struct audit_entry notice = {.account = entry->account,
                                       .operation = STR("AuditEntriesLeftOut"),
                                       .outcome = STR("Throttled")};
    struct failure_window *window = find_account(failures, entry->account);
    if (!window->is_used || !str_eq(window->entry.account, entry->account)) {
        begin_window(failures, window, &notice);
        window->is_left_out = true;
    }
    count_in(window, entry->at_ms);
}

static void make_tables(struct audit_failures *failures)
{
    long rows = failures->rows_an_hour;
    failures->windows = xcalloc(SLOTS, sizeof(*failures->windows));
    if (rows > 0)
        failures->shares =
            rate_limit_new((struct rate){.interval_ns = HOUR_NS / rows, .burst = rows});
}

static bool has_share(struct audit_failures *failures, struct str account)
{
    int64_t wait_ns;
    return rate_limit_take(failures->shares, account, clock_mono_ns(), &wait_ns);
}

void audit_failures_add(struct audit_failures *failures, const struct audit_entry *entry)
{
    bool counts = failures->window_ms > 0;
    pthread_mutex_lock(&failures->mutex);
    if (!failures->windows)
        make_tables(failures);
    struct failure_window *window = find_window(failures, entry);
    if (window->is_used && is_alike(&window->entry, entry)) {
        count_in(window, entry->at_ms);
    } else if (has_share(failures, entry->account)) {
        post_row(failures, entry);
        if (counts)
            begin_window(failures, window, entry);
    } else {
        leave_out(failures, entry);
    }
    pthread_mutex_unlock(&failures->mutex);
}

/* --- the thread --- */

/* Ends what is due, and everything at the stop; when to look again, INT64_MAX: when there is a
 * window. */
static int64_t end_due(struct audit_failures *failures)
{
    int64_t now_ms = clock_mono_ms(), next_ms = INT64_MAX;
    for (size_t i = 0; failures->used > 0 && i < SLOTS; i++) {
        struct failure_window *window = &failures->windows[i];
        if (window->is_used && (failures->stopping || window->ends_ms <= now_ms))
            end_window(failures, window);
        else if (window->is_used && window->ends_ms < next_ms)
            next_ms = window->ends_ms;
    }
    return next_ms;
}

static void *run(void *argument)
{
    struct audit_failures *failures = argument;
    pthread_setname_np(pthread_self(), "audit");
    pthread_mutex_lock(&failures->mutex);
    while (!failures->stopping) {
        int64_t next_ms = end_due(failures);
        if (next_ms == INT64_MAX)
            pthread_cond_wait(&failures->wake, &failures->mutex);
        else
            cond_wait_until(&failures->wake, &failures->mutex, next_ms);
    }
    end_due(failures);
    pthread_mutex_unlock(&failures->mutex);
    return NULL;
}

struct audit_failures *audit_failures_new(const struct audit_failures_config *config)
{
    struct audit_failures *failures = xcalloc(1, sizeof(*failures));
    failures->store = config->store;
    failures->rows_an_hour = config->rows_an_hour;
    failures->window_ms = config->window_ms;
    pthread_mutex_init(&failures->mutex, NULL);
    cond_init_timed(&failures->wake);
    failures->has_thread = pthread_create(&failures->thread, NULL, run, failures) == 0;
    if (!failures->has_thread)
        log_warn("The audit's thread cannot be started: failures that repeat are recorded late.");
    return failures;
}

void audit_failures_free(struct audit_failures *failures)
{
    if (!failures)
        return;
    pthread_mutex_lock(&failures->mutex);
    failures->stopping = true;
    pthread_cond_signal(&failures->wake);
    pthread_mutex_unlock(&failures->mutex);
    if (failures->has_thread)
        pthread_join(failures->thread, NULL);
    end_due(failures);
    pthread_cond_destroy(&failures->wake);
    pthread_mutex_destroy(&failures->mutex);
    rate_limit_free(failures->shares);
    free(failures->windows);
    free(failures);
}
