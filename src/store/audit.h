/* The audit: a row for each attempted change and each management action, with who, when, what and
 * the outcome; for a successful change in its own transaction. Rows expire after AUDIT_LIFE_MS.
 * They contain no credential. They are chained, so that a row which was changed, moved or removed
 * is found: core/audit_chain.h has the mechanism, audit_verify.h the check. */
#pragma once

#include "store/audit_entry.h"
#include "store/core/store.h"

#define AUDIT_LIFE_MS (90LL * 24 * 60 * 60 * 1000)

enum {
    AUDIT_DETAIL_MAX = 512, /* bytes; what is longer is cut */
    AUDIT_PAGE_MAX = 1000,  /* rows that one read returns */
};

/* A row as it is stored. */
struct audit_row {
    struct audit_entry entry;
    int64_t chain;  /* number of its chain */
    int64_t number; /* of the row in its chain */
    struct str mac; /* STR_NULL: of a version that did not chain rows */
};

/* Where a chain ends. */
struct audit_end {
    int64_t chain;
    int64_t number; /* of its newest row */
};

/* Before the first row is added or verified. The key is derived from the service secret (32 bytes).
 * Any thread. */
void store_use_audit_key(struct store *store, const struct secret *service_secret);
/* `optional`: a change is made also when its row cannot be written, which is logged and counted.
 * Else, the default, such a change fails. Before the first change. */
void store_set_audit_optional(struct store *store, bool optional);
uint64_t store_audit_rows_lost(const struct store *store);
/* How often rows that this process had added were gone when it went on. */
uint64_t store_audit_cut_off(const struct store *store);

/* In a transaction. A detail of more than AUDIT_DETAIL_MAX bytes is cut. ERR_UNAVAILABLE with what
 * to do when the chain does not fit its head. */
_must_use_ bool audit_add(struct db *db, const struct audit_entry *entry, struct error *error);
/* Begins the chains anew behind the rows that are there, which are not covered by them from then
 * on. In a transaction, before its first row. */
_must_use_ bool audit_begin_anew(struct db *db, struct error *error);

struct audit_filter {
    struct str account;     /* STR_NULL: all */
    int64_t after_ms;       /* later than this, */
    int64_t after_position; /* or at this time and behind this row (see audit_row_position) */
};
int64_t audit_row_position(const struct audit_row *row);
/* In the order of time, at most `limit`. */
_must_use_ bool audit_list(struct store_reader *reader, struct arena *arena,
                           const struct audit_filter *filter, size_t limit,
                           struct audit_row **ret_rows, size_t *ret_count, struct error *error);
/* Rows of a chain behind `after` and up to `last`, in the chain's order, at most AUDIT_PAGE_MAX. */
_must_use_ bool audit_read_chain(struct store_reader *reader, struct arena *arena, int64_t chain,
                                 int64_t after, int64_t last, struct audit_row **ret_rows,
                                 size_t *ret_count, struct error *error);
/* Of all chains, in the order of their numbers. */
_must_use_ bool audit_ends(struct store_reader *reader, struct arena *arena,
                           struct audit_end **ret_ends, size_t *ret_count, struct error *error);
