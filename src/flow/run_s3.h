/* Amazon S3 as a run uses it: a session of the flow's account and region, whose credentials are
 * renewed during the run, also while an object is read, and whose pauses end when the run is to. */
#pragma once

#include "aws/s3_session.h"
#include "flow/engine_run.h"

/* One call; of a read, what follows the last bytes that came: the time that their destination takes
 * is not counted. */
enum { RUN_S3_CALL_MS = 30 * 60 * 1000 };

struct run_s3 {
    struct flow_engine_run *run;
    struct s3_session session;
    struct arena arena;  /* of the session */
    int64_t renew_at_ms; /* on clock_mono_ms(); 0: there is no session */
};

void run_s3_init(struct run_s3 *s3, struct flow_engine_run *run);
void run_s3_done(struct run_s3 *s3);

/* For one call, which must have ended before the next one is asked for. NULL: errors as of
 * s3_session_open. */
const struct s3 *run_s3_call(struct run_s3 *s3, struct error *error);

/* `ok`: whether calls succeeded. An outage of S3 or AWS STS, and throttling, become ERR_UNAVAILABLE
 * and run->is_away: another try may continue from the checkpoint when it has passed. Only where it
 * does no harm that a try repeats what was done since the checkpoint. */
_must_use_ bool run_s3_ended(struct flow_engine_run *run, bool ok, struct error *error);
