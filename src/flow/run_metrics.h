/* What is counted of runs and the vendors that they call, by connector. */
#pragma once

#include "base/metrics.h"

extern const struct metric metric_vendor_limits; /* counted by vendor_gate.c */
