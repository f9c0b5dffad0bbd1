/* The clock that all processes of a store share. Two nodes' own clocks may differ by any time; the
 * database's is one, and the monotonic clock counts on from its last measurement. */
#include "store/core/internal.h"

#include "base/clock.h"

int64_t store_clock_ms(const struct store *store)
{
    bool is_measured = store->server && atomic_load(&store->clock_measured_ms) != 0;
    return is_measured ? clock_mono_ms() + atomic_load(&store->clock_offset_ms) : store->now_ms();
}

void store_clock_note(struct store *store, struct db *db)
{
    int64_t database_ms, asked_ms = clock_mono_ms();
    struct error ignored; /* the last measurement counts until the next one */
    if (!db_now_ms(db, &database_ms, &ignored))
        return;
    int64_t answered_ms = clock_mono_ms();
    if (answered_ms - asked_ms > STORE_CLOCK_ANSWER_MS)
        return;
    atomic_store(&store->clock_offset_ms, database_ms - (asked_ms + answered_ms) / 2);
    atomic_store(&store->clock_measured_ms, answered_ms);
}

void store_clock_measure(struct store *store)
{
    struct store_reader *reader;
    struct error ignored;
    if (!store->server ||
        clock_mono_ms() - atomic_load(&store->clock_measured_ms) < STORE_CLOCK_MS ||
        !store_reader_take(store, &reader, &ignored))
        return;
    store_clock_note(store, reader_db(reader));
    store_reader_put(store, reader);
}
