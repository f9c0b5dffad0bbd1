/* The PostgreSQL driver: a circuit breaker, shared by all connections to one server.
 *
 * A server that hangs would cost each request its whole timeout, and hold a thread for as long. So
 * the first request that times out opens the breaker, and while it is open requests fail at once.
 * One request at a time is let through as a probe; the first answer that any connection gets closes
 * the breaker.
 *
 *              timed out                    a request probes
 *     CLOSED ------------> OPEN ------------------------------> HALF_OPEN
 *        ^                  ^ ^                                   |   |
 *        |    any answer    | +---- the probe ended, unanswered --+   |
 *        +------------------+------------- any answer ----------------+
 *
 * A timeout counts only if no connection was answered since the request began: a slow statement, or
 * one hanging connection, says nothing about the server. A refused connection is not a timeout. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct circuit_breaker {
    db_notice_fn *notice;
    pthread_mutex_t mutex;
    _Atomic enum breaker_state state; /* changed with the mutex held, read without */
    _Atomic int64_t answered_ms;      /* monotonic: when a connection was answered last */
    int64_t opened_ms;                /* monotonic: the last timeout that counted */
    uint64_t probe;                   /* number of the last probe */
};

struct circuit_breaker *circuit_breaker_new(db_notice_fn *notice)
{
    struct circuit_breaker *breaker = xcalloc(1, sizeof(*breaker));
    breaker->notice = notice;
    pthread_mutex_init(&breaker->mutex, NULL);
    return breaker;
}

void circuit_breaker_free(struct circuit_breaker *breaker)
{
    if (!breaker)
        return;
    pthread_mutex_destroy(&breaker->mutex);
    free(breaker);
}

/* Called with the mutex held. */
static void move_to(struct circuit_breaker *breaker, enum breaker_state to)
{
    enum breaker_state from = atomic_load(&breaker->state);
    assert(from != to);
    assert(from == BREAKER_OPEN || to != BREAKER_HALF_OPEN);
    assert(to == BREAKER_CLOSED || breaker->opened_ms != 0);
    (void)from;
    atomic_store(&breaker->state, to);
}

static bool fail_open(struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "The store's database does not answer.");
}

bool circuit_breaker_check(struct circuit_breaker *breaker, struct error *error)
{
    return atomic_load(&breaker->state) != BREAKER_HALF_OPEN || fail_open(error);
}

/* Called with the mutex held. */
static bool enter(struct circuit_breaker *breaker, int64_t since_ms,
                  struct breaker_attempt *attempt)
{
    switch (atomic_load(&breaker->state)) {
    case BREAKER_CLOSED:
        return true;
    case BREAKER_HALF_OPEN:
        return false;
    case BREAKER_OPEN:
        if (since_ms <= breaker->opened_ms)
            return false;
        attempt->probe = ++breaker->probe;
        move_to(breaker, BREAKER_HALF_OPEN);
        return true;
    }
    return false;
}

bool circuit_breaker_enter(struct circuit_breaker *breaker, int64_t since_ms,
                           struct breaker_attempt *ret_attempt, struct error *error)
{
    *ret_attempt = (struct breaker_attempt){.begun_ms = clock_mono_ms()};
    if (atomic_load(&breaker->state) == BREAKER_CLOSED)
        return true;
    pthread_mutex_lock(&breaker->mutex);
    bool ok = enter(breaker, since_ms, ret_attempt);
    pthread_mutex_unlock(&breaker->mutex);
    return ok || fail_open(error);
}

void circuit_breaker_leave(struct circuit_breaker *breaker, const struct breaker_attempt *attempt,
                           bool timed_out)
{
    bool counts = timed_out && atomic_load(&breaker->answered_ms) < attempt->begun_ms;
    bool opens = false;
    if (!counts && attempt->probe == 0)
        return;
    pthread_mutex_lock(&breaker->mutex);
    enum breaker_state state = atomic_load(&breaker->state);
    if (counts)
        breaker->opened_ms = clock_mono_ms();
    opens = counts && state == BREAKER_CLOSED;
    /* A later probe's HALF_OPEN is not this attempt's to end. */
    if (opens || (state == BREAKER_HALF_OPEN && attempt->probe == breaker->probe))
        move_to(breaker, BREAKER_OPEN);
    pthread_mutex_unlock(&breaker->mutex);
    if (opens)
        breaker->notice(NOTICE_PG_SILENT, "");
}

void circuit_breaker_close(struct circuit_breaker *breaker)
{
    atomic_store(&breaker->answered_ms, clock_mono_ms());
    if (atomic_load(&breaker->state) == BREAKER_CLOSED)
        return;
    pthread_mutex_lock(&breaker->mutex);
    bool closes = atomic_load(&breaker->state) != BREAKER_CLOSED;
    if (closes)
        move_to(breaker, BREAKER_CLOSED);
    pthread_mutex_unlock(&breaker->mutex);
    if (closes)
        breaker->notice(NOTICE_PG_ANSWERS, "");
}
