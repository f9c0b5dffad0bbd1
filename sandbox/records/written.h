/* What clients wrote to a vendor's records: each account of a vendor, which is a host name, has its
 * own changes, over the records that the sandbox makes (sample.h). They are kept in memory, and,
 * where there is a folder, in FOLDER/VENDOR/HOST.jsonl: a line a change, read again at the next
 * start and by `headgate sandbox --records`.
 *
 * An account takes WRITTEN_ACCOUNT_BYTES of changes, also of those that later ones replace; past
 * this, writes of this account are refused until its file is removed and the sandbox started again.
 */
#pragma once

#include "base/error.h"
#include "sandbox/records/sample.h"

enum {
    WRITTEN_ACCOUNT_BYTES = 16 * 1024 * 1024, /* of one account, in memory and in its file, each */
    WRITTEN_ACCOUNTS_MAX = 16,                /* of one sandbox */
    WRITTEN_CHANGES_MAX = 10 * 1000,          /* of one call */
};

struct written_cell {
    const struct sample_field *field;
    struct sample_cell cell;
};

struct written_record {
    size_t row;
    int64_t created_ms; /* of a record that a client added */
    int64_t changed_ms;
    bool is_deleted;
    const struct written_cell *cells; /* the fields that clients gave */
    size_t count;
};

/* NULL: the row is as the sandbox made it. Also of NULL. */
const struct written_record *written_find(const struct written_entity *written, size_t row);
/* The cell, where a write decides what it is. */
bool written_cell(const struct sample_entity *entity, const struct sample_field *field, size_t row,
                  struct sample_cell *ret_cell);

/* --- the store: each function may be called by any thread --- */

struct written_store;

/* `dir` is made at the first write; NULL: nothing is kept. */
struct written_store *written_store_new(const char *dir);
void written_store_free(struct written_store *store);

/* Reads the changes of all accounts of a vendor. ERR_INTERNAL: a file cannot be read. */
_must_use_ bool written_load(struct written_store *store, struct str vendor,
                             const struct sample_set *set, struct error *error);

/* Between these two nothing is written; or, with `alone`, this thread may write. */
void written_begin(struct written_store *store, bool alone);
void written_end(struct written_store *store);

/* The vendor's records as an account sees them, in the arena; the set itself where it has no
 * changes. Until written_end. */
const struct sample_set *written_view(struct written_store *store, struct str vendor,
                                      struct str host, const struct sample_set *set,
                                      struct arena *arena);

/* The hosts of a vendor's accounts that have changes. */
size_t written_hosts(const struct written_store *store, struct str vendor,
                     struct str ret_hosts[WRITTEN_ACCOUNTS_MAX]);

/* A record that is added or changed. */
struct written_change {
    const struct sample_entity *entity; /* of the set, or of a view of it */
    size_t row;                         /* the row behind the last, and so on: a new record */
    bool deletes;
    const struct written_cell *cells; /* copied */
    size_t count;
};

enum written_fault {
    WRITTEN,
    WRITTEN_NO_ROOM, /* the account, or the sandbox, takes no more */
    WRITTEN_NO_FILE, /* the file cannot be written */
};

/* All changes of a call, or none. Views that were taken before do not see them. */
enum written_fault written_apply(struct written_store *store, struct str vendor, struct str host,
                                 const struct sample_set *set, const struct written_change *changes,
                                 size_t count, int64_t now_ms);

/* --- written_job.c: writes that the vendor does later, as jobs that are asked for --- */

enum {
    WRITTEN_JOBS_MAX = 32, /* of an account: the oldest is forgotten */
    WRITTEN_JOB_NAME_SIZE = 40,
};

struct written_job {
    char name[WRITTEN_JOB_NAME_SIZE]; /* "V3-" and hex digits; "": there is none */
    char *results;                    /* JSON */
    size_t total;                     /* records */
    unsigned asked;                   /* how often */
};

/* A job that has these results; NULL: there is no room for another account. Both functions need
 * written_begin to write alone; what they return lives until written_end. */
const struct written_job *written_job_add(struct written_store *store, struct str vendor,
                                          struct str host, const struct sample_set *set,
                                          struct str results, size_t total);
/* Counts that it is asked for. NULL: it is not known. */
const struct written_job *written_job_ask(struct written_store *store, struct str vendor,
                                          struct str host, struct str name);

/* --- written_line.c: a change as a line of a file --- */

void written_line_print(struct buf *out, const struct written_change *change, int64_t now_ms);
/* A line, without its end. The change lives in the arena. */
bool written_line_read(struct str line, const struct sample_set *set, struct arena *arena,
                       struct written_change *ret_change, int64_t *ret_at_ms);

/* --- cell_value.c: a value of a client's JSON as a cell --- */

enum cell_fault {
    CELL_FITS,
    CELL_WRONG_TYPE,
    CELL_TOO_LONG,     /* a text of more characters than the field has */
    CELL_OUT_OF_RANGE, /* a number of more digits than the field has */
};

/* NULL, or JSON's null: the field is emptied. Numbers may come as texts. Decimals get the field's
 * scale. Texts are the value's, or the arena's. */
enum cell_fault cell_of_value(const struct sample_field *field, const struct value *value,
                              struct arena *arena, struct sample_cell *ret_cell);
