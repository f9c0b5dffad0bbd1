/* Objects of a bucket (objects.h) as a destination. */
#pragma once

#include "flow/destination.h"

/* As flow_destination_open, of a run whose destination is S3. */
_must_use_ bool object_destination_open(struct flow_engine_run *run,
                                        struct flow_destination **ret_destination,
                                        struct error *error);
