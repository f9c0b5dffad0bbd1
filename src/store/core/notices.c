/* The one place of the store that logs: level and text of each event (db/notice.h). */
#include "base/log.h"
#include "store/core/internal.h"

static const struct {
    enum log_level level;
    const char *text;
} notices[NOTICE_COUNT] = {
    [NOTICE_WRITES_FAIL] = {LOG_ERROR, "Writes to the store fail: "},
    [NOTICE_WRITES_WORK] = {LOG_INFO, "Writes to the store work again."},
    [NOTICE_WAL_NOT_EMPTIED] = {LOG_WARN, "Deleted data stays in the write-ahead log (WAL) for "
                                          "now: "},
    [NOTICE_CHECKPOINT_FAILED] = {LOG_WARN, "The write-ahead log (WAL) cannot be checkpointed into "
                                            "the database file: "},
    [NOTICE_PROFILES_MOVE] = {LOG_INFO, "Migrating profiles to the new layout (runs once)."},
    [NOTICE_PROFILES_NOT_MOVED] = {LOG_WARN,
                                   "The migration of profiles to the new layout continues "
                                   "at the next start; until then, lookups of profiles "
                                   "are slower: "},
    [NOTICE_WENT_BACK] = {LOG_WARN, ""},
    [NOTICE_AUDIT_CUT_OFF] = {LOG_ERROR, "The newest audit entries were removed from the database "
                                         "while this server runs: "},
    [NOTICE_AUDIT_ROW_LOST] = {LOG_ERROR, "A change was made without an audit entry: "},
    [NOTICE_PG_UNREACHABLE] = {LOG_ERROR, ""},
    [NOTICE_PG_REACHED] = {LOG_INFO, "PostgreSQL can be reached again."},
    [NOTICE_PG_WITHOUT_TLS] = {LOG_WARN, "The connection to PostgreSQL is not protected by TLS: "
                                         "credentials are encrypted, but others on the network "
                                         "could change data. Add sslmode=verify-full to --store."},
    [NOTICE_PG_FSYNC_OFF] = {LOG_WARN, "PostgreSQL runs with fsync = off: acknowledged changes are "
                                       "lost if it loses power."},
    [NOTICE_PG_SILENT] = {LOG_ERROR,
                          "PostgreSQL is not responding; requests fail with 503 until it "
                          "recovers."},
    [NOTICE_PG_ANSWERS] = {LOG_INFO, "PostgreSQL responds again."},
};

void store_notice(enum db_notice notice, const char *detail)
{
    log_write(notices[notice].level, STR_NULL, "%s%s", notices[notice].text, detail);
}
