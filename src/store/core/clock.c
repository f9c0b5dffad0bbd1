/* The clock that all processes of a store share. Two nodes' own clocks may differ by any time; the
 * database's is one, and the monotonic clock counts on from its last measurement. */
#include "store/core/internal.h"

#include "base/clock.h"

int64_t store_clock_ms(const struct store *store)
{
    bool is_measured = store->server && atomic_load(&store->clock_measured_ms) != 0;
    return is_measured ? clock_mono_ms() + atomic_load(&store->clock_offset_ms) : store->now_ms();
}

/* *ret_took_ms: how long the database took to answer; the measurement is as exact as half of it. */
static bool measure(struct db *db, int64_t *ret_offset_ms, int64_t *ret_took_ms,
                    struct error *error)
{
    int64_t database_ms, asked_ms = clock_mono_ms();
    if (!db_now_ms(db, &database_ms, error))
        return false;
    int64_t answered_ms = clock_mono_ms();
    *ret_offset_ms = database_ms - (asked_ms + answered_ms) / 2;
    *ret_took_ms = answered_ms - asked_ms;
    return true;
}

static void take(struct store *store, int64_t offset_ms)
{
    atomic_store(&store->clock_offset_ms, offset_ms);
    atomic_store(&store->clock_measured_ms, clock_mono_ms());
}

/* The best of some answers, if none came in time: without a measurement the clock of this machine
 * would count, which may be any. */
bool store_clock_begin(struct store *store, struct db *db, struct error *error)
{
    int64_t best_ms = 0, best_took_ms = INT64_MAX, offset_ms, took_ms;
    for (int i = 0; i < STORE_CLOCK_TRIES && best_took_ms > STORE_CLOCK_ANSWER_MS; i++) {
        if (!measure(db, &offset_ms, &took_ms, error))
            return false;
        if (took_ms < best_took_ms) {
            best_took_ms = took_ms;
            best_ms = offset_ms;
        }
    }
    take(store, best_ms);
    return true;
}

void store_clock_measure(struct store *store)
{
    struct store_reader *reader;
    struct error ignored;
    int64_t offset_ms, took_ms;
    if (!store->server ||
        clock_mono_ms() - atomic_load(&store->clock_measured_ms) < STORE_CLOCK_MS ||
        !store_reader_take(store, &reader, &ignored))
        return;
    if (measure(reader_db(reader), &offset_ms, &took_ms, &ignored) &&
        took_ms <= STORE_CLOCK_ANSWER_MS)
        take(store, offset_ms); /* else the last measurement counts until the next one */
    store_reader_put(store, reader);
}
