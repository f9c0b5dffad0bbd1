/* What written.c and written_file.c share. */
#pragma once

#include "sandbox/records/written.h"

#include <pthread.h>

struct written_entity {
    struct written_record **records; /* by row; NULL: not written */
    size_t rows;                     /* that there are: made and added ones; 0: no changes */
    size_t capacity;
};

struct written_account {
    struct str vendor, host;
    const struct sample_set *set; /* as the sandbox makes it */
    struct written_entity *entities;
    struct arena arena;
    size_t bytes;      /* of memory */
    size_t file_bytes; /* of its file */
    struct written_job jobs[WRITTEN_JOBS_MAX];
    size_t next_job;
};

struct written_store {
    pthread_rwlock_t lock;
    char *dir; /* NULL: nothing is kept */
    struct written_account *accounts[WRITTEN_ACCOUNTS_MAX];
    size_t count;
};

/* NULL: it has no changes. */
struct written_account *written_account_find(const struct written_store *store, struct str vendor,
                                             struct str host);
/* NULL: there are WRITTEN_ACCOUNTS_MAX. */
struct written_account *written_account_add(struct written_store *store, struct str vendor,
                                            struct str host, const struct sample_set *set);

/* The place of an entity of this name in the set. */
size_t written_place(const struct sample_set *set, const struct sample_entity *entity);
/* Memory that a change takes at most. `account` NULL: the first of its account. */
size_t written_bytes(const struct written_account *account, const struct written_change *change);
void written_put(struct written_account *account, const struct written_change *change,
                 int64_t at_ms);
