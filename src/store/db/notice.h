/* Events that an operator should see. Code of the store does not log: it reports an event here, and
 * core/notices.c, the one place that logs, has its level and its text. */
#pragma once

enum db_notice {
    NOTICE_WRITES_FAIL,
    NOTICE_WRITES_WORK,
    NOTICE_WAL_NOT_EMPTIED,
    NOTICE_CHECKPOINT_FAILED,
    NOTICE_PROFILES_MOVE,
    NOTICE_PROFILES_NOT_MOVED,
    NOTICE_WENT_BACK,
    NOTICE_AUDIT_CUT_OFF,
    NOTICE_AUDIT_ROW_LOST,
    NOTICE_PG_UNREACHABLE,
    NOTICE_PG_REACHED,
    NOTICE_PG_WITHOUT_TLS,
    NOTICE_PG_FSYNC_OFF,
    NOTICE_PG_SILENT,
    NOTICE_PG_ANSWERS,
    NOTICE_COUNT
};

/* Called by any thread. `detail` is appended to the notice's text; "" for none. */
typedef void db_notice_fn(enum db_notice notice, const char *detail);
