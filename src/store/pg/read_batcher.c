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
    struct pause pause; /* until it is answered, or is to lead */
    struct asker *next;
};

struct pg_line {
    pthread_mutex_t mutex;
    struct asker *first, **last;
    bool led;
    struct db *db; /* the leader's */
};

struct pg_line *pg_line_new(void)
{
    struct pg_line *line = xcalloc(1, sizeof(*line));
    pthread_mutex_init(&line->mutex, NULL);
    line->last = &line->first;
    return line;
}

void pg_line_free(struct pg_line *line)
{
    if (!line)
        return;
    if (line->db)
        pg_close(line->db);
    pthread_mutex_destroy(&line->mutex);
    free(line);
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
static struct asker *take_group(struct pg_line *line)
{
    struct asker *group = line->first, **end = &line->first;
    for (int i = 0; i < GROUP_MAX && *end; i++)
        end = &(*end)->next;
    line->first = *end;
    *end = NULL;
    if (!line->first)
        line->last = &line->first;
    return group;
}

static void hand_on(struct pg_line *line)
{
    pthread_mutex_lock(&line->mutex);
    struct asker *leader = line->first;
    if (leader)
        leader->leads = true;
    else
        line->led = false;
    pthread_mutex_unlock(&line->mutex);
    if (leader)
        pause_end(&leader->pause);
}

/* Its own question is the first of the group. */
static void lead(struct pg_line *line)
{
    pthread_mutex_lock(&line->mutex);
    struct asker *group = take_group(line);
    pthread_mutex_unlock(&line->mutex);
    answer_all(pg_of(line->db), group);
    hand_on(line);
    for (struct asker *asker = group->next; asker;) {
        struct asker *next = asker->next; /* whose pause ends, may be gone */
        pause_end(&asker->pause);
        asker = next;
    }
}

/* --- who asks --- */

/* Whether nobody leads yet. The connection's memory is made here; it connects when it is used. */
static bool join(struct pg_line *line, const struct pg_server *server, struct asker *asker)
{
    struct error ignored;
    pthread_mutex_lock(&line->mutex);
    if (!line->db)
        pg_open(server, DB_READ, &line->db, &ignored);
    *line->last = asker;
    line->last = &asker->next;
    bool leads = !line->led;
    line->led = true;
    pthread_mutex_unlock(&line->mutex);
    return leads;
}

bool pg_line_read(struct pg_line *line, const struct pg_server *server, struct pg_stmt *stmt,
                  struct error *error)
{
    struct asker asker = {.stmt = stmt, .until_ms = clock_mono_ms() + PG_READ_MS};
    if (!pg_silence_pass(pg_server_silence(server), error))
        return false;
    pause_init(&asker.pause);
    bool leads = join(line, server, &asker);
    if (!leads) {
        pause_wait(&asker.pause);
        leads = asker.leads;
    }
    if (leads)
        lead(line);
    pause_done(&asker.pause);
    return asker.ok || fail(error, asker.error.code, "%s", asker.error.message);
}
