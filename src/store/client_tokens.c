/* The table of client tokens: stored answers of finished requests. Requests that are still running
 * are in core/idempotency_claims.c. */
#include "store/client_tokens.h"

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
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CLIENT_TOKEN_FIND);
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
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CLIENT_TOKEN_ANSWER);
    bind_key(&stmt, key);
    stmt_i64(&stmt, 5, now_ms + CLIENT_TOKEN_LIFE_MS);
    stmt_bytes(&stmt, 6, (struct str){(const char *)hash, REQUEST_HASH_SIZE});
    stmt_text(&stmt, 7, answer);
    stmt_i64(&stmt, 8, CLIENT_TOKEN_LIFE_MS);
    if (!stmt_change(&stmt, &stored, error))
        return false;
    return stored || fail(error, ERR_CONFLICT, "The client token was used by another request.");
}
