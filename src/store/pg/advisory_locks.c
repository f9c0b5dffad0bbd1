/* The locker: a thread that hands on what was asked for, and keeps account of what is held. */
#include "store/pg/advisory_locks.h"

#include "base/alloc.h"
#include "store/pg/pg.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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
    struct db *db;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct request *requests;
    struct names released; /* to be given back */
    bool stopping;
    int64_t connections; /* the thread's own from here on: when `held` was right */
    struct names held;
};

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

/* Another connection holds nothing yet. What another node took meanwhile stays its own. */
static void take_again(struct advisory_locks *locks)
{
    struct error error;
    bool *taken = xcalloc(locks->held.count + 1, sizeof(*taken));
    int64_t connections = pg_connections(locks->db);
    struct lock_swap swap = {.wanted = locks->held.items, .wanted_count = locks->held.count};
    if (locks->held.count == 0 || pg_swap_locks(locks->db, &swap, taken, &error))
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
    bool ok = pg_swap_locks(locks->db, &swap, taken, &error);
    if (locks->connections != pg_connections(locks->db))
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
    bool goes_on = !locks->stopping || locks->requests;
    locks->requests = NULL;
    locks->released = (struct names){0};
    pthread_mutex_unlock(&locks->mutex);
    return goes_on;
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
    db_close(locks->db);
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
    bool ok = pg_open(server, DB_READ, &locks->db, error);
    int rc = ok ? pthread_create(&locks->thread, NULL, run, locks) : 0;
    if (rc != 0)
        ok = fail(error, ERR_UNAVAILABLE, "No thread for the store: %s.", strerror(rc));
    if (!ok) {
        free_locks(locks);
        return false;
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
