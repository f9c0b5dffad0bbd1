/* The partitions of a table as a run leaves them. */
#pragma once

#include "aws/glue.h"
#include "flow/run_folders.h"

struct table_partitions {
    const struct glue *glue;
    const struct value *table;         /* TableInput, as it is now */
    const struct run_folders *folders; /* of the run */
    struct str run_folder;             /* a first value for all of them; STR_NULL: none */
    struct str location;               /* s3://BUCKET/PREFIX/, which the folders are in */
    bool replaces; /* those of other runs in other places are deleted; else they stay */
};

/* *ret_changed: how many were created. ERR_VALIDATION: the table has more than twice
 * RUN_FOLDERS_MAX. Others as of glue.h. Waits. */
_must_use_ bool table_partitions_write(const struct table_partitions *partitions,
                                       struct arena *arena, size_t *ret_created,
                                       struct error *error);
