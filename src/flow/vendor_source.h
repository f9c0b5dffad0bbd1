/* A vendor's records as a source: pages (vendor_pages.h) over connections with the credentials of
 * the flow's connector profile. */
#pragma once

#include "flow/source.h"

/* As flow_source_open, for connectors with profiles. ERR_NOT_FOUND: the profile is gone. */
_must_use_ bool vendor_source_open(const struct flow_source_request *request,
                                   struct flow_source **ret_source, struct error *error);

/* Ends what the vendor keeps for a run that had come to this cursor (connector_ops.read_end).
 * Waits. */
_must_use_ bool vendor_source_end(struct flow_engine_run *run, struct str cursor,
                                  struct error *error);
