/* The consents table. */
#include "store/consents.h"

#include "base/encode.h"
#include "store/core/internal.h"

/* What rows say in databases: a word is never changed once it was released. */
static const char *const stages[] = {
    [CONSENT_OPEN] = "open",
    [CONSENT_ASKED] = "asked",
    [CONSENT_TAKEN] = "taken",
    [CONSENT_ENDED] = "ended",
};

/* A word of a later version counts as an end, so nothing more is done with the row. */
static enum consent_stage stage_of(struct str word)
{
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        if (str_eq(word, str_from(stages[i])))
            return (enum consent_stage)i;
    }
    return CONSENT_ENDED;
}

bool consent_row_find(struct store_reader *reader, struct arena *arena, struct str id,
                      struct consent_row *ret_row, bool *ret_found, struct error *error)
{
    struct db *db;
    if (!reader_begin(reader, &db, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONSENT_FIND);
    stmt_text(&stmt, 1, id);
    if (!stmt_step(&stmt, ret_found, error))
        return false;
    if (!*ret_found)
        return true;
    *ret_row = (struct consent_row){
        .id = id,
        .key = {column_text(&stmt, 0, arena), column_text(&stmt, 1, arena),
                column_text(&stmt, 2, arena)},
        .stage = stage_of(column_text(&stmt, 3, arena)),
        .expires_at_ms = column_i64(&stmt, 4),
        .browser = column_bytes(&stmt, 5, arena),
        .state = column_bytes(&stmt, 6, arena),
        .sealed = column_bytes(&stmt, 7, arena),
        .outcome = column_text(&stmt, 8, arena),
        .words = column_text(&stmt, 9, arena),
    };
    return true;
}

static bool check_room(struct db *db, struct str account, int64_t now_ms, struct error *error)
{
    bool found;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONSENT_COUNT);
    stmt_text(&stmt, 1, account);
    stmt_i64(&stmt, 2, now_ms);
    if (!stmt_step(&stmt, &found, error))
        return false;
    if (column_i64(&stmt, 0) >= CONSENTS_OF_ACCOUNT_MAX)
        return fail(error, ERR_QUOTA,
                    "%d links of this account are in use, and no account may have more. They end "
                    "when they are used, or ten minutes after they were made.",
                    CONSENTS_OF_ACCOUNT_MAX);
    return column_i64(&stmt, 1) < CONSENTS_KEPT_MAX ||
           fail(error, ERR_QUOTA,
                "%d links were made for this account in little more than an hour, and no account "
                "may have more. Try again later.",
                CONSENTS_KEPT_MAX);
}

bool consent_row_add(struct db *db, const struct consent_row *row, int64_t now_ms,
                     struct error *error)
{
    if (!db_lock_counts(db, error) || !check_room(db, row->key.account, now_ms, error))
        return false;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONSENT_ADD);
    stmt_text(&stmt, 1, row->id);
    stmt_text(&stmt, 2, row->key.account);
    stmt_text(&stmt, 3, row->key.region);
    stmt_text(&stmt, 4, row->key.name);
    stmt_i64(&stmt, 5, row->expires_at_ms);
    stmt_bytes(&stmt, 6, row->sealed);
    return stmt_run(&stmt, error);
}

static bool step(struct db *db, enum sql sql, const struct consent_row *row, int64_t now_ms,
                 struct error *error)
{
    bool changed;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, sql);
    stmt_text(&stmt, 1, row->id);
    stmt_bytes(&stmt, 2, row->browser);
    stmt_bytes(&stmt, 3, row->state);
    stmt_i64(&stmt, 4, now_ms);
    stmt_i64(&stmt, 5, row->expires_at_ms);
    return stmt_change(&stmt, &changed, error) &&
           (changed || fail(error, ERR_LOST_RACE, "The link was used meanwhile."));
}

bool consent_row_ask(struct db *db, const struct consent_row *row, int64_t now_ms,
                     struct error *error)
{
    return step(db, SQL_CONSENT_ASK, row, now_ms, error);
}

bool consent_row_take(struct db *db, const struct consent_row *row, int64_t now_ms,
                      struct error *error)
{
    return step(db, SQL_CONSENT_TAKE, row, now_ms, error);
}

bool consent_row_end(struct db *db, const struct consent_row *row, struct error *error)
{
    bool changed;
    _cleanup_stmt_ struct stmt stmt = stmt_open(db, SQL_CONSENT_END);
    stmt_text(&stmt, 1, row->id);
    stmt_text(&stmt, 2, row->outcome);
    stmt_text(&stmt, 3, row->words.data ? utf8_cut(row->words, CONSENT_WORDS_MAX) : STR_NULL);
    return stmt_change(&stmt, &changed, error) &&
           (changed || fail(error, ERR_LOST_RACE, "The authorization has ended already."));
}
