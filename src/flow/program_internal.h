/* A compiled program: lists of what is done to fields. program_compile.c makes it of tasks,
 * program.c runs it over a batch, program_row.c over one record. */
#pragma once

#include "base/map.h"
#include "flow/data_type.h"
#include "flow/filter.h"
#include "flow/partition.h"
#include "flow/program.h"
#include "flow/validation.h"
#include "flow/value_change.h"

/* A field that tasks read or make. */
struct program_field {
    struct map_link link;       /* in the program's `sources`, or `made_by_name` */
    struct record_cell *cells;  /* of the part at hand: of the batch, or of the program */
    struct program_field *next; /* of `sources`, in the order in which tasks name them */
    size_t writes;              /* outputs that have its values */
    bool is_changed;            /* by a Mask or Truncate task: its values are texts now */
    bool is_rounded;            /* a quotient: digits without an end, cut off already */
    bool is_written;            /* while outputs are planned: one has its values already */
};

struct made_field {
    struct program_field field;
    size_t task;
    struct program_field **sources;
    size_t source_count;
    const struct record_cell **operands; /* of the record at hand, one for each source */
    bool is_merge;
    struct merge merge;
    enum arithmetic operation;
};

struct program_output {
    struct map_link link; /* in `not_copied` */
    struct program_field *field;
    size_t task;                             /* the Map task, from 1; 0: none */
    struct record_conversion source, wanted; /* what its two types mean */
    struct record_conversion to;             /* what values are converted to */
    struct record_cell *copies; /* converted values, where the field's own are needed too */
    struct record_cell *cells;  /* what is written */
    bool is_converted;          /* in the batch at hand */
    bool is_repeat;             /* the field is written elsewhere too */
};

/* A Partition task. */
struct program_folders {
    size_t task;
    struct str *keys; /* fields of the output */
    size_t key_count;
    struct str *of_rows;                                  /* room for FLOW_PART_ROWS_MAX */
    const struct record_cell *values[PARTITION_KEYS_MAX]; /* of the part at hand */
    struct str before;                                    /* the folder of the record before */
};

/* A task on one field. */
struct field_filter {
    struct filter filter;
    struct program_field *field;
};
struct field_validation {
    struct validation validation;
    struct program_field *field;
};
struct field_change {
    struct value_change change;
    size_t task;
    struct program_field *field;
};

struct flow_program {
    struct arena arena;
    struct map sources;
    struct program_field *first_source, *last_source;
    struct map made_by_name;
    struct field_filter *filters;
    size_t filter_count;
    struct field_validation *validations;
    size_t validation_count;
    struct field_change *changes;
    size_t change_count;
    struct made_field *made; /* in the order of the tasks: a later one may read an earlier one */
    size_t made_count;
    struct program_output *outputs;
    size_t output_count;
    bool copies_all;       /* Map_all, Passthrough: the batch's columns come first */
    struct map not_copied; /* names of outputs, and of excluded columns */
    bool keeps_types;
    struct program_folders *folders; /* NULL: the flow has no Partition task */
    size_t copied_count;             /* outputs with copies */
    struct str *reads;               /* see flow_program_reads */
    size_t read_count;

    /* For a run over one batch: */
    size_t done;         /* rows of the batch that earlier parts had; "the part" is behind them */
    struct arena texts;  /* that tasks make of the part */
    size_t repeated;     /* bytes of the part's texts that are written once more */
    size_t record_limit; /* of both together, for the record at hand */
    /* Each with room for RECORD_ROWS_MAX rows: */
    struct record_cell *nulls;
    uint32_t *kept;
    uint8_t *is_rejected;
    struct flow_reject *rejects;
    size_t reject_count;
    struct record_column *columns; /* of the output */
    struct record_field *fields;   /* the same */
    size_t column_room;
    struct arena column_memory;
};

/* program.c: leaves the record out; `row` is of the part. The first task that rejects a record
 * counts. */
void program_reject(struct flow_program *program, const struct record_batch *batch, size_t row,
                    size_t task, enum flow_reject_why why);

/* program_row.c: what tasks make of one record of the part, and its folder. */
void program_work_on_row(struct flow_program *program, const struct record_batch *batch,
                         size_t row);
/* Bytes that tasks have made of the part so far. */
size_t program_made_bytes(const struct flow_program *program);
/* Bytes that they may still make of the record at hand. */
size_t program_bytes_left(const struct flow_program *program);

/* program_types.c: decides which outputs are converted, and to what. */
_must_use_ bool program_plan_types(struct flow_program *program, struct error *error);
/* What the values of an output are. */
struct record_field program_field_of(const struct flow_program *program,
                                     const struct program_output *output);

/* program_folders.c: the task has 1 to PARTITION_KEYS_MAX keys. */
void program_plan_folders(struct flow_program *program, size_t task, const struct str *keys,
                          size_t count);
/* Finds the values that folders of the part are made of, when all outputs are known. */
void program_bind_folders(struct flow_program *program, const struct record_batch *batch);
/* Finds the folder of a record of the part, whose values are all made. */
void program_find_folder(struct flow_program *program, const struct record_batch *batch,
                         size_t row);
