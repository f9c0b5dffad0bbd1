/* Which source reads for which connector. */
#include "flow/source_open.h"

#include "flow/engine_run.h"
#include "flow/s3_source.h"
#include "flow/vendor_source.h"

bool flow_source_open(const struct flow_source_request *request, struct flow_source **ret_source,
                      struct error *error)
{
    const struct value *config = value_get(request->run->definition, "sourceFlowConfig");
    struct str type = value_text(config, "connectorType");
    *ret_source = NULL;
    if (str_eq(type, STR("S3")))
        return s3_source_open(request, ret_source, error);
    return vendor_source_open(request, ret_source, error);
}

bool flow_source_end(struct flow_engine_run *run, struct str cursor, struct error *error)
{
    const struct value *config = value_get(run->definition, "sourceFlowConfig");
    return str_eq(value_text(config, "connectorType"), STR("S3")) ||
           vendor_source_end(run, cursor, error);
}

void flow_source_free(struct flow_source *source)
{
    if (source)
        source->ops->free(source);
}
