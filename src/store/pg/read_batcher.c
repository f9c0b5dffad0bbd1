/* The PostgreSQL driver: batches concurrent point reads into one pipelined round trip over one
 * shared connection.
 *
 * The first thread to arrive becomes the leader: it sends the reads of all waiting threads (at most
 * GROUP_MAX), waits once, and distributes the results; then it passes leadership to a thread that
 * arrived meanwhile. A look-up costs PostgreSQL less than the wake-up for it, so a batch is
 * answered sooner than the same reads over as many connections.
 *
 * A read that fails fails its whole group; then each of the group is sent alone. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdlib.h>

enum { GROUP_MAX = 64 };

/* A waiting read, on the stack of its thread. */
struct read {
    struct pg_stmt *stmt;
    int64_t until_ms;
    bool ok, leads;
    struct error error;
    struct slot_wait wait; /* ends when it is answered, or becomes the leader */
    struct read *next;
};

struct read_batcher {
    pthread_mutex_t mutex;
    struct read *first, **last;
    bool led;
    struct pg_db *db; /* the leader's; NULL before the first read */
};

struct read_batcher *read_batcher_new(void)
{
    struct read_batcher *batcher = xcalloc(1, sizeof(*batcher));
    pthread_mutex_init(&batcher->mutex, NULL);
    batcher->last = &batcher->first;
    return batcher;
}

void read_batcher_free(struct read_batcher *batcher)
{
    if (!batcher)
        return;
    if (batcher->db)
        pg_close(&batcher->db->base);
    pthread_mutex_destroy(&batcher->mutex);
    free(batcher);
}

/* --- the leader --- */

/* All or none. */
static bool send_together(struct pg_db *db, void *group, struct error *error)
{
    bool ok = true;
    for (struct read *read = group; read && ok; read = read->next) {
        libpq_clear(&read->stmt->result); /* of an earlier try */
        ok = pg_queue_stmt_for(db, read->stmt, &read->stmt->result, error);
    }
    return ok && pg_drain(db, PG_READ_MS, error);
}

/* A group that waited while an earlier one timed out fails at once (`since_ms` of the breaker). */
static bool send_in_time(struct pg_db *db, struct read *group, int64_t until_ms,
                         struct error *error)
{
    db->failure = DB_FAILED_AGAIN;
    if (clock_mono_ms() >= until_ms)
        return fail(error, ERR_UNAVAILABLE, "The store's database did not answer in time.");
    return pg_ask_patiently(db, send_together, group, until_ms - PG_READ_MS, until_ms, error);
}

static void run(struct pg_db *db, struct read *group)
{
    int64_t until_ms = 0;
    struct error error = {0};
    for (struct read *read = group; read; read = read->next)
        until_ms = read->until_ms > until_ms ? read->until_ms : until_ms;
    bool ok = send_in_time(db, group, until_ms, &error);
    for (struct read *read = group; read; read = read->next) {
        read->ok = ok;
        read->error = error;
    }
}

/* One failing read fails the pipeline, so after that each is sent alone. */
static void run_group(struct pg_db *db, struct read *group)
{
    run(db, group);
    if (group->ok || !group->next || db->failure == DB_FAILED_AGAIN)
        return;
    while (group) {
        struct read *next = group->next;
        group->next = NULL;
        run(db, group);
        group->next = next;
        group = next;
    }
}

/* Called with the mutex held. */
static struct read *take_group(struct read_batcher *batcher)
{
    struct read *group = batcher->first, **end = &batcher->first;
    for (int i = 0; i < GROUP_MAX && *end; i++)
        end = &(*end)->next;
    batcher->first = *end;
    *end = NULL;
    if (!batcher->first)
        batcher->last = &batcher->first;
    return group;
}

static void pass_lead(struct read_batcher *batcher)
{
    pthread_mutex_lock(&batcher->mutex);
    struct read *leader = batcher->first;
    if (leader)
        leader->leads = true;
    else
        batcher->led = false;
    pthread_mutex_unlock(&batcher->mutex);
    if (leader)
        slot_wait_end(&leader->wait);
}

/* The leader's own read is the first of the group. */
static void lead(struct read_batcher *batcher)
{
    pthread_mutex_lock(&batcher->mutex);
    struct read *group = take_group(batcher);
    pthread_mutex_unlock(&batcher->mutex);
    run_group(batcher->db, group);
    pass_lead(batcher);
    for (struct read *read = group->next; read;) {
        struct read *next = read->next; /* a thread whose wait ended frees its read */
        slot_wait_end(&read->wait);
        read = next;
    }
}

/* --- any thread --- */

/* Whether the read leads. */
static bool join(struct read_batcher *batcher, const struct pg_server *server, struct read *read)
{
    pthread_mutex_lock(&batcher->mutex);
    if (!batcher->db)
        batcher->db = pg_connection_new(server, DB_READ);
    *batcher->last = read;
    batcher->last = &read->next;
    bool leads = !batcher->led;
    batcher->led = true;
    pthread_mutex_unlock(&batcher->mutex);
    return leads;
}

bool read_batcher_read(struct read_batcher *batcher, const struct pg_server *server,
                       struct pg_stmt *stmt, struct error *error)
{
    struct read read = {.stmt = stmt, .until_ms = clock_mono_ms() + PG_READ_MS};
    if (!circuit_breaker_check(server->breaker, error))
        return false;
    slot_wait_init(&read.wait);
    bool leads = join(batcher, server, &read);
    if (!leads) {
        slot_wait(&read.wait);
        leads = read.leads;
    }
    if (leads)
        lead(batcher);
    slot_wait_done(&read.wait);
    return read.ok || fail(error, read.error.code, "%s", read.error.message);
}
