/* The durable job that removes the lists of objects that old runs and flows that are gone have left
 * (store/flow_run_objects.h), a slice at a time. */
#pragma once

#include "job/job.h"

/* Its context is a struct store. */
extern const struct job_kind flow_objects_kind;
