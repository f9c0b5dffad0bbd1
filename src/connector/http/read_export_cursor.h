/* The cursors of a reading by exports (read_export.c), which are texts in a run's checkpoint. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

static const unsigned long long EXPORT_LATEST_S = 250000000000; /* in the year 9892 */
static const unsigned long long EXPORT_FILE_MAX = 1ULL << 50;   /* bytes */

enum export_state { EXPORT_NEW, EXPORT_WAITS, EXPORT_IS_READ };

/* Times are seconds since 1970. */
struct export_cursor {
    unsigned long long from_s; /* where the range at hand begins */
    unsigned long long to_s;   /* where the last one ends */
    struct str id;             /* STR_NULL: there is no job yet */
    enum export_state state;
    unsigned long long polls;
    unsigned long long offset, size; /* bytes of the file */
};

/* Whether a job may have this id. */
bool export_id_is_fit(struct str id);

/* Its id is a part of the text. False: it is no cursor of ours. */
bool export_cursor_read(struct str cursor, struct export_cursor *ret_at);

/* In the arena. */
struct str export_cursor_text(const struct export_cursor *cursor, struct arena *arena);

/* As read_cursor_job: the id of the job that the cursor waits for; STR_NULL: of none. */
struct str export_cursor_job(struct str cursor);
