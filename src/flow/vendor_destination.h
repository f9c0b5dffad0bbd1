/* A vendor as a destination: the records of a batch are written over a connection with the
 * credentials of the flow's connector profile (connector/writing.h), and each of them has an
 * outcome, which is counted in the run's progress.
 *
 * Records that the vendor refused, and those whose outcome is unknown, go to the error bucket where
 * the flow has one (failed_records.h); with failOnFirstDestinationError the first ends the run.
 *
 * A checkpoint is at the end of a page. A try that takes over writes the records behind it again:
 * by UPDATE, UPSERT and DELETE this changes nothing. INSERT is noted in the checkpoint before the
 * first record of a page is sent, so that the next try knows that the records of this page may be
 * inserted twice, and says so. */
#pragma once

#include "flow/destination.h"

enum { VENDOR_UNKNOWN_MAX = 3 }; /* calls in a row with an unknown outcome, before a run ends */

/* As flow_destination_open, for connectors with profiles. ERR_NOT_FOUND: the profile is gone. */
_must_use_ bool vendor_destination_open(struct flow_engine_run *run,
                                        struct flow_destination **ret_destination,
                                        struct error *error);
