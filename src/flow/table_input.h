/* One table of a data catalog, as AWS Glue is given it (TableInput): which columns the objects
 * have, in which format they are, and where. Readers such as Amazon Athena take it as it is. */
#pragma once

#include "flow/column_labels.h"
#include "flow/object_out.h"
#include "flow/run_columns.h"

struct table_input {
    struct str name;
    struct str location; /* s3://BUCKET/PREFIX/ */
    struct str flow_arn;
    enum object_format format;
    const struct run_columns *columns;
    const struct column_labels *labels;
    /* Of the partitions' keys, in the order of folders; in small letters. */
    const struct str *keys;
    size_t key_count;
    const struct value *known; /* the Table that there is; NULL: none */
};

/* Whether the table that there is was made for the flow of this ARN. */
bool table_is_of_flow(const struct value *known, struct str flow_arn);
/* Whether it has other partition keys, which cannot be changed. */
bool table_has_other_keys(const struct value *known, const struct str *keys, size_t key_count);

/* In the arena. A table that stays where it was keeps columns that older objects have and new ones
 * do not. ERR_VALIDATION: the columns cannot be those of a table. */
_must_use_ bool table_input_make(const struct table_input *input, struct arena *arena,
                                 struct value **ret_table, struct error *error);

/* The StorageDescriptor of that table's partitions but for their Location: the table's, without
 * what is for people alone. */
struct value *table_partition_storage(const struct value *table, struct arena *arena);
/* A partition (PartitionInput). `storage` as above, by reference. */
struct value *table_partition(const struct value *storage, const struct str *values, size_t count,
                              struct str location, struct arena *arena);
