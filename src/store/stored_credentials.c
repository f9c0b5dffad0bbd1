/* The profiles table, joined with tokens, their states and the keeper's jobs. */
#include "store/stored_credentials.h"

#include "store/core/internal.h"
#include "store/db/rows.h"

enum { ASKED_COLUMN = 24, TOKENS_COLUMN = 28, STATE_COLUMN = 32 };

static void read_row(const struct stmt *stmt, struct arena *arena, void *item)
{
    struct stored_credentials_row *row = item;
    profile_read_row(stmt, arena, &row->profile);
    row->asked = (struct profile_asked){
        .version = column_i64(stmt, ASKED_COLUMN),
        .at_ms = column_i64(stmt, ASKED_COLUMN + 1),
        .end_ms = column_i64(stmt, ASKED_COLUMN + 2),
        .words = column_text(stmt, ASKED_COLUMN + 3, arena),
    };
    oauth_tokens_read_row(stmt, TOKENS_COLUMN, arena, &row->tokens);
    token_state_read_row(stmt, STATE_COLUMN, arena, &row->state);
    row->state.name = row->profile.key.name;
    row->has_tokens = row->tokens.sealed.data;
    row->has_state = column_text(stmt, STATE_COLUMN, arena).data;
}

bool stored_credentials_list(struct store_reader *reader, struct arena *arena,
                             struct profile_key after, struct str name, size_t limit,
                             struct stored_credentials_row **ret_rows, size_t *ret_count,
                             struct error *error)
{
    struct rows rows = rows_of(arena, sizeof(struct stored_credentials_row));
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_STORED_CREDENTIALS);
    stmt_text(&stmt, 1, after.account);
    stmt_text(&stmt, 2, after.region);
    stmt_text(&stmt, 3, after.name);
    stmt_i64(&stmt, 4, (int64_t)limit);
    stmt_text(&stmt, 5, name.data ? name : STR(""));
    if (!rows_read(&rows, &stmt, read_row, error))
        return false;
    *ret_rows = rows.items;
    *ret_count = rows.count;
    return true;
}
