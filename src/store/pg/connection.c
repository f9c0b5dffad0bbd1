/* The PostgreSQL driver: a connection, from connecting to closing, and the schema's version.
 *
 * A connection is made when it is first needed (pg_ensure) and made again after it was lost, trying
 * the hosts of the URL in turn. Its session gets settings that the driver relies on, however the
 * server is configured; reads are repeated on a new connection (pg_ask_patiently), writes are their
 * batch's to repeat (core/batch.c).
 *
 * Tables are in the schema "headgate", so that a database can be shared with other applications.
 * Beside the store's tables the driver has two of its own: the schema's version, and the writers of
 * commit.c. */
#include "store/pg/internal.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "work/cpu_slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITER_LIFE_MS (7 * 24 * 60 * 60 * 1000LL)

enum { VERSION_LEAST = 140000 };

/* A backend whose client has disappeared releases its locks soon. The operator may strengthen
 * synchronous_commit, but not turn it off. */
static const char *const session_settings =
    "SET search_path = headgate; SET client_connection_check_interval = 1000;"
    "SET idle_in_transaction_session_timeout = 10000; SET statement_timeout = 0;"
    "SET lock_timeout = 0; SET jit = off; SET default_transaction_isolation = 'read committed';"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') = 'off';";

static const char *const reader_settings = "SET default_transaction_read_only = on";
/* Writes find their rows by key, however small the table is when the statement is planned. */
static const char *const writer_settings =
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off";

static void ignore_notice(void *context, const char *message)
{
    (void)context, (void)message;
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
    return pg_run_script(db, session_settings, error) &&
           pg_run_script(db, db->use == DB_WRITE ? writer_settings : reader_settings, error);
}

/* libpq's message has several lines, with a tab before those that continue one: one for each host
 * that was tried. They become one line, with single blanks. */
static void describe_failure(const char *libpq_message, struct error *error)
{
    char line[ERROR_MESSAGE_MAX];
    size_t len = 0;
    for (const char *at = libpq_message; *at && len + 1 < sizeof(line); at++) {
        bool blank = *at == '\n' || *at == '\t' || *at == ' ';
        if (!blank)
            line[len++] = *at;
        else if (len > 0 && line[len - 1] != ' ')
            line[len++] = ' ';
    }
    while (len > 0 && line[len - 1] == ' ')
        len--;
    fail(error, ERR_UNAVAILABLE, "The store's database cannot be reached: %.*s", (int)len, line);
}

static bool connect_once(struct pg_db *db, struct error *error)
{
    struct error details = {0};
    slot_release(); /* a host that does not answer takes seconds */
    db->conn = pg_server_connect(db->server, db->tries++);
    slot_acquire();
    if (libpq.status(db->conn) == CONNECTION_OK) {
        db->connections++;
        if (set_up(db, error))
            return true;
        pg_drop(db); /* without its settings it would look in another schema */
        return false;
    }
    describe_failure(libpq.errorMessage(db->conn), &details);
    pg_drop(db);
    db->failure = DB_FAILED_AGAIN;
    metrics_count(&metric_store_errors, 0, 0);
    /* The operator sees libpq's message at the start; API clients must not see host names. */
    if (db->connections == 0 && db->use == DB_WRITE) {
        *error = details;
        return false;
    }
    if (!db->complained)
        db->server->notice(NOTICE_PG_UNREACHABLE, details.message);
    db->complained = true;
    return fail(error, ERR_UNAVAILABLE, "The store's database cannot be reached.");
}

bool pg_ensure(struct pg_db *db, int64_t until_ms, struct error *error)
{
    struct error reason;
    while (!db->conn) {
        if (!pg_server_may_connect(db->server)) {
            db->failure = DB_FAILED;
            return fail(error, ERR_UNAVAILABLE,
                        "The server is stopping, and the store's database cannot be reached.");
        }
        if (connect_once(db, &reason)) {
            if (db->complained)
                db->server->notice(NOTICE_PG_REACHED, "");
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

/* Each start and each command adds a row to the writers; old rows are never asked for. */
static void forget_old_writers(struct pg_db *db)
{
    char text[256];
    struct error ignored;
    snprintf(text, sizeof(text),
             "DO $$ BEGIN IF to_regclass('writers') IS NOT NULL THEN"
             " DELETE FROM writers WHERE at_ms < %lld; END IF; END $$",
             (long long)(clock_wall_ms() - WRITER_LIFE_MS));
    ignore_failure(pg_run_script(db, text, &ignored)); /* rows that stay are removed another time */
}

static bool is_local(const char *host)
{
    return !host || host[0] == '\0' || host[0] == '/' || strcmp(host, "localhost") == 0 ||
           strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

static bool is_set_to(struct pg_db *db, const char *query, const char *value)
{
    struct error ignored;
    if (!pg_run(db, query, &ignored) || libpq.ntuples(db->last) != 1)
        return false;
    return strcmp(libpq.getvalue(db->last, 0, 0), value) == 0;
}

void pg_check_server(struct pg_db *db)
{
    if (!libpq.sslInUse(db->conn) && !is_local(libpq.host(db->conn)))
        db->server->notice(NOTICE_PG_WITHOUT_TLS, "");
    if (is_set_to(db, "SHOW fsync", "off"))
        db->server->notice(NOTICE_PG_FSYNC_OFF, "");
    forget_old_writers(db);
}

struct pg_db *pg_connection_new(const struct pg_server *server, enum db_use use)
{
    struct pg_db *db = xcalloc(1, sizeof(*db));
    db->server = server;
    db->use = use;
    random_uuid(db->writer);
    if (use == DB_WRITE)
        db->bulk = bulk_write_new();
    return db;
}

void pg_close(struct db *base)
{
    struct pg_db *db = pg_of(base);
    pg_drop(db);
    while (db->idle) {
        struct pg_stmt *next = db->idle->next;
        free(db->idle);
        db->idle = next;
    }
    bulk_write_free(db->bulk);
    free(db->expected);
    free(db);
}

bool pg_ask_patiently(struct pg_db *db, pg_ask_fn *ask, void *argument, int64_t since_ms,
                      int64_t until_ms, struct error *error)
{
    struct circuit_breaker *breaker = db->server->breaker;
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

/* --- the schema --- */

/* pg_advisory_xact_lock's key: a number of our own. */
#define LOCK_SCHEMA "SELECT pg_advisory_xact_lock(7521962890163582053)"

/* Looked up first, so that a role that may not create schemas can use an existing one. */
static const char *const own_tables =
    "DO $$ BEGIN IF to_regnamespace('headgate') IS NULL THEN CREATE SCHEMA headgate; END IF;"
    " END $$;"
    "CREATE TABLE IF NOT EXISTS headgate.schema_version (version BIGINT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS headgate.writers (id TEXT NOT NULL PRIMARY KEY,"
    " batch BIGINT NOT NULL, at_ms BIGINT NOT NULL) WITH (fillfactor = 50);";

static bool read_number(struct pg_db *db, const char *query, int64_t *ret_number,
                        struct error *error)
{
    if (!pg_run(db, query, error))
        return false;
    bool there = libpq.ntuples(db->last) == 1 && !libpq.getisnull(db->last, 0, 0);
    *ret_number = there ? strtoll(libpq.getvalue(db->last, 0, 0), NULL, 10) : 0;
    return true;
}

bool pg_version(struct db *base, int64_t *ret_version, struct error *error)
{
    struct pg_db *db = pg_of(base);
    int64_t table;
    if (!read_number(db, "SELECT CAST(to_regclass('headgate.schema_version') AS oid)", &table,
                     error))
        return false;
    if (table != 0)
        return read_number(db, "SELECT max(version) FROM headgate.schema_version", ret_version,
                           error);
    *ret_version = 0;
    return true;
}

static bool ask_clock(struct pg_db *db, void *argument, struct error *error)
{
    int64_t *ret_ms = argument;
    if (!pg_queue_text(db, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
                       error) ||
        !pg_drain(db, PG_READ_MS, error))
        return false;
    *ret_ms = strtoll(libpq.getvalue(db->last, 0, 0), NULL, 10);
    return true;
}

bool pg_now_ms(struct db *base, int64_t *ret_ms, struct error *error)
{
    int64_t now_ms = clock_mono_ms();
    return pg_ask_patiently(pg_of(base), ask_clock, ret_ms, now_ms, now_ms, error);
}

bool pg_set_version(struct db *db, int64_t version, struct error *error)
{
    char text[160];
    snprintf(text, sizeof(text),
             "DELETE FROM headgate.schema_version;"
             "INSERT INTO headgate.schema_version (version) VALUES (%lld);",
             (long long)version);
    return pg_run_script(pg_of(db), text, error);
}

bool pg_lock_schema(struct db *db, struct error *error)
{
    return pg_run(pg_of(db), LOCK_SCHEMA, error) && pg_run_script(pg_of(db), own_tables, error);
}

/* What is written differently here, as migrations write it in column definitions only. Names are
 * compared and sorted bytewise, as in SQLite, whatever the database's locale; SQLite's row ids have
 * 64 bits. */
static const struct {
    const char *shared, *own;
} column_words[] = {
    {" TEXT", " TEXT COLLATE \"C\""},
    {" INTEGER PRIMARY KEY", " BIGINT PRIMARY KEY"},
};

/* The first of these words in the text; NULL: there is none. */
static const char *find_word(const char *sql, size_t *ret_which)
{
    const char *first = NULL;
    for (size_t i = 0; i < sizeof(column_words) / sizeof(*column_words); i++) {
        const char *found = strstr(sql, column_words[i].shared);
        if (found && (!first || found < first)) {
            first = found;
            *ret_which = i;
        }
    }
    return first;
}

bool pg_script(struct db *db, const char *sql, struct error *error)
{
    struct buf text = buf_on_heap(64 * 1024);
    const char *found;
    size_t which;
    while ((found = find_word(sql, &which)) != NULL) {
        buf_add(&text, (struct str){sql, (size_t)(found - sql)});
        buf_add_cstr(&text, column_words[which].own);
        sql = found + strlen(column_words[which].shared);
    }
    buf_add_cstr(&text, sql);
    bool ok = pg_run_script(pg_of(db), buf_str(&text).data, error);
    buf_done(&text);
    return ok;
}
