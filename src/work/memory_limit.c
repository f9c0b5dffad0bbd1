/* The sum over all is an atomic, which readers look at without the lock; the accounts' sums are
 * guarded. An account is in the map while a reservation of it has bytes or may get some. */
#include "work/memory_limit.h"

#include "base/alloc.h"
#include "base/map.h"
#include "work/keyed_share.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct memory_account {
    struct map_link link;
    size_t reservations;
    size_t bytes;
};

struct memory_limit {
    size_t max;
    atomic_size_t bytes;
    pthread_mutex_t lock; /* guards what follows */
    struct map accounts;
};

struct memory_limit *memory_limit_new(size_t bytes_max)
{
    struct memory_limit *limit = xcalloc(1, sizeof(*limit));
    limit->max = bytes_max;
    pthread_mutex_init(&limit->lock, NULL);
    return limit;
}

void memory_limit_free(struct memory_limit *limit)
{
    if (!limit)
        return;
    assert(limit->accounts.count == 0);
    map_done(&limit->accounts);
    pthread_mutex_destroy(&limit->lock);
    free(limit);
}

static size_t left(const struct memory_limit *limit)
{
    size_t bytes = atomic_load_explicit(&limit->bytes, memory_order_relaxed);
    return bytes < limit->max ? limit->max - bytes : 0;
}

void memory_limit_add(struct memory_limit *limit, size_t bytes)
{
    atomic_fetch_add_explicit(&limit->bytes, bytes, memory_order_relaxed);
}

void memory_limit_remove(struct memory_limit *limit, size_t bytes)
{
    atomic_fetch_sub_explicit(&limit->bytes, bytes, memory_order_relaxed);
}

bool memory_limit_has_room(const struct memory_limit *limit, size_t held)
{
    size_t free_bytes = left(limit);
    return free_bytes > 0 && held <= free_bytes;
}

size_t memory_limit_bytes(const struct memory_limit *limit)
{
    return limit ? atomic_load_explicit(&limit->bytes, memory_order_relaxed) : 0;
}

/* --- reservations --- */

/* Under the lock. */
static struct memory_account *account_hold(struct memory_limit *limit, struct str name)
{
    struct memory_account *account = (struct memory_account *)map_find(&limit->accounts, name);
    if (!account) {
        char *memory = xcalloc(1, sizeof(*account) + name.len);
        if (name.len > 0)
            memcpy(memory + sizeof(*account), name.data, name.len);
        account = (void *)memory;
        account->link.name = (struct str){memory + sizeof(*account), name.len};
        map_add(&limit->accounts, &account->link);
    }
    account->reservations++;
    return account;
}

/* Under the lock. Buffers change the sum without it, so the sum is looked at and changed at once.
 */
static bool take(struct memory_limit *limit, struct memory_account *account, size_t more,
                 bool forced)
{
    size_t bytes = atomic_load_explicit(&limit->bytes, memory_order_relaxed);
    do {
        size_t free_bytes = bytes < limit->max ? limit->max - bytes : 0;
        bool fits = more <= share_left(account->bytes, free_bytes);
        if (!fits && !forced)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&limit->bytes, &bytes, bytes + more,
                                                    memory_order_relaxed, memory_order_relaxed));
    account->bytes += more;
    return true;
}

/* Under the lock. */
static void give(struct memory_limit *limit, struct memory_account *account, size_t bytes)
{
    account->bytes -= bytes;
    memory_limit_remove(limit, bytes);
}

static bool cover(struct arena_meter *meter, size_t bytes, bool forced)
{
    struct memory_reservation *reservation = (struct memory_reservation *)meter;
    struct memory_limit *limit = reservation->limit;
    bool done = true;
    if (limit) {
        pthread_mutex_lock(&limit->lock);
        if (bytes > meter->covered)
            done = take(limit, reservation->account, bytes - meter->covered, forced);
        else
            give(limit, reservation->account, meter->covered - bytes);
        pthread_mutex_unlock(&limit->lock);
    }
    if (done)
        meter->covered = bytes;
    return done;
}

void memory_reservation_begin(struct memory_limit *limit, struct str account,
                              struct memory_reservation *reservation)
{
    *reservation = (struct memory_reservation){.meter.cover = cover, .limit = limit};
    if (!limit)
        return;
    pthread_mutex_lock(&limit->lock);
    reservation->account = account_hold(limit, account);
    pthread_mutex_unlock(&limit->lock);
}

bool memory_reserve(struct memory_reservation *reservation, size_t bytes)
{
    struct arena_meter *meter = &reservation->meter;
    size_t wanted = meter->held + bytes;
    if (wanted > meter->covered && !cover(meter, wanted, false))
        return false;
    meter->reserved = meter->covered;
    return true;
}

void memory_reservation_end(struct memory_reservation *reservation)
{
    struct memory_limit *limit = reservation->limit;
    struct memory_account *account = reservation->account;
    assert(reservation->meter.held == 0);
    if (!account)
        return;
    pthread_mutex_lock(&limit->lock);
    give(limit, account, reservation->meter.covered);
    if (--account->reservations == 0) {
        map_remove(&limit->accounts, &account->link);
        free(account);
    }
    pthread_mutex_unlock(&limit->lock);
    *reservation = (struct memory_reservation){0};
}
