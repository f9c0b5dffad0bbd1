/* What is counted of runs and the vendors that they call, by connector. */
#pragma once

#include "base/metrics.h"

extern const struct metric metric_vendor_limits; /* counted by vendor_gate.c */
extern const struct metric metric_vendor_waits;  /* by run_vendor.c */
/* By vendor_source.c: pages whose records were all taken. */
extern const struct metric metric_source_pages, metric_source_bytes, metric_source_records;
