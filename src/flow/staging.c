/* The properties of the staged objects, in the API's own shapes. */
#include "flow/staging.h"

static struct value *text_list(struct arena *arena, struct str text)
{
    struct value *list = value_list(arena), *holder = value_structure(arena);
    value_put_text(arena, holder, "text", text);
    value_append(arena, list, (struct value *)value_get(holder, "text"));
    return list;
}

const struct value *flow_staging(const struct flow_end *destination, struct arena *arena)
{
    const struct value *properties = flow_end_properties(destination);
    if (!properties || !connector_has_loads(destination->connector))
        return NULL;
    struct value *aggregation = value_structure(arena), *prefix = value_structure(arena);
    struct value *output = value_structure(arena), *s3 = value_structure(arena);
    value_put_text(arena, aggregation, "aggregationType", STR("None"));
    value_put_integer(arena, aggregation, "targetFileSize", STAGED_OBJECT_MIB);
    value_put(arena, prefix, "pathPrefixHierarchy", text_list(arena, STR("EXECUTION_ID")));
    value_put_text(arena, output, "fileType", STR("JSON"));
    value_put(arena, output, "aggregationConfig", aggregation);
    value_put(arena, output, "prefixConfig", prefix);
    value_put_text(arena, s3, "bucketName", value_text(properties, "intermediateBucketName"));
    if (value_text(properties, "bucketPrefix").len > 0)
        value_put_text(arena, s3, "bucketPrefix", value_text(properties, "bucketPrefix"));
    value_put(arena, s3, "s3OutputFormatConfig", output);
    return s3;
}
