/* What moves a run's records from its source to its destination:
 *
 *     source ─▶ window ─▶ decoder ─▶ batch ─▶ program ─▶ encoder ─▶ object writer
 *     source.h  record/window.h, decoder.h    program.h  objects.h  object_writer.h
 *
 * one batch after another on one thread, in memory that does not grow with the run. Each batch is
 * written before the next bytes are taken, so a slow destination slows the source down.
 *
 * A run is carried out in tries. A try that is cut off (the server stops, its node dies, the store
 * is away) leaves the run at its last checkpoint (progress.h), and the next try continues from it:
 * here or on another node. Keys of objects follow from the run alone (object_key.h), so what is
 * written twice is written to the same keys. */
#pragma once

#include "flow/engine_run.h"

enum flow_engine_end {
    ENGINE_SUCCEEDED,
    ENGINE_FAILED,   /* the error says why */
    ENGINE_CANCELED, /* as was asked */
    ENGINE_LEFT,     /* another try continues from the checkpoint; the error says why */
    ENGINE_AWAY,     /* likewise, unless the outage of S3 that the error names lasts too long */
};

/* One try of a run. Waits for the network; on a worker. */
enum flow_engine_end flow_engine_run(struct flow_engine_run *run, struct error *error);
