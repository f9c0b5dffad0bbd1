/* Each record of S3 is in an object: no record fails by itself. When S3 is away, another try writes
 * the same objects again. */
#include "flow/object_destination.h"

#include "base/alloc.h"
#include "flow/objects.h"
#include "flow/run_s3.h"

#include <stdlib.h>

struct object_destination {
    struct flow_destination base;
    struct flow_engine_run *run;
    struct run_objects *objects;
};

static struct object_destination *self_of(struct flow_destination *destination)
{
    return (struct object_destination *)destination;
}

static bool write_result(struct flow_destination *destination,
                         const struct flow_program_result *result, struct str page,
                         struct error *error)
{
    struct object_destination *self = self_of(destination);
    (void)page;
    return run_s3_ended(self->run, run_objects_write(self->objects, result, error), error);
}

static bool end_page(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    struct object_destination *self = self_of(destination);
    return run_s3_ended(self->run, run_objects_end_page(self->objects, ret_settled, error), error);
}

static bool settle(struct flow_destination *destination, bool *ret_settled, struct error *error)
{
    struct object_destination *self = self_of(destination);
    return run_s3_ended(self->run, run_objects_settle(self->objects, ret_settled, error), error);
}

static bool end(struct flow_destination *destination, struct error *error)
{
    struct object_destination *self = self_of(destination);
    return run_s3_ended(self->run, run_objects_end(self->objects, error), error);
}

static void free_destination(struct flow_destination *destination)
{
    run_objects_free(self_of(destination)->objects);
    free(destination);
}

static const struct flow_destination_ops ops = {
    .write = write_result,
    .end_page = end_page,
    .settle = settle,
    .end = end,
    .free = free_destination,
};

bool object_destination_open(struct flow_engine_run *run, struct flow_destination **ret_destination,
                             struct error *error)
{
    struct run_objects *objects;
    if (!run_s3_ended(run, run_objects_open(run, &objects, error), error))
        return false;
    struct object_destination *self = xcalloc(1, sizeof(*self));
    self->base.ops = &ops;
    self->run = run;
    self->objects = objects;
    *ret_destination = &self->base;
    return true;
}
