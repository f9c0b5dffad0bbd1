/* Which failed changes get a row in the audit, so that an account whose changes fail cannot fill
 * the database:
 *
 * - A failure that repeats (the same account, region, operation, resource and exception) has a row
 *   at once; those that follow within the window are counted, and a second row at its end says how
 *   many there were.
 * - Each account has a share of rows per hour. What is beyond it is counted, and a row at the end
 * of the window says how many have none.
 *
 * Counts are in memory: those of a window in which the process ends without stopping are lost. A
 * successful change is not concerned; it has its row in its own transaction. */
#pragma once

#include "store/audit.h"

struct audit_failures;

enum {
    AUDIT_FAILURES_KINDS = 1024,   /* failures that are counted at a time */
    AUDIT_FAILURES_ACCOUNTS = 256, /* accounts beyond their share at a time */
};

struct audit_failures_config {
    struct store *store;
    long rows_an_hour; /* of an account; 0: no limit */
    int64_t window_ms; /* 0: each failure has a row of its own */
};

struct audit_failures *audit_failures_new(const struct audit_failures_config *config);
/* Writes the rows of all open windows. The store must still be open. NULL is fine. */
void audit_failures_free(struct audit_failures *failures);

/* Adds a row, or counts, without waiting for the store. Copies the entry. Any thread. */
void audit_failures_add(struct audit_failures *failures, const struct audit_entry *entry);
