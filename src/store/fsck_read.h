/* What reading for `headgate check` has in common. For fsck.c and fsck_flow_runs.c. */
#pragma once

#include "store/core/internal.h"
#include "store/db/rows.h"

/* Reads at most STRAYED_MAX rows by a statement that takes a limit alone. */
_must_use_ bool fsck_read_strayed(struct store_reader *reader, enum sql strayed, row_fn *read,
                                  struct rows *rows, struct error *error);

/* The only row of a statement that counts. */
_must_use_ bool fsck_count(struct store_reader *reader, enum sql count, size_t *ret_count,
                           struct error *error);
