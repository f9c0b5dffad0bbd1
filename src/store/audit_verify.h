/* Verification of the audit's chains (core/audit_chain.h). */
#pragma once

#include "store/audit.h"

struct audit_check {
    void (*tell)(const char *sentence); /* a problem, one line */
    size_t problems;
    size_t rows;      /* that the chains cover */
    size_t unchained; /* rows that they do not: of an earlier version, or accepted as they were */
    int64_t since_ms; /* what came later is covered; 0: there is no chain yet */
    size_t chains;    /* with rows */
};

/* Reads the whole audit. It finds rows that were changed, moved, added or removed, and a chain's
 * begin or end that was. It does not find that the whole database was replaced by an older copy
 * (core/rollback_check.c notices that), nor what somebody with the keyring has done. */
_must_use_ bool audit_verify(struct store *store, struct store_reader *reader,
                             struct audit_check *check, struct error *error);
