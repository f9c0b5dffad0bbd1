/* PostgreSQL's driver: a connection's beginning and end. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "work/cpu_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITER_LIFE_MS (7 * 24 * 60 * 60 * 1000LL)

enum { VERSION_LEAST = 140000 };

/* A backend whose client has gone lets go of its locks soon; synchronous_commit is the operator's
 * to strengthen, not to turn off. */
static const char *const session_settings =
    "SET search_path = headgate; SET client_connection_check_interval = 1000;"
    "SET idle_in_transaction_session_timeout = 10000; SET statement_timeout = 0;"
    "SET lock_timeout = 0; SET jit = off; SET default_transaction_isolation = 'read committed';"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off';";

static const char *const reader_settings = "SET default_transaction_read_only = on";
/* What is written is found by its key, however small the table is when that is planned. */
static const char *const writer_settings =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

static void ignore_notice(void *context, const char *message)
{
    (void)context, (void)message;
}

static void drop(struct pg_db *db)
{
    if (db->conn)
        libpq.finish(db->conn);
    libpq_clear(&db->last);
    bulk_write_discard(db->gathered);
    db->conn = NULL;
    db->expected_count = 0;
    memset(db->prepared, 0, sizeof(db->prepared));
}

bool pg_fail_lost(struct pg_db *db, struct error *error)
{
    bool unknown = db->committing;
    drop(db);
    db->committing = false;
    db->lost = true;
    db->failure = unknown ? DB_FATE_UNKNOWN : DB_FAILED_AGAIN;
    metrics_count(METRIC_STORE_ERRORS, 0, 0);
    if (unknown)
        return fail(error, ERR_UNAVAILABLE,
                    "The store's database was lost while this was being committed, and whether it "
                    "was is not known yet. Send it again with the same clientToken.");
    return fail(error, ERR_UNAVAILABLE, "The connection to the store's database was lost.");
}

static bool set_up(struct pg_db *db, struct error *error)
{
    libpq.setNoticeProcessor(db->conn, ignore_notice, NULL);
    if (!libpq.enterPipelineMode(db->conn) || libpq.setnonblocking(db->conn, 1) != 0)
        return pg_fail_lost(db, error);
    if (libpq.serverVersion(db->conn) < VERSION_LEAST) {
        db->failure = DB_FAILED;
        return fail(error, ERR_UNAVAILABLE,
                    "The store's database server is older than PostgreSQL 14.");
    }
    return pg_simple(db, session_settings, error) &&
           pg_simple(db, db->use == DB_WRITE ? writer_settings : reader_settings, error);
}

/* libpq's message has several lines, with a tab before those that continue one: one for each host
 * that was tried. They become one line, with single blanks. */
static void keep_words(const char *words, struct error *error)
{
    char line[ERROR_MESSAGE_MAX];
    size_t len = 0;
    for (; *words && len + 1 < sizeof(line); words++) {
        bool blank = *words == '\n' || *words == '\t' || *words == ' ';
        if (!blank)
            line[len++] = *words;
        else if (len > 0 && line[len - 1] != ' ')
            line[len++] = ' ';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    fail(error, ERR_UNAVAILABLE, "The store's database cannot be reached: %.*s", (int)len, line);
}

static bool connect_once(struct pg_db *db, struct error *error)
{
    struct error words = {0};
    slot_release(); /* a host that is silent takes seconds */
    db->conn = pg_server_connect(db->server, db->tries++);
    slot_acquire();
    if (libpq.status(db->conn) == LIBPQ_STATUS_OK) {
        db->connections++;
        if (set_up(db, error))
            return true;
        drop(db); /* it would look for tables in another schema */
        return false;
    }
    keep_words(libpq.errorMessage(db->conn), &words);
    drop(db);
    db->failure = DB_FAILED_AGAIN;
    metrics_count(METRIC_STORE_ERRORS, 0, 0);
    /* Whoever starts the server reads the words; a caller of the API is not shown host names. */
    if (db->connections == 0 && db->use == DB_WRITE) {
        *error = words;
        return false;
    }
    if (!db->complained)
        log_error("%s", words.message);
    db->complained = true;
    return fail(error, ERR_UNAVAILABLE, "The store's database cannot be reached.");
}

bool pg_ensure(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct error reason;
    while (!db->conn) {
        if (connect_once(db, &reason)) {
            if (db->complained)
                log_info("PostgreSQL can be reached again.");
            db->complained = false;
            return true;
        }
        if (db->failure == DB_FAILED || clock_mono_ms() >= until_ms)
            return fail(error, reason.code, "%s", reason.message);
        slot_release();
        clock_nap_us(PG_NAP_US);
        slot_acquire();
    }
    return true;
}

/* Each start and each command adds a row to the writers; none asks for a commit of long ago. */
static void forget_old_writers(struct pg_db *db)
{
    char text[256];
    struct error ignored;
    snprintf(text, sizeof(text),
             "DO $$ BEGIN IF to_regclass('writers') IS NOT NULL THEN"
             " DELETE FROM writers WHERE at_ms < %lld; END IF; END $$",
             (long long)(clock_wall_ms() - WRITER_LIFE_MS));
    pg_simple(db, text, &ignored);
}

static bool is_near(const char *host)
{
    return !host || host[0] == '\0' || host[0] == '/' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool is_set_to(struct pg_db *db, const char *query, const char *value)
{
    struct error ignored;
    if (!pg_say(db, query, &ignored) || libpq.ntuples(db->last) != 1)
        return false;
    return strcmp(libpq.getvalue(db->last, 0, 0), value) == 0;
}

static void warn(struct pg_db *db)
{
    if (!libpq.sslInUse(db->conn) && !is_near(libpq.host(db->conn)))
        log_warn(
            "The connection to PostgreSQL is not protected by TLS: credentials are encrypted, "
            "but others on the network could change data. Add sslmode=verify-full to --store.");
    if (is_set_to(db, "SHOW fsync", "off"))
        log_warn(
            "PostgreSQL runs with fsync = off: acknowledged changes are lost if it loses power.");
}

bool pg_open(const struct pg_server *server, enum db_use use, struct db **ret_db,
             struct error *error)
{
    struct pg_db *db = xcalloc(1, sizeof(*db));
    db->base.driver = &pg_driver;
    db->server = server;
    db->use = use;
    random_uuid(db->writer);
    if (use == DB_WRITE)
        db->gathered = bulk_write_new();
    if (use == DB_WRITE && !pg_ensure(db, clock_mono_ms() + PG_OPEN_MS, error)) {
        pg_close(&db->base);
        return false;
    }
    if (use == DB_WRITE) {
        warn(db);
        forget_old_writers(db);
    }
    *ret_db = &db->base;
    return true;
}

void pg_close(struct db *base)
{
    struct pg_db *db = pg_of(base);
    drop(db);
    while (db->resting) {
        struct pg_stmt *next = db->resting->next;
        free(db->resting);
        db->resting = next;
    }
    bulk_write_free(db->gathered);
    free(db->expected);
    free(db);
}
