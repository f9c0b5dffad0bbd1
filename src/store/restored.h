/* When the database last became an older one: by headgate restore, or as the server noticed at a
 * start (store/core/rollback_check.c). A vendor may have replaced refresh tokens
 * since that state, and the database does not know: those that were stored before the
 * restore are of unknown fate (profile/grant_journal.h). */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct store;

/* Inside a write (store_apply_fn). */
_must_use_ bool restored_note(struct db *db, int64_t at_ms, struct error *error);
/* The same, unless it was noted at since_ms or later. */
_must_use_ bool restored_note_once(struct db *db, int64_t since_ms, int64_t at_ms,
                                   struct error *error);

/* By the wall clock; 0: never, as far as is known. */
_must_use_ bool restored_at(struct store *store, int64_t *ret_at_ms, struct error *error);
