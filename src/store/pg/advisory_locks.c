/* Advisory locks: names that one node holds and others see, for as long as its database session
 * lives.
 *
 * One connection and one thread (the locker) serve all requests of a node. The thread takes all
 * waiting requests and releases together and sends them in one round trip: first pg_advisory_unlock
 * for what was released, then pg_try_advisory_lock for what is wanted. It keeps a list of the held
 * names; after a reconnect it tries to lock them again on the new session, and leaves to the other
 * node what that took in between. */
#include "store/pg/advisory_locks.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "store/pg/internal.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct lock_swap {
    const int64_t *released;
    size_t released_count;
    const int64_t *wanted;
    size_t wanted_count;
};

enum { LIST_MAX = 1024 * 1024 };

struct names {
    int64_t *items;
    size_t count, capacity;
};

struct request {
    int64_t name;
    bool ok, taken;
    struct error error;
    struct slot_wait answered;
    struct request *next;
};

struct advisory_locks {
    struct pg_db *db;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct request *requests;
    struct names released; /* to unlock */
    bool stopping;
    int64_t connections; /* the thread's own from here on: when `held` was right */
    struct names held;
};

/* --- a round trip --- */

static bool run_with_list(struct pg_db *db, int which, const int64_t *keys, size_t count,
                          struct error *error)
{
    struct buf list = buf_on_heap(LIST_MAX);
    buf_add_char(&list, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(&list, ',');
        buf_add_i64(&list, keys[i]);
    }
    buf_add_char(&list, '}');
    struct pg_stmt *stmt = pg_stmt_new(db, which);
    pg_bind_text(stmt, 1, buf_str(&list));
    bool ok = pg_queue_stmt(db, stmt, PG_ANY_ROWS, error);
    pg_stmt_free(db, stmt);
    buf_done(&list);
    return ok;
}

static bool is_among(const struct pg_result *result, int64_t key)
{
    for (int row = 0; row < libpq.ntuples(result); row++) {
        if (pg_read_i64(result, row, 0) == key)
            return true;
    }
    return false;
}

struct swap_try {
    const struct lock_swap *swap;
    bool *taken;
};

static bool try_swap(struct pg_db *db, void *argument, struct error *error)
{
    const struct swap_try *try = argument;
    const struct lock_swap *swap = try->swap;
    if (swap->released_count > 0 &&
        !run_with_list(db, PG_UNLOCK, swap->released, swap->released_count, error))
        return false;
    if (!run_with_list(db, PG_LOCK, swap->wanted, swap->wanted_count, error) ||
        !pg_drain(db, PG_READ_MS, error))
        return false;
    for (size_t i = 0; i < swap->wanted_count; i++)
        try->taken[i] = is_among(db->last, swap->wanted[i]);
    return true;
}

static bool swap_locks(struct pg_db *db, const struct lock_swap *swap, bool *ret_taken,
                       struct error *error)
{
    struct swap_try try = {swap, ret_taken};
    if (pg_ask_patiently(db, try_swap, &try, PG_NEVER_PROBES, clock_mono_ms() + PG_READ_MS, error))
        return true;
    if (db->conn && db->failure == DB_FAILED_AGAIN)
        pg_fail_lost(db, NULL); /* the locks to release end with the session */
    return false;
}

/* --- the locker's thread --- */

static void add(struct names *names, int64_t name)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity ? 2 * names->capacity : 16;
        names->items = xrealloc(names->items, names->capacity * sizeof(names->items[0]));
    }
    names->items[names->count++] = name;
}

static void take_out(struct names *names, int64_t name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->items[i] == name) {
            names->items[i] = names->items[--names->count];
            return;
        }
    }
}

/* A new session holds nothing yet. */
static void take_again(struct advisory_locks *locks)
{
    struct error error;
    bool *taken = xcalloc(locks->held.count + 1, sizeof(*taken));
    int64_t connections = locks->db->connections;
    struct lock_swap swap = {.wanted = locks->held.items, .wanted_count = locks->held.count};
    if (locks->held.count == 0 || swap_locks(locks->db, &swap, taken, &error))
        locks->connections = connections;
    free(taken);
}

static size_t list_wanted(const struct request *requests, struct names *wanted)
{
    for (; requests; requests = requests->next)
        add(wanted, requests->name);
    return wanted->count;
}

static void answer(struct advisory_locks *locks, struct request *requests, bool ok,
                   const bool *taken, const struct error *error)
{
    for (size_t i = 0; requests; i++) {
        struct request *next = requests->next; /* posting ends the request */
        requests->ok = ok;
        requests->taken = ok && taken[i];
        if (!ok)
            requests->error = *error;
        if (requests->taken)
            add(&locks->held, requests->name);
        slot_wait_end(&requests->answered);
        requests = next;
    }
}

static void serve(struct advisory_locks *locks, struct request *requests, struct names *released)
{
    struct names wanted = {0};
    struct error error = {0};
    size_t count = list_wanted(requests, &wanted);
    bool *taken = xcalloc(count + 1, sizeof(*taken));
    for (size_t i = 0; i < released->count; i++)
        take_out(&locks->held, released->items[i]);
    struct lock_swap swap = {released->items, released->count, wanted.items, count};
    bool ok = swap_locks(locks->db, &swap, taken, &error);
    if (locks->connections != locks->db->connections)
        take_again(locks);
    answer(locks, requests, ok, taken, &error);
    free(taken);
    free(wanted.items);
}

/* False when the store closes. */
static bool wait_for_work(struct advisory_locks *locks, struct request **ret_requests,
                          struct names *ret_released)
{
    pthread_mutex_lock(&locks->mutex);
    while (!locks->requests && locks->released.count == 0 && !locks->stopping)
        pthread_cond_wait(&locks->wake, &locks->mutex);
    *ret_requests = locks->requests;
    *ret_released = locks->released;
    bool is_open = !locks->stopping || locks->requests;
    locks->requests = NULL;
    locks->released = (struct names){0};
    pthread_mutex_unlock(&locks->mutex);
    return is_open;
}

static void *run(void *argument)
{
    struct advisory_locks *locks = argument;
    struct request *requests;
    struct names released;
    pthread_setname_np(pthread_self(), "locker");
    while (wait_for_work(locks, &requests, &released)) {
        serve(locks, requests, &released);
        free(released.items);
    }
    free(released.items);
    return NULL;
}

static void free_locks(struct advisory_locks *locks)
{
    pg_close(&locks->db->base);
    free(locks->held.items);
    pthread_cond_destroy(&locks->wake);
    pthread_mutex_destroy(&locks->mutex);
    free(locks);
}

bool advisory_locks_start(const struct pg_server *server, struct advisory_locks **ret_locks,
                          struct error *error)
{
    struct advisory_locks *locks = xcalloc(1, sizeof(*locks));
    pthread_mutex_init(&locks->mutex, NULL);
    pthread_cond_init(&locks->wake, NULL);
    locks->db = pg_connection_new(server, DB_READ);
    int rc = pthread_create(&locks->thread, NULL, run, locks);
    if (rc != 0) {
        free_locks(locks);
        return fail(error, ERR_UNAVAILABLE, "The store cannot start a thread: %s.", strerror(rc));
    }
    *ret_locks = locks;
    return true;
}

void advisory_locks_stop(struct advisory_locks *locks)
{
    if (!locks)
        return;
    pthread_mutex_lock(&locks->mutex);
    locks->stopping = true;
    pthread_cond_signal(&locks->wake);
    pthread_mutex_unlock(&locks->mutex);
    pthread_join(locks->thread, NULL);
    free_locks(locks);
}

static void post(struct advisory_locks *locks, struct request *request)
{
    pthread_mutex_lock(&locks->mutex);
    request->next = locks->requests;
    locks->requests = request;
    pthread_cond_signal(&locks->wake);
    pthread_mutex_unlock(&locks->mutex);
}

bool advisory_locks_try(struct advisory_locks *locks, int64_t name, bool *ret_taken,
                        struct error *error)
{
    struct request request = {.name = name};
    slot_wait_init(&request.answered);
    post(locks, &request);
    slot_wait(&request.answered);
    slot_wait_done(&request.answered);
    *ret_taken = request.taken;
    if (!request.ok && error)
        *error = request.error;
    return request.ok;
}

void advisory_locks_release(struct advisory_locks *locks, int64_t name)
{
    pthread_mutex_lock(&locks->mutex);
    add(&locks->released, name);
    pthread_cond_signal(&locks->wake);
    pthread_mutex_unlock(&locks->mutex);
}
