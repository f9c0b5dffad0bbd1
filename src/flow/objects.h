/* The objects that a run writes to S3: which records go to which one, and where one ends and the
 * next begins.
 *
 * - aggregationType SingleFile: one object has all records. A later try writes it from the first
 *   record again.
 *
 * - targetFileSize: an object ends with the page that brings it near that size; within a page only
 *   when it is past it, and then the page's last object ends with the page, however small.
 *
 * - otherwise: one object a page of the source.
 *
 * A page that brings no record brings no object. Before a wait for the source of a minute or more
 * open objects of targetFileSize end, too.
 *
 * With a Partition task each folder has objects of its own, by the same rules; when more are open
 * than partition_router.h allows, some end sooner, and a run with SingleFile fails. */
#pragma once

#include "flow/engine_run.h"

struct run_objects;

/* Whether the columns of the run's objects are typed: preserveSourceDataTyping of Parquet. */
bool run_objects_are_typed(const struct flow_engine_run *run);

/* ERR_NOT_IMPLEMENTED: the destination is no bucket. Aborts what an earlier try has left of uploads
 * in parts; waits. */
_must_use_ bool run_objects_open(struct flow_engine_run *run, struct run_objects **ret_objects,
                                 struct error *error);
void run_objects_free(struct run_objects *objects); /* NULL is fine */

/* What the program made of one batch. Waits. */
_must_use_ bool run_objects_write(struct run_objects *objects,
                                  const struct flow_program_result *result, struct error *error);
/* The page is over. *ret_settled: all records so far are in objects that are whole, so this may be
 * a checkpoint. */
_must_use_ bool run_objects_end_page(struct run_objects *objects, bool *ret_settled,
                                     struct error *error);
/* Between two pages: objects that are open end now, but for that of SingleFile. */
_must_use_ bool run_objects_settle(struct run_objects *objects, bool *ret_settled,
                                   struct error *error);
/* There are no more records. */
_must_use_ bool run_objects_end(struct run_objects *objects, struct error *error);

/* For a run that ends without another try: aborts uploads in parts that its tries have left, and
 * removes objects that only a try wrote that was cut off (object_strays.h). ERR_UNAVAILABLE as well
 * when the run is another node's. */
_must_use_ bool run_objects_clean(struct flow_engine_run *run, struct error *error);
