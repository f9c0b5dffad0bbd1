/* The token_states table, joined with the keeper's jobs. */
#include "store/token_states.h"

#include "base/encode.h"
#include "store/core/internal.h"
#include "store/jobs.h"

/* What rows say in databases: a word is never changed once it was released. */
static const char *const stored[TOKEN_STATES] = {
    [TOKEN_FRESH] = "fresh",
    [TOKEN_BACKING_OFF] = "backing-off",
    [TOKEN_NEEDS_REAUTHORIZATION] = "needs-reauthorization",
};

static const char *const names[TOKEN_STATES] = {
    [TOKEN_FRESH] = "fresh",
    [TOKEN_DUE] = "due",
    [TOKEN_REFRESHING] = "refreshing",
    [TOKEN_BACKING_OFF] = "backing off",
    [TOKEN_NEEDS_REAUTHORIZATION] = "needs re-authorization",
};

struct str token_state_name(enum token_state state)
{
    return str_from(names[state]);
}

/* A word of a later version counts as a failure that is tried again. */
static enum token_state state_of(struct str word)
{
    for (size_t i = 0; i < TOKEN_STATES; i++) {
        if (stored[i] && str_eq(word, str_from(stored[i])))
            return (enum token_state)i;
    }
    return TOKEN_BACKING_OFF;
}

void token_state_read_row(const struct stmt *stmt, int first, struct arena *arena,
                          struct token_state_row *row)
{
    row->state = state_of(column_text(stmt, first, arena));
    row->since_ms = column_i64(stmt, first + 1);
    row->attempts = column_i64(stmt, first + 2);
    row->wait_ms = column_i64(stmt, first + 3);
    row->renewed_at_ms = column_i64(stmt, first + 4);
    row->works_until_ms = column_i64(stmt, first + 5);
    row->reason = column_text(stmt, first + 6, arena);
    row->words = column_text(stmt, first + 7, arena);
    row->next_at_ms = column_i64(stmt, first + 8);
    row->lease_until_ms = column_i64(stmt, first + 9);
}

static void bind_key(struct stmt *stmt, struct profile_key key)
{
    stmt_text(stmt, 1, key.account);
    stmt_text(stmt, 2, key.region);
    stmt_text(stmt, 3, key.name);
}

bool token_state_find(struct store_reader *reader, struct arena *arena, struct profile_key key,
                      struct token_state_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_STATE_FIND);
    bind_key(&stmt, key);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    *ret_row = (struct token_state_row){.name = key.name};
    if (*ret_found)
        token_state_read_row(&stmt, 0, arena, ret_row);
    return true;
}

static enum token_state counted_state(struct str word)
{
    if (str_eq(word, STR("due")))
        return TOKEN_DUE;
    return str_eq(word, STR("refreshing")) ? TOKEN_REFRESHING : state_of(word);
}

bool token_state_count(struct store_reader *reader, int64_t now_ms,
                       int64_t ret_counts[TOKEN_STATES], struct error *error)
{
    struct arena arena = {0};
    struct db *db;
    bool found = true, ok;
    for (size_t i = 0; i < TOKEN_STATES; i++)
        ret_counts[i] = 0;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_STATE_COUNT);
    stmt_i64(&stmt, 1, now_ms);
    while ((ok = stmt_step(&stmt, &found, error)) && found)
        ret_counts[counted_state(column_text(&stmt, 0, &arena))] += column_i64(&stmt, 1);
    arena_done(&arena);
    return ok;
}

static bool write_row(struct db *db, enum sql sql, struct profile_key key,
                      const struct token_state_row *row, struct error *error)
{
    if (!stored[row->state] || row->reason.len > TOKEN_REASON_MAX)
        return fail(error, ERR_INTERNAL, "This state of tokens is not stored.");
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    bind_key(&stmt, key);
    stmt_text(&stmt, 4, str_from(stored[row->state]));
    stmt_i64(&stmt, 5, row->since_ms);
    stmt_i64(&stmt, 6, row->attempts);
    stmt_i64(&stmt, 7, row->wait_ms);
    stmt_i64(&stmt, 8, row->renewed_at_ms);
    stmt_i64(&stmt, 9, row->works_until_ms);
    stmt_text(&stmt, 10, row->reason);
    stmt_text(&stmt, 11, utf8_cut(row->words, TOKEN_WORDS_MAX));
    return stmt_run(&stmt, error);
}

bool token_state_put(struct db *db, struct profile_key key, const struct token_state_row *row,
                     struct error *error)
{
    return write_row(db, SQL_TOKEN_STATE_PUT, key, row, error);
}

bool token_state_add(struct db *db, struct profile_key key, const struct token_state_row *row,
                     struct error *error)
{
    return write_row(db, SQL_TOKEN_STATE_ADD, key, row, error);
}

bool token_state_delete(struct db *db, struct profile_key key, struct error *error)
{
    const struct job_key job = {TOKEN_KEEPER_JOB, key.account, key.region, key.name};
    {
        _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_STATE_DELETE);
        bind_key(&stmt, key);
        if (!stmt_run(&stmt, error))
            return false;
    }
    return job_drop(db, &job, error);
}
