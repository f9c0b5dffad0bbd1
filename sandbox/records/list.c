/* Lists what records the sandbox has. */
#include "sandbox/catalog.h"
#include "sandbox/records/sample.h"
#include "sandbox/sandbox.h"

static bool fail_without_entity(const struct vendor *vendor, struct str entity, struct error *error)
{
    struct arena arena = {0};
    struct buf names = buf_in(&arena, ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < vendor->records->entity_count; i++)
        if (!vendor->records->entities[i].refused.data)
            buf_add_item(&names, vendor->records->entities[i].name);
    fail(error, ERR_VALIDATION,
         "The sandbox has no records of %.*s's \"%.100s\". It has those of: %s.",
         STR_ARG(vendor->name), arena_cstr(&arena, entity), names.data);
    arena_done(&arena);
    return false;
}

static bool fail_without_records(const struct catalog *catalog, struct str connector_type,
                                 struct error *error)
{
    struct arena arena = {0};
    struct buf names = buf_in(&arena, ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < catalog->count; i++)
        if (catalog->vendors[i]->records)
            buf_add_item(&names, catalog->vendors[i]->name);
    fail(error, ERR_VALIDATION, "The sandbox has no records of %.*s. It has those of: %s.",
         STR_ARG(connector_type), names.data);
    arena_done(&arena);
    return false;
}

static void print_records(const struct sample_entity *entity, FILE *out)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    struct buf line = buf_on_heap(SAMPLE_RECORD_MAX);
    for (size_t row = 0; row < entity->rows; row++) {
        buf_clear(&line);
        buf_add_char(&line, '{');
        sample_print_fields(&line, entity, NULL, 0, row, &arena);
        buf_add_cstr(&line, "}\n");
        fwrite(line.data, 1, line.len, out);
        arena_reset(&arena);
    }
    buf_done(&line);
    arena_done(&arena);
}

bool sandbox_print_records(struct str connector_type, struct str entity, FILE *out,
                           struct error *error)
{
    size_t index;
    const struct catalog *catalog = catalog_builtin(error);
    if (!catalog)
        return false;
    const struct vendor *vendor = catalog_by_name(catalog, connector_type, &index);
    if (!vendor || !vendor->records)
        return fail_without_records(catalog, connector_type, error);
    const struct sample_entity *found = sample_find(vendor->records, entity);
    if (!found || found->refused.data)
        return fail_without_entity(vendor, entity, error);
    print_records(found, out);
    return true;
}
