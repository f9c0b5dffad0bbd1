/* One request to the sandbox's Glue, and its answer, for the operations. */
#pragma once

#include "base/arena.h"
#include "wire/value.h"

struct glue_call {
    const char *dir;
    struct arena *arena;
    const struct value *input;
    struct str database, table; /* their names in small letters; STR_NULL: not given */
    const char *refusal;        /* the name of the error; NULL: none */
    const char *words;
    struct value *output;
};

/* An error as Glue writes it. Always false, so that a check fails in one line. */
bool glue_refuse(struct glue_call *call, const char *name, const char *words);
bool glue_refuse_disk(struct glue_call *call, int fault); /* errno of a write */

/* What the file of the call's table has: Table, and Partitions. NULL: it was refused. */
struct value *glue_need_table(struct glue_call *call);
/* Writes it. */
void glue_store(struct glue_call *call, struct str table, struct value *kept);

/* --- partitions.c --- */

void glue_get_partitions(struct glue_call *call);
void glue_create_partitions(struct glue_call *call);
void glue_delete_partitions(struct glue_call *call);
