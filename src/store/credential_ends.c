/* What the profiles table has of it. */
#include "store/credential_ends.h"

#include "base/encode.h"
#include "store/core/internal.h"

bool profile_asked_put(struct db *db, struct profile_key key, const struct profile_asked *asked,
                       struct error *error)
{
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_PROFILE_ASKED_PUT);
    stmt_text(&stmt, 1, key.account);
    stmt_text(&stmt, 2, key.region);
    stmt_text(&stmt, 3, key.name);
    stmt_i64(&stmt, 4, asked->version);
    stmt_i64(&stmt, 5, asked->at_ms);
    stmt_i64(&stmt, 6, asked->end_ms);
    stmt_text(&stmt, 7, utf8_cut(asked->words, ASKED_WORDS_MAX));
    return stmt_run(&stmt, error);
}
