/* A database that loads objects (connector/loading.h) as a destination: the records of the run are
 * staged in a bucket (staging.h), and when all of them are there, the database is asked to load the
 * objects into the flow's table, at once or not at all.
 *
 * From then on the run's checkpoint has the state of the load (flow_progress.load): "PART STATE",
 * the number of the load, and the state that its connector gave. A later try continues from it, and
 * reads nothing. Between two steps the run holds no thread. */
#pragma once

#include "flow/destination.h"

/* As flow_destination_open, for connectors that load. ERR_NOT_FOUND: the profile is gone. */
_must_use_ bool staged_destination_open(struct flow_engine_run *run,
                                        struct flow_destination **ret_destination,
                                        struct error *error);

/* For a run that was canceled: asks the database to give up the load that the checkpoint has. Where
 * nothing can be asked for this, true. Waits. */
_must_use_ bool staged_destination_cancel(struct flow_engine_run *run, struct error *error);
