/* A flow's tasks, compiled once a run and applied to batches. It is pure: the same batch gives the
 * same result on any node, whatever was filtered at the source already.
 *
 * The order is fixed, whatever the order of the tasks (docs/flows.md); within a step it is theirs:
 *
 *   filters ─▶ validations ─▶ masks and truncations ─▶ merges and arithmetic ─▶ maps, with
 *   conversions of types
 *
 * so filters and validations see a field as it came, and a masked field is masked in a merge too.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "record/batch.h"
#include "record/encoder.h"
#include "wire/value.h"

struct flow_program;

enum {
    FLOW_MADE_FIELDS_MAX = 64, /* Merge and Arithmetic tasks; 16 KiB of memory each */
    FLOW_COPIES_MAX = 64, /* fields that are converted, and written unconverted too; 16 KiB each */
    /* A batch is worked on in parts: one ends after so many records, or with the record that brings
     * the texts that tasks made of it to so many bytes, since a short CONCAT_FORMAT can make a
     * thousand times of what came. */
    FLOW_PART_ROWS_MAX = 1024,
    FLOW_PART_TEXTS_BYTES = 1024 * 1024,
    /* Bytes that tasks make of one record, those included that further Map tasks of a field write
     * once more. A record past it is rejected as too long. */
    FLOW_RECORD_TEXTS_MAX = 2 * 1024 * 1024,
};

/* Why a record was left out, as a task says it of one of its fields. */
enum flow_reject_why {
    FLOW_REJECT_INVALID,      /* a Validate task */
    FLOW_REJECT_NOT_OF_TYPE,  /* a Map task: its DESTINATION_DATA_TYPE has no such value */
    FLOW_REJECT_NOT_A_NUMBER, /* Arithmetic */
    FLOW_REJECT_BY_ZERO,
    FLOW_REJECT_TOO_LONG, /* as well, or Merge; a number with more digits than a Map task's type
                           * has; a folder of a Partition task; or FLOW_RECORD_TEXTS_MAX */
};

/* A clause for messages. */
const char *flow_reject_text(enum flow_reject_why why);

struct flow_reject {
    struct record_place place;
    size_t task; /* its number, from 1 */
    enum flow_reject_why why;
};

struct flow_program_result {
    /* What is to be written: the columns are those of the output, in its order. It refers to cells
     * and texts of the given batch and of the program, until either is used again. */
    struct record_batch output;
    struct record_fields fields; /* of the output's columns: what their values are */
    /* Of each of its records the folder (partition.h); NULL: the flow has no Partition task. */
    const struct str *folders;
    size_t filtered; /* records that filters left out */
    const struct flow_reject *rejects;
    size_t reject_count;
};

/* `tasks`: of a definition that flow_tasks_check has passed; `key`: the source's member of
 * connectorOperator. ERR_VALIDATION for what cannot be run: a value that is not of its type, or
 * tasks that write no field. The tasks must live as long as the program. */
_must_use_ bool flow_program_new(const struct value *tasks, struct str key,
                                 struct flow_program **ret_program, struct error *error);
void flow_program_free(struct flow_program *program); /* NULL is fine */

/* preserveSourceDataTyping: values are of the type that their Map task names, and `fields` of a
 * result says of which. Otherwise all fields are texts, and a value is converted only where a Map
 * task's two types differ. Before the first run. ERR_VALIDATION for more than FLOW_COPIES_MAX. */
_must_use_ bool flow_program_keep_types(struct flow_program *program, struct error *error);

/* The fields that the program reads: for a source that is asked for some. *ret_all: it needs all
 * that there are; the list is empty then. In the program's memory. */
void flow_program_reads(const struct flow_program *program, const struct str **ret_fields,
                        size_t *ret_count, bool *ret_all);

/* The result of the batch's first part. Changes the batch's rows and cells. A field that it does
 * not have is null. ERR_VALIDATION when a Validate task with DropDataset ends the run, or a Mask
 * task is for a member of a nested value that would be written whole. */
_must_use_ bool flow_program_run(struct flow_program *program, struct record_batch *batch,
                                 struct flow_program_result *ret_result, struct error *error);
/* That of the next part of the same batch; what filters and validations left out was said with the
 * first. False: there is none. The same batch has the same parts. */
bool flow_program_next(struct flow_program *program, struct record_batch *batch,
                       struct flow_program_result *ret_result);
