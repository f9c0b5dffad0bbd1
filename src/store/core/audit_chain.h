/* The chain that audit rows form, so that a row which was changed, moved or removed is found.
 *
 * Each row carries a MAC (AES-256-CMAC under a key derived from the service secret) over its
 * content, its position and the MAC of the row before it. A row's position is the number of its
 * chain and its number in the chain in one integer. The first and the last position of each chain
 * are bounds, rows of audit_bounds with MACs of their own: the anchor (the last row that expired,
 * or where the chain began) and the head (the newest row). Rows and head are written in the
 * transaction of the change that they are about.
 *
 * The committer assigns positions, one batch at a time: it knows the head, counts on from it in
 * memory, and moves the head's row at the end of the batch by compare and swap. When another
 * process has moved it meanwhile, the batch runs again from the head as it is then.
 *
 * SQLite has one writer at a time, so one chain is enough. With PostgreSQL the nodes commit
 * concurrently; with one chain each commit would wait for the one before. So there is a fixed
 * number of chains: a process picks one at random, and another one when it meets another process.
 * Their number is fixed, so a chain that was removed as a whole is found, too. */
#pragma once

#include "base/buf.h"
#include "store/audit_entry.h"
#include "store/db/db.h"
#include "vault/crypto.h"
#include "vault/secret.h"

#include <stdatomic.h>

enum {
    AUDIT_CHAINS_SHARED = 32, /* with PostgreSQL; SQLite has one */
    AUDIT_SEQ_BITS = 40,      /* of a position: the number in the chain */
};

struct audit_link {
    int64_t seq; /* number of a row in its chain, from 1 on; 0: before the first one */
    unsigned char mac[AUDIT_MAC_SIZE];
};

enum audit_bound_kind { AUDIT_ANCHOR, AUDIT_HEAD, AUDIT_BOUND_KINDS };

struct audit_bound {
    int64_t chain;
    enum audit_bound_kind kind;
    struct audit_link link;
    int64_t at_ms;  /* of the row that it names; of the begin, where there was none */
    bool is_sealed; /* its own MAC is right */
};

/* What MACs are made with; used by one thread at a time. */
struct audit_macs {
    struct crypto_cmac *cmac;
    struct buf text; /* what is covered */
};
struct audit_macs *audit_macs_new(const struct secret *key);
void audit_macs_free(struct audit_macs *macs); /* NULL is fine */

/* What a process knows of the chain that it writes; but for the key, the writer's thread's alone.
 */
struct audit_chain {
    _Atomic(struct secret *) key; /* NULL until store_use_audit_key */
    struct audit_macs *macs;      /* the writer's; NULL: not made yet */
    _Atomic bool optional;        /* a change is made also when its row cannot be written */
    _Atomic uint64_t lost;        /* rows that were left out for this reason */
    _Atomic uint64_t cut_off;     /* how often the database's end was older than ours */
    int count;                    /* of chains */
    int64_t number;               /* of the one that is written */
    bool is_known;                /* head is the database's */
    bool is_alone;                /* writes of this transaction have savepoints */
    struct audit_link head;       /* committed */
    struct audit_link tail;       /* with the rows of the open transaction */
    int64_t tail_ms;
    struct audit_link seen; /* the newest one of chain `number` that this process committed */
};

struct audit_chain *audit_chain_new(bool is_shared);
void audit_chain_free(struct audit_chain *chain); /* NULL is fine */

/* --- a batch --- */

/* Around a part of a transaction that may be undone: rows that it added are no longer of the chain.
 */
struct audit_mark {
    bool was_known;
    struct audit_link tail;
};
struct audit_mark audit_chain_mark(const struct audit_chain *chain);
void audit_chain_undo(struct audit_chain *chain, const struct audit_mark *mark);

/* A transaction begins. `is_alone`: each of its writes has a savepoint. */
void audit_chain_begin(struct audit_chain *chain, bool is_alone);
/* Before the commit: moves the head behind the rows that were added. ERR_RETRY when another process
 * moved it. */
_must_use_ bool audit_chain_close(struct db *db, struct error *error);
void audit_chain_committed(struct audit_chain *chain);
/* The transaction was not committed, or its head was moved by another process. */
void audit_chain_forget(struct audit_chain *chain);

/* The position and the MAC of the next row. */
_must_use_ bool audit_chain_next(struct db *db, const struct audit_entry *entry,
                                 int64_t *ret_position, unsigned char ret_mac[AUDIT_MAC_SIZE],
                                 struct error *error);

/* --- bounds and rows --- */

int64_t audit_position(int64_t chain, int64_t seq);
int64_t audit_position_chain(int64_t position);
int64_t audit_position_seq(int64_t position);

void audit_row_mac(struct audit_macs *macs, const struct audit_entry *entry, int64_t position,
                   const unsigned char before[AUDIT_MAC_SIZE],
                   unsigned char ret_mac[AUDIT_MAC_SIZE]);

/* Reads a row of SQL_AUDIT_BOUND_GET or SQL_AUDIT_BOUNDS. */
void audit_bound_read(const struct stmt *stmt, struct audit_macs *macs, struct arena *arena,
                      struct audit_bound *ret_bound);
/* Compare and swap: moves a bound from `from` to `to`. *ret_moved false: it was not at `from`. */
_must_use_ bool audit_bound_move(struct db *db, struct audit_macs *macs,
                                 const struct audit_link *from, const struct audit_bound *to,
                                 bool *ret_moved, struct error *error);
/* Begins all chains behind the rows that are there; does nothing where there are bounds. */
_must_use_ bool audit_chains_begin(struct db *db, struct error *error);

/* The writer's. ERR_INTERNAL when the key is not known. */
_must_use_ bool audit_chain_macs(struct audit_chain *chain, struct audit_macs **ret_macs,
                                 struct error *error);

/* --- expiry --- */

/* Removes up to EXPIRE_STEP_MAX rows that are not newer than `until_ms`, oldest first, and moves
 * the anchors of their chains. */
_must_use_ bool audit_expire(struct db *db, int64_t until_ms, int64_t *ret_removed,
                             struct error *error);
