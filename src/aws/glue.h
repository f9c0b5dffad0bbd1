/* The Data Catalog of AWS Glue, or of a server that speaks its protocol (docs.aws.amazon.com/glue/
 * latest/webapi/API_Operations.html): tables and their partitions. Calls are signed POSTs of the
 * JSON 1.1 protocol, repeated for a while where Glue asks for that. */
#pragma once

#include "auth/aws_call.h"

enum {
    GLUE_ANSWER_MAX = 4 * 1024 * 1024, /* bytes: a table of many columns with their comments */
    GLUE_NAME_MAX = 255,               /* bytes of the name of a table or a column */
    GLUE_CREATED_MAX = 100,            /* partitions of one BatchCreatePartition */
    GLUE_DELETED_MAX = 25,             /* and of one BatchDeletePartition */
};

struct glue {
    const struct aws_access *access;
    struct str url; /* "{region}" in it becomes the region */
    struct str region;
    struct str database;
    int64_t deadline_ms; /* on clock_mono_ms(), of all calls */
    struct arena *arena; /* whose meter counts what calls hold */
    /* Asked before each call and while it is waited for the next: whether to give up. NULL: never.
     */
    bool (*is_to_end)(void *context);
    void *context;
};

/* Errors of all calls:
 * - ERR_ACCESS_DENIED: Glue denies it to these credentials, or does not take them;
 * - ERR_NOT_FOUND: it has no such database, or the table is gone;
 * - ERR_VALIDATION: it does not take what it was given; the message has its words;
 * - ERR_QUOTA: a limit of the account is reached;
 * - ERR_THROTTLING, ERR_CONNECTOR_SERVER: it was busy, or gave no usable answer, each time;
 * - ERR_UNAVAILABLE: the caller is to end, or there is no memory for the answer. */

/* GetTable. NULL in *ret_table: there is none of that name. In the arena. */
_must_use_ bool glue_table_find(const struct glue *glue, struct str name, struct arena *arena,
                                const struct value **ret_table, struct error *error);
/* `table`: a TableInput. A table that another caller made meanwhile is an ERR_CONFLICT. */
_must_use_ bool glue_table_create(const struct glue *glue, const struct value *table,
                                  struct error *error);
/* Without keeping the table's version of before. */
_must_use_ bool glue_table_update(const struct glue *glue, const struct value *table,
                                  struct error *error);
/* Also when there is none. */
_must_use_ bool glue_table_delete(const struct glue *glue, struct str name, struct error *error);

/* One page of a table's partitions, without their columns: each has Values and a
 * StorageDescriptor. `next`: STR_NULL, or what the page before gave; *ret_next STR_NULL: that was
 * all. In the arena. */
_must_use_ bool glue_partition_list(const struct glue *glue, struct str table, struct str next,
                                    struct arena *arena, const struct value **ret_partitions,
                                    struct str *ret_next, struct error *error);
/* `partitions`: a list of PartitionInput, GLUE_CREATED_MAX at most. Those that are there already
 * stay as they are. *ret_created: how many are new. */
_must_use_ bool glue_partitions_create(const struct glue *glue, struct str table,
                                       struct value *partitions, size_t *ret_created,
                                       struct error *error);
/* `partitions`: a list of structures with Values, GLUE_DELETED_MAX at most. */
_must_use_ bool glue_partitions_delete(const struct glue *glue, struct str table,
                                       struct value *partitions, struct error *error);
