/* Which destination writes for which connector. */
#include "flow/destination_open.h"

#include "flow/definition.h"
#include "flow/object_destination.h"
#include "flow/objects.h"
#include "flow/staged_destination.h"
#include "flow/staging.h"
#include "flow/vendor_destination.h"

static bool writes_objects(const struct flow_engine_run *run)
{
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    return flow_end_objects(&definition.destination) != NULL;
}

static bool stages_objects(const struct flow_engine_run *run)
{
    struct flow_definition definition;
    flow_definition_read(run->definition, &definition);
    return flow_staging(&definition.destination, run->arena) != NULL;
}

bool flow_destination_is_typed(const struct flow_engine_run *run)
{
    return writes_objects(run) && run_objects_are_typed(run);
}

bool flow_destination_open(struct flow_engine_run *run, struct flow_destination **ret_destination,
                           struct error *error)
{
    *ret_destination = NULL;
    if (writes_objects(run))
        return object_destination_open(run, ret_destination, error);
    return stages_objects(run) ? staged_destination_open(run, ret_destination, error)
                               : vendor_destination_open(run, ret_destination, error);
}

void flow_destination_free(struct flow_destination *destination)
{
    if (destination)
        destination->ops->free(destination);
}

/* Of what was written to a vendor nothing can be taken away. */
bool flow_destination_clean(struct flow_engine_run *run, struct error *error)
{
    return (!writes_objects(run) && !stages_objects(run)) || run_objects_clean(run, error);
}
