/* Registers what a run has written in the Data Catalog of AWS Glue, so that readers such as Amazon
 * Athena find it as tables (AppFlow User Guide, "Cataloging the data output from an Amazon AppFlow
 * flow"; docs/flows.md has a section on it):
 *
 *   PREFIX_appflow_FLOW_EPOCH_latest            what the newest run has written
 *   PREFIX_appflow_FLOW_SCHEMAVERSION           what all runs at a schemaVersion have
 *   PREFIX_appflow_FLOW_SCHEMAVERSION_RUN       of one run, where its objects have their own folder
 *
 * EPOCH is when the flow was created, in seconds, so all runs of a flow write the same table. Where
 * it is a table of others nothing is changed. Folders of Partition tasks become partitions. A run
 * that could not be registered has succeeded all the same: its record says why, and the next run
 * registers what it can. Registering again changes nothing, so a run that is killed meanwhile
 * begins anew. */
#pragma once

#include "flow/engine_run.h"

struct glue_config {
    const struct aws_access *aws; /* the server's own, which assumes the flow's role */
    struct aws_role_cache *roles; /* of flows alone: users name these, and any number of them */
    struct str sts_url;           /* see aws_role_assume */
    struct str url;               /* see struct glue */
};

enum {
    RUN_TABLES_MS = 120 * 1000,      /* for all tables of a run */
    RUN_TABLES_TEXT_MAX = 64 * 1024, /* bytes of *ret_tables */
};

extern const struct metric metric_run_tables;

/* For a run that has written all of its objects. *ret_tables, in the run's arena: a list of the
 * API's MetadataCatalogDetail in JSON; STR_NULL: the flow's runs are not registered. Waits,
 * RUN_TABLES_MS at most. False, ERR_UNAVAILABLE: the run is left to another try. */
_must_use_ bool run_tables_write(struct flow_engine_run *run, struct str *ret_tables,
                                 struct error *error);
