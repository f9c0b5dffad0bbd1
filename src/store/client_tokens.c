/* The tables of client tokens and exchanges. */
#include "store/client_tokens.h"

#include "store/core/idempotency_claims.h"
#include "store/core/internal.h"

#include <string.h>

static void bind_key(struct stmt *stmt, const struct client_token *key)
{
    stmt_text(stmt, 1, key->account);
    stmt_text(stmt, 2, key->region);
    stmt_text(stmt, 3, key->operation);
    stmt_text(stmt, 4, key->token);
}

bool client_token_find(struct store_reader *reader, struct arena *arena,
                       const struct client_token *key, const unsigned char hash[REQUEST_HASH_SIZE],
                       enum client_token_state *ret_state, struct str *ret_answer,
                       struct error *error)
{
    struct db *db;
    bool found;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_FIND);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 5, reader_now_ms(reader));
    if (!stmt_step(&stmt, &found, error))
        return false;
    *ret_state = CLIENT_TOKEN_CLAIMED;
    if (!found)
        return true;
    struct str stored = column_bytes(&stmt, 0, arena);
    bool same = stored.len == REQUEST_HASH_SIZE && memcmp(stored.data, hash, stored.len) == 0;
    *ret_state = same ? CLIENT_TOKEN_ANSWERED : CLIENT_TOKEN_CONFLICT;
    if (same)
        *ret_answer = column_text(&stmt, 1, arena);
    return true;
}

bool client_token_answer(struct db *db, const struct client_token *key,
                         const unsigned char hash[REQUEST_HASH_SIZE], struct str answer,
                         int64_t now_ms, struct error *error)
{
    bool stored;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_TOKEN_ANSWER);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 5, now_ms + CLIENT_TOKEN_LIFE_MS);
    stmt_bytes(&stmt, 6, (struct str){(const char *)hash, REQUEST_HASH_SIZE});
    stmt_text(&stmt, 7, answer);
    stmt_i64(&stmt, 8, CLIENT_TOKEN_LIFE_MS);
    if (!stmt_change(&stmt, &stored, error))
        return false;
    return stored || fail(error, ERR_CONFLICT, "The client token was used by another request.");
}

bool token_grant_find(struct store_reader *reader, struct arena *arena,
                      const unsigned char id[TOKEN_GRANT_ID_SIZE], struct token_grant *ret_exchange,
                      bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_EXCHANGE_FIND);
    stmt_bytes(&stmt, 1, (struct str){(const char *)id, TOKEN_GRANT_ID_SIZE});
    stmt_i64(&stmt, 2, reader_now_ms(reader));
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (*ret_found) {
        memcpy(ret_exchange->id, id, TOKEN_GRANT_ID_SIZE);
        ret_exchange->account = column_text(&stmt, 0, arena);
        ret_exchange->region = column_text(&stmt, 1, arena);
        ret_exchange->profile = column_text(&stmt, 2, arena);
        ret_exchange->consumed = column_i64(&stmt, 3) != 0;
        ret_exchange->sealed = column_bytes(&stmt, 4, arena);
        ret_exchange->attempt = column_i64(&stmt, 5);
        ret_exchange->attempt_ends_at_ms = column_i64(&stmt, 6);
    }
    return true;
}

/* Keeps bounded what a profile's deletion removes in one write. */
static bool trim(struct db *db, const struct token_grant *exchange, int64_t now_ms,
                 struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_EXCHANGE_TRIM);
    stmt_text(&stmt, 1, exchange->account);
    stmt_text(&stmt, 2, exchange->region);
    stmt_text(&stmt, 3, exchange->profile);
    stmt_i64(&stmt, 4, TOKEN_GRANTS_KEPT_MAX);
    stmt_bytes(&stmt, 5, (struct str){(const char *)exchange->id, TOKEN_GRANT_ID_SIZE});
    stmt_i64(&stmt, 6, now_ms);
    return stmt_run(&stmt, error);
}

static void bind_exchange(struct stmt *stmt, const struct token_grant *exchange, int64_t now_ms)
{
    stmt_bytes(stmt, 1, (struct str){(const char *)exchange->id, TOKEN_GRANT_ID_SIZE});
    stmt_text(stmt, 2, exchange->account);
    stmt_text(stmt, 3, exchange->region);
    stmt_text(stmt, 4, exchange->profile);
    stmt_i64(stmt, 5, now_ms + TOKEN_GRANT_LIFE_MS);
}

bool token_grant_begin(struct db *db, const struct token_grant *exchange, int64_t now_ms,
                       struct error *error)
{
    bool begun;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_EXCHANGE_BEGIN);
    bind_exchange(&stmt, exchange, now_ms);
    stmt_i64(&stmt, 6, exchange->attempt);
    stmt_i64(&stmt, 7, exchange->attempt_ends_at_ms);
    stmt_i64(&stmt, 8, now_ms);
    if (!stmt_change(&stmt, &begun, error))
        return false;
    if (!begun)
        return fail(error, ERR_LOST_RACE, "A one-time credential is exchanged by another.");
    return trim(db, exchange, now_ms, error);
}

static bool run_on_attempt(struct db *db, enum sql sql, const struct token_grant *exchange,
                           struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_bytes(&stmt, 1, (struct str){(const char *)exchange->id, TOKEN_GRANT_ID_SIZE});
    stmt_i64(&stmt, 2, exchange->attempt);
    return stmt_run(&stmt, error);
}

bool token_grant_take_back(struct db *db, const struct token_grant *exchange, struct error *error)
{
    return run_on_attempt(db, SQL_EXCHANGE_TAKE_BACK, exchange, error);
}

bool token_grant_give_up(struct db *db, const struct token_grant *exchange, struct error *error)
{
    return run_on_attempt(db, SQL_EXCHANGE_GIVE_UP, exchange, error);
}

bool token_grant_save(struct db *db, const struct token_grant *exchange, int64_t now_ms,
                      struct error *error)
{
    bool saved;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_EXCHANGE_SAVE);
    bind_exchange(&stmt, exchange, now_ms);
    stmt_bytes(&stmt, 6, exchange->sealed);
    stmt_i64(&stmt, 7, now_ms);
    stmt_i64(&stmt, 8, exchange->one_time);
    stmt_i64(&stmt, 9, exchange->attempt);
    if (!stmt_change(&stmt, &saved, error))
        return false;
    if (!saved)
        return fail(error, ERR_LOST_RACE, "A one-time credential was used already.");
    return trim(db, exchange, now_ms, error);
}

bool token_grant_consume(struct db *db, const unsigned char id[TOKEN_GRANT_ID_SIZE],
                         struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_EXCHANGE_CONSUME);
    stmt_bytes(&stmt, 1, (struct str){(const char *)id, TOKEN_GRANT_ID_SIZE});
    return stmt_run(&stmt, error);
}
