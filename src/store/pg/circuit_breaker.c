/* PostgreSQL's driver: whether the server answers at all, which all of its connections find out
 * together. Once one has waited in vain, the others are told so at once, but for one at a time,
 * which goes on asking until there is an answer. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>

struct circuit_breaker {
    _Atomic int64_t answered_ms; /* monotonic, as the next one: when anyone was answered last */
    _Atomic int64_t given_up_ms; /* when somebody had waited in vain, and nobody was answered since;
                                    0: there was none */
    atomic_bool probed;          /* somebody is asking although it is silent */
};

struct circuit_breaker *circuit_breaker_new(void)
{
    return xcalloc(1, sizeof(struct circuit_breaker));
}

void circuit_breaker_free(struct circuit_breaker *breaker)
{
    free(breaker);
}

static bool fail_silent(struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "The store's database does not answer.");
}

bool circuit_breaker_check(struct circuit_breaker *breaker, struct error *error)
{
    return !atomic_load(&breaker->given_up_ms) || !atomic_load(&breaker->probed) ||
           fail_silent(error);
}

bool circuit_breaker_enter(struct circuit_breaker *breaker, int64_t since_ms,
                           struct breaker_attempt *ret_attempt, struct error *error)
{
    int64_t given_up_ms = atomic_load(&breaker->given_up_ms);
    *ret_attempt = (struct breaker_attempt){.begun_ms = clock_mono_ms()};
    if (!given_up_ms)
        return true;
    if (since_ms <= given_up_ms || atomic_exchange(&breaker->probed, true))
        return fail_silent(error);
    ret_attempt->probes = true;
    return true;
}

void circuit_breaker_leave(struct circuit_breaker *breaker, const struct breaker_attempt *attempt,
                           bool timed_out)
{
    if (timed_out && atomic_load(&breaker->answered_ms) < attempt->begun_ms &&
        !atomic_exchange(&breaker->given_up_ms, clock_mono_ms()))
        log_error("PostgreSQL is not responding; requests fail with 503 until it recovers.");
    if (attempt->probes)
        atomic_store(&breaker->probed, false);
}

void circuit_breaker_close(struct circuit_breaker *breaker)
{
    atomic_store(&breaker->answered_ms, clock_mono_ms());
    if (atomic_load(&breaker->given_up_ms) && atomic_exchange(&breaker->given_up_ms, 0))
        log_info("PostgreSQL responds again.");
}

bool pg_ask_patiently(struct pg_db *db, pg_ask_fn *ask, void *argument, int64_t since_ms,
                      int64_t until_ms, struct error *error)
{
    struct circuit_breaker *breaker = pg_server_breaker(db->server);
    struct breaker_attempt attempt;
    struct error reason;
    bool ok;
    db->failure = DB_FAILED_AGAIN;
    if (!circuit_breaker_enter(breaker, since_ms, &attempt, error))
        return false;
    do
        ok = pg_ensure(db, until_ms, &reason) && ask(db, argument, &reason);
    while (!ok && db->failure == DB_FAILED_AGAIN && clock_mono_ms() < until_ms);
    circuit_breaker_leave(breaker, &attempt, !ok && db->failure == DB_FAILED_AGAIN);
    return ok || fail(error, reason.code, "%s", reason.message);
}
