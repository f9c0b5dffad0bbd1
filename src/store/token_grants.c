/* The table of token grants. The states and their transitions are described in the header; each
 * transition is one statement whose WHERE clause names the state that it starts from, so that two
 * nodes cannot both make it. */
#include "store/token_grants.h"

#include "store/core/internal.h"

#include <assert.h>
#include <string.h>

/* Values of the column `consumed`; 0: it is not. */
enum { CONSUMED_USED = 1, CONSUMED_REPLACED = 2 };

enum { CLOCKS_DIFFER_MS = 60 * 60 * 1000 }; /* of nodes that write to one store, at most */

static struct str id_bytes(const unsigned char id[TOKEN_GRANT_ID_SIZE])
{
    return (struct str){(const char *)id, TOKEN_GRANT_ID_SIZE};
}

/* What the columns of a row must be in each state. */
static void check_states(const struct token_grant *grant)
{
    bool is_attempted = grant->attempt != 0;
    assert(!(is_attempted && grant->consumed));
    assert(!(is_attempted && grant->sealed.data));
    assert(!(grant->consumed && grant->sealed.data));
    assert(is_attempted || grant->attempt_ends_at_ms == 0);
    (void)is_attempted;
}

bool token_grant_find(struct store_reader *reader, struct arena *arena,
                      const unsigned char id[TOKEN_GRANT_ID_SIZE], struct token_grant *ret_grant,
                      bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_FIND);
    stmt_bytes(&stmt, 1, id_bytes(id));
    stmt_i64(&stmt, 2, reader_now_ms(reader));
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found) {
        memcpy(ret_grant->id, id, TOKEN_GRANT_ID_SIZE);
        ret_grant->account = column_text(&stmt, 0, arena);
        ret_grant->region = column_text(&stmt, 1, arena);
        ret_grant->profile = column_text(&stmt, 2, arena);
        ret_grant->consumed = column_i64(&stmt, 3) != 0;
        ret_grant->replaced = column_i64(&stmt, 3) == CONSUMED_REPLACED;
        ret_grant->sealed = column_bytes(&stmt, 4, arena);
        ret_grant->attempt = column_i64(&stmt, 5);
        ret_grant->attempt_ends_at_ms = column_i64(&stmt, 6);
        ret_grant->attempted_at_ms = column_i64(&stmt, 7);
        check_states(ret_grant);
    }
    return true;
}

/* Bounds the rows of a profile, and so the work of its deletion. What expires last was written last
 * only among rows of one life, so each life has its own bound: many rows that are kept for long do
 * not displace a code that is known as used. As a row ages it falls into the class below. */
static bool trim(struct db *db, const struct token_grant *grant, int64_t now_ms, int64_t life_ms,
                 struct error *error)
{
    static const int64_t lives[] = {TOKEN_GRANT_LIFE_MS, TOKEN_GRANT_TRIAL_LIFE_MS,
                                    TOKEN_GRANT_DOUBT_LIFE_MS, TOKEN_GRANT_REPLACED_LIFE_MS};
    int64_t after_ms = 0, until_ms = 0;
    for (size_t i = 0; i < sizeof(lives) / sizeof(*lives) && until_ms < now_ms + life_ms; i++) {
        after_ms = until_ms;
        until_ms = now_ms + lives[i] + CLOCKS_DIFFER_MS;
    }
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_TRIM);
    stmt_text(&stmt, 1, grant->account);
    stmt_text(&stmt, 2, grant->region);
    stmt_text(&stmt, 3, grant->profile);
    stmt_i64(&stmt, 4, TOKEN_GRANTS_KEPT_MAX);
    stmt_bytes(&stmt, 5, id_bytes(grant->id));
    stmt_i64(&stmt, 6, now_ms);
    stmt_i64(&stmt, 7, after_ms);
    stmt_i64(&stmt, 8, until_ms);
    return stmt_run(&stmt, error);
}

static int64_t life_of(const struct token_grant *grant)
{
    return grant->life_ms > 0 ? grant->life_ms : TOKEN_GRANT_LIFE_MS;
}

static void bind_row(struct stmt *stmt, const struct token_grant *grant, int64_t expires_at_ms)
{
    stmt_bytes(stmt, 1, id_bytes(grant->id));
    stmt_text(stmt, 2, grant->account);
    stmt_text(stmt, 3, grant->region);
    stmt_text(stmt, 4, grant->profile);
    stmt_i64(stmt, 5, expires_at_ms);
}

bool token_grant_begin(struct db *db, const struct token_grant *grant, int64_t now_ms,
                       struct error *error)
{
    bool begun;
    assert(grant->attempt != 0);
    int64_t life_ms = grant->one_time ? life_of(grant) : TOKEN_GRANT_DOUBT_LIFE_MS;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_BEGIN);
    bind_row(&stmt, grant, now_ms + life_ms);
    stmt_i64(&stmt, 6, grant->attempt);
    stmt_i64(&stmt, 7, grant->attempt_ends_at_ms);
    stmt_i64(&stmt, 8, now_ms);
    stmt_i64(&stmt, 9, grant->replaces);
    stmt_i64(&stmt, 10, grant->one_time);
    stmt_i64(&stmt, 11, grant->attempted_at_ms);
    if (!stmt_change(&stmt, &begun, error))
        return false;
    if (!begun)
        return fail(error, ERR_LOST_RACE, "Another request uses this one-time credential.");
    return trim(db, grant, now_ms, life_ms, error);
}

static bool run_on_attempt(struct db *db, enum sql sql, const struct token_grant *grant,
                           struct error *error)
{
    assert(grant->attempt != 0);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_bytes(&stmt, 1, id_bytes(grant->id));
    stmt_i64(&stmt, 2, grant->attempt);
    return stmt_run(&stmt, error);
}

bool token_grant_take_back(struct db *db, const struct token_grant *grant, struct error *error)
{
    return run_on_attempt(db, SQL_TOKEN_GRANT_TAKE_BACK, grant, error);
}

bool token_grant_give_up(struct db *db, const struct token_grant *grant, struct error *error)
{
    return run_on_attempt(db, SQL_TOKEN_GRANT_GIVE_UP, grant, error);
}

bool token_grant_save(struct db *db, const struct token_grant *grant, int64_t now_ms,
                      struct error *error)
{
    bool saved;
    assert(grant->sealed.data);
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_SAVE);
    bind_row(&stmt, grant, now_ms + life_of(grant));
    stmt_bytes(&stmt, 6, grant->sealed);
    stmt_i64(&stmt, 7, now_ms);
    stmt_i64(&stmt, 8, grant->one_time);
    stmt_i64(&stmt, 9, grant->attempt);
    if (!stmt_change(&stmt, &saved, error))
        return false;
    if (!saved)
        return fail(error, ERR_LOST_RACE, "This one-time credential was already used.");
    return trim(db, grant, now_ms, life_of(grant), error);
}

static bool consume(struct db *db, const struct token_grant *grant, int64_t now_ms,
                    struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_CONSUME);
    stmt_bytes(&stmt, 1, id_bytes(grant->id));
    stmt_i64(&stmt, 2, now_ms + life_of(grant));
    stmt_i64(&stmt, 3, grant->replaced ? CONSUMED_REPLACED : CONSUMED_USED);
    return stmt_run(&stmt, error);
}

bool token_grant_consume(struct db *db, const struct token_grant *grant, int64_t now_ms,
                         struct error *error)
{
    return consume(db, grant, now_ms, error) &&
           (grant->life_ms == 0 || trim(db, grant, now_ms, grant->life_ms, error));
}

bool token_grants_discard(struct db *db, struct str account, struct str region, struct str profile,
                          struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_DISCARD);
    stmt_text(&stmt, 1, account);
    stmt_text(&stmt, 2, region);
    stmt_text(&stmt, 3, profile);
    return stmt_run(&stmt, error);
}

bool token_grant_reseal(struct db *db, const struct token_grant *grant, struct str old,
                        struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_GRANT_RESEAL);
    stmt_bytes(&stmt, 1, (struct str){(const char *)grant->id, TOKEN_GRANT_ID_SIZE});
    stmt_bytes(&stmt, 2, grant->sealed);
    stmt_bytes(&stmt, 3, old);
    return stmt_run(&stmt, error);
}
