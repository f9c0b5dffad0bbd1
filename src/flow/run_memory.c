/* The sum of the limits of a run's parts. What is counted is memory that is written: a buffer that
 * grows has more addresses than that. */
#include "flow/run_memory.h"

#include "connector/custom/function.h"
#include "connector/reading.h"
#include "connector/writing.h"
#include "flow/failed_records.h"
#include "flow/object_writer.h"
#include "flow/partition_router.h"
#include "flow/program.h"
#include "record/batch.h"
#include "record/decoder.h"
#include "record/parquet_footer.h"
#include "record/parquet_out.h"

enum {
    MEBIBYTE = 1024 * 1024,
    BLOCK_BYTES = MEBIBYTE, /* of an arena that was emptied, and a piece that did not fit into it */

    /* One record, as it comes and as it goes out. */
    RECORD_OUT_BYTES = RECORD_BYTES_MAX + FLOW_RECORD_TEXTS_MAX,

    /* From the source to the destination: */
    PAGE_BYTES = READ_PAGE_MAX, /* the page at hand, and the next one (vendor_pages.h), together */
    WINDOW_BYTES = RECORD_WINDOW_MAX,
    BATCH_TEXTS_BYTES = RECORD_WINDOW_MAX, /* a text that is decoded is no longer than before */
    BATCH_CELLS_BYTES = RECORD_CELLS_MAX * (int)sizeof(struct record_cell),
    PROGRAM_CELLS_BYTES = (FLOW_MADE_FIELDS_MAX + FLOW_COPIES_MAX) * FLOW_PART_ROWS_MAX *
                          (int)sizeof(struct record_cell),
    PROGRAM_TEXTS_BYTES = FLOW_PART_TEXTS_BYTES + FLOW_RECORD_TEXTS_MAX + BLOCK_BYTES,
    /* Connections, buffers of libraries, lists and names. */
    OTHER_BYTES = 3 * MEBIBYTE / 2,
    MOVING_BYTES = PAGE_BYTES + WINDOW_BYTES + BATCH_TEXTS_BYTES + BATCH_CELLS_BYTES +
                   PROGRAM_CELLS_BYTES + PROGRAM_TEXTS_BYTES + OTHER_BYTES,

    /* The destination is one of these: */
    OBJECT_BYTES = OBJECT_PART_BYTES + PARQUET_GROUP_BYTES + PARQUET_SLICE_BYTES +
                   RECORD_OUT_BYTES + PARQUET_FOOTER_MAX,
    FOLDERS_BYTES = PARTITIONS_BYTES_MAX + OBJECT_PART_BYTES,
    VENDOR_BYTES = WRITE_BYTES_MAX + WRITE_CALL_BYTES + FAILED_RECORDS_BYTES,
};

_Static_assert(MOVING_BYTES + OBJECT_BYTES <= FLOW_RUN_MEMORY_MAX, "a run to an object");
_Static_assert(MOVING_BYTES + FOLDERS_BYTES <= FLOW_RUN_MEMORY_MAX, "a run to folders");
_Static_assert(MOVING_BYTES + VENDOR_BYTES <= FLOW_RUN_MEMORY_MAX, "a run to a vendor");
_Static_assert(WRITE_KEPT_CALL_BYTES + FAILED_ANSWERS_BYTES <= WRITE_CALL_BYTES,
               "a run to a vendor whose answers are kept");
/* The answer, its values and the page that is made of them, before any of it is decoded. */
_Static_assert(3 * FUNCTION_PAYLOAD_MAX <= PAGE_BYTES + WINDOW_BYTES + BATCH_TEXTS_BYTES,
               "a page of a user's connector");
