/* PostgreSQL's driver: single rows that many threads look up, over one connection. Whoever comes
 * while nobody reads becomes the leader: sends what all have asked for, waits once, and hands on
 * the lead to one who came meanwhile. A look-up costs PostgreSQL less than being woken for it, so
 * what is asked together is answered sooner than over as many connections. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "work/cpu_slots.h"

#include <pthread.h>
#include <stdlib.h>

enum { GROUP_MAX = 64 };

/* On the stack of the thread that asks. */
struct asker {
    struct pg_stmt *stmt;
    int64_t until_ms;
    bool ok, leads;
    struct error error;
    struct slot_wait wait; /* until it is answered, or is to lead */
    struct asker *next;
};

struct read_batcher {
    pthread_mutex_t mutex;
    struct asker *first, **last;
    bool led;
    struct db *db; /* the leader's */
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
        pg_close(batcher->db);
    pthread_mutex_destroy(&batcher->mutex);
    free(batcher);
}

/* --- the leader --- */

/* All or none. */
static bool ask_together(struct pg_db *db, void *group, struct error *error)
{
    bool ok = true;
    for (struct asker *asker = group; asker && ok; asker = asker->next) {
        libpq_clear(&asker->stmt->result); /* of an earlier try */
        ok = pg_queue_stmt_for(db, asker->stmt, &asker->stmt->result, error);
    }
    return ok && pg_drain(db, PG_READ_MS, error);
}

/* Groups that came while the server was silent do not each find that out again. */
static bool ask_in_time(struct pg_db *db, struct asker *group, int64_t until_ms,
                        struct error *error)
{
    db->failure = DB_FAILED_AGAIN;
    if (clock_mono_ms() >= until_ms)
        return fail(error, ERR_UNAVAILABLE, "The store's database did not answer in time.");
    return pg_ask_patiently(db, ask_together, group, until_ms - PG_READ_MS, until_ms, error);
}

static void answer(struct pg_db *db, struct asker *group)
{
    int64_t until_ms = 0;
    struct error error = {0};
    for (struct asker *asker = group; asker; asker = asker->next)
        until_ms = asker->until_ms > until_ms ? asker->until_ms : until_ms;
    bool ok = ask_in_time(db, group, until_ms, &error);
    for (struct asker *asker = group; asker; asker = asker->next) {
        asker->ok = ok;
        asker->error = error;
    }
}

/* One that fails by itself takes the others with it: so each is asked for alone then. */
static void answer_all(struct pg_db *db, struct asker *group)
{
    answer(db, group);
    if (group->ok || !group->next || db->failure == DB_FAILED_AGAIN)
        return;
    while (group) {
        struct asker *next = group->next;
        group->next = NULL;
        answer(db, group);
        group->next = next;
        group = next;
    }
}

/* Called with the mutex held. */
static struct asker *take_group(struct read_batcher *batcher)
{
    struct asker *group = batcher->first, **end = &batcher->first;
    for (int i = 0; i < GROUP_MAX && *end; i++)
        end = &(*end)->next;
    batcher->first = *end;
    *end = NULL;
    if (!batcher->first)
        batcher->last = &batcher->first;
    return group;
}

static void hand_on(struct read_batcher *batcher)
{
    pthread_mutex_lock(&batcher->mutex);
    struct asker *leader = batcher->first;
    if (leader)
        leader->leads = true;
    else
        batcher->led = false;
    pthread_mutex_unlock(&batcher->mutex);
    if (leader)
        slot_wait_end(&leader->wait);
}

/* Its own question is the first of the group. */
static void lead(struct read_batcher *batcher)
{
    pthread_mutex_lock(&batcher->mutex);
    struct asker *group = take_group(batcher);
    pthread_mutex_unlock(&batcher->mutex);
    answer_all(pg_of(batcher->db), group);
    hand_on(batcher);
    for (struct asker *asker = group->next; asker;) {
        struct asker *next = asker->next; /* whose wait ends, may be gone */
        slot_wait_end(&asker->wait);
        asker = next;
    }
}

/* --- who asks --- */

/* Whether nobody leads yet. The connection's memory is made here; it connects when it is used. */
static bool join(struct read_batcher *batcher, const struct pg_server *server, struct asker *asker)
{
    struct error ignored;
    pthread_mutex_lock(&batcher->mutex);
    if (!batcher->db)
        pg_open(server, DB_READ, &batcher->db, &ignored);
    *batcher->last = asker;
    batcher->last = &asker->next;
    bool leads = !batcher->led;
    batcher->led = true;
    pthread_mutex_unlock(&batcher->mutex);
    return leads;
}

bool read_batcher_read(struct read_batcher *batcher, const struct pg_server *server,
                       struct pg_stmt *stmt, struct error *error)
{
    struct asker asker = {.stmt = stmt, .until_ms = clock_mono_ms() + PG_READ_MS};
    if (!circuit_breaker_check(pg_server_breaker(server), error))
        return false;
    slot_wait_init(&asker.wait);
    bool leads = join(batcher, server, &asker);
    if (!leads) {
        slot_wait(&asker.wait);
        leads = asker.leads;
    }
    if (leads)
        lead(batcher);
    slot_wait_done(&asker.wait);
    return asker.ok || fail(error, asker.error.code, "%s", asker.error.message);
}
