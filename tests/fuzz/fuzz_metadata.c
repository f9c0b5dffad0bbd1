/* Any bytes as $metadata of an OData service, in pieces whose length the first byte chooses. What
 * was read must keep to its limits. */
#include "connectors/sapodata/metadata.h"

#include "connector/entities.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct odata_metadata *metadata)
{
    for (const struct odata_type *type = metadata->types; type; type = type->next) {
        size_t count = 0;
        for (const struct odata_property *each = type->properties; each; each = each->next)
            count++;
        for (const struct odata_property *each = type->keys; each; each = each->next) {
            must(odata_is_key(type, each->name));
            count++;
        }
        must(count == type->count && count <= ENTITY_FIELDS_MAX);
        must(odata_type_find(metadata, type->name) != NULL);
    }
    for (const struct odata_set *set = metadata->sets; set; set = set->next)
        must(odata_set_find(metadata, set->name) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.kind = ARENA_PLAIN}, space = {.kind = ARENA_PLAIN};
    struct odata_metadata metadata = {.arena = &arena};
    struct buf rest = buf_in(&space, CLIENT_BODY_MAX);
    struct answer_reader reader;
    const char *fault = NULL;
    bool taken = true;
    if (size == 0)
        return 0;
    size_t piece = 1u + data[0];
    struct odata_reader *document = odata_reader_new(&metadata, &reader);
    reader.begin(reader.context, &rest);
    for (size_t at = 1; at < size && taken; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        taken = reader.push(reader.context, (struct str){(const char *)data + at, len}, &fault);
    }
    must(taken == !fault);
    if (taken)
        reader.end(reader.context, &rest);
    if (metadata.is_whole)
        check(&metadata);
    odata_reader_free(document);
    arena_done(&space);
    arena_done(&arena);
    return 0;
}
