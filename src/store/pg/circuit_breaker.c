/* PostgreSQL's driver: whether the server answers at all, which all of its connections find out
 * together. Once one has waited in vain, the others are told so at once, but for one at a time,
 * which goes on asking until there is an answer. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>

struct pg_silence {
    _Atomic int64_t answered_ms; /* monotonic, as the next one: when anyone was answered last */
    _Atomic int64_t given_up_ms; /* when somebody had waited in vain, and nobody was answered since;
                                    0: there was none */
    atomic_bool probed;          /* somebody is asking although it is silent */
};

struct pg_silence *pg_silence_new(void)
{
    return xcalloc(1, sizeof(struct pg_silence));
}

void pg_silence_free(struct pg_silence *silence)
{
    free(silence);
}

static bool fail_silent(struct error *error)
{
    return fail(error, ERR_UNAVAILABLE, "The store's database does not answer.");
}

bool pg_silence_pass(struct pg_silence *silence, struct error *error)
{
    return !atomic_load(&silence->given_up_ms) || !atomic_load(&silence->probed) ||
           fail_silent(error);
}

bool pg_silence_enter(struct pg_silence *silence, int64_t since_ms, struct pg_attempt *ret_attempt,
                      struct error *error)
{
    int64_t given_up_ms = atomic_load(&silence->given_up_ms);
    *ret_attempt = (struct pg_attempt){.begun_ms = clock_mono_ms()};
    if (!given_up_ms)
        return true;
    if (since_ms <= given_up_ms || atomic_exchange(&silence->probed, true))
        return fail_silent(error);
    ret_attempt->probes = true;
    return true;
}

void pg_silence_leave(struct pg_silence *silence, const struct pg_attempt *attempt, bool in_vain)
{
    if (in_vain && atomic_load(&silence->answered_ms) < attempt->begun_ms &&
        !atomic_exchange(&silence->given_up_ms, clock_mono_ms()))
        log_error("The store's database does not answer: whoever needs it is told so at once, "
                  "until it does.");
    if (attempt->probes)
        atomic_store(&silence->probed, false);
}

void pg_silence_end(struct pg_silence *silence)
{
    atomic_store(&silence->answered_ms, clock_mono_ms());
    if (atomic_load(&silence->given_up_ms) && atomic_exchange(&silence->given_up_ms, 0))
        log_info("The store's database answers again.");
}

bool pg_ask_patiently(struct pg_db *db, pg_ask_fn *ask, void *argument, int64_t since_ms,
                      int64_t until_ms, struct error *error)
{
    struct pg_silence *silence = pg_server_silence(db->server);
    struct pg_attempt attempt;
    struct error reason;
    bool ok;
    db->failure = DB_FAILED_AGAIN;
    if (!pg_silence_enter(silence, since_ms, &attempt, error))
        return false;
    do
        ok = pg_ensure(db, until_ms, &reason) && ask(db, argument, &reason);
    while (!ok && db->failure == DB_FAILED_AGAIN && clock_mono_ms() < until_ms);
    pg_silence_leave(silence, &attempt, !ok && db->failure == DB_FAILED_AGAIN);
    return ok || fail(error, reason.code, "%s", reason.message);
}
