/* Lists what records the sandbox has. */
#include "sandbox/catalog.h"
#include "sandbox/records/loaded.h"
#include "sandbox/records/sample.h"
#include "sandbox/records/written.h"
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
    size_t all = sample_row_count(entity);
    for (size_t row = 0; row < all; row++) {
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

/* The account of whose changes the records are printed; STR_NULL: there are none. */
static bool choose_account(const struct written_store *store, const struct vendor *vendor,
                           struct str asked, struct str *ret_host, struct error *error)
{
    struct arena arena = {0};
    struct buf names = buf_in(&arena, ERROR_MESSAGE_MAX);
    struct str hosts[WRITTEN_ACCOUNTS_MAX];
    size_t count = written_hosts(store, vendor->name, hosts);
    *ret_host = asked.data ? asked : count == 1 ? hosts[0] : STR_NULL;
    bool chosen = asked.data || count <= 1;
    for (size_t i = 0; i < count && !chosen; i++)
        buf_add_item(&names, hosts[i]);
    if (!chosen)
        fail(error, ERR_VALIDATION,
             "Records of several accounts of %.*s were written; --host names one of: %s.",
             STR_ARG(vendor->name), names.data);
    arena_done(&arena);
    return chosen;
}

static bool print_account(const struct vendor *vendor, const struct sandbox_records *asked,
                          FILE *out, struct error *error)
{
    struct written_store *store = written_store_new(asked->records_dir);
    struct arena arena = {0};
    struct str host = STR_NULL;
    bool ok = written_load(store, vendor->name, vendor->records, error) &&
              choose_account(store, vendor, asked->host, &host, error);
    if (ok)
        print_records(sample_find(written_view(store, vendor->name, host, vendor->records, &arena),
                                  asked->entity),
                      out);
    arena_done(&arena);
    written_store_free(store);
    return ok;
}

/* What a database has loaded into a table. False: nothing. */
static bool print_loaded(const struct vendor *vendor, const struct sandbox_records *asked,
                         FILE *out)
{
    struct arena arena = {0};
    char piece[64 * 1024];
    size_t count;
    const char *path = loaded_path(asked->records_dir, vendor->name, asked->entity, &arena);
    FILE *file = path ? fopen(path, "re") : NULL;
    while (file && (count = fread(piece, 1, sizeof(piece), file)) > 0)
        fwrite(piece, 1, count, out);
    bool found = file != NULL;
    if (file)
        fclose(file);
    arena_done(&arena);
    return found;
}

bool sandbox_print_records(const struct sandbox_records *asked, FILE *out, struct error *error)
{
    size_t index;
    const struct catalog *catalog = catalog_builtin(error);
    if (!catalog)
        return false;
    const struct vendor *vendor = catalog_by_name(catalog, asked->connector_type, &index);
    if (vendor && !vendor->records && print_loaded(vendor, asked, out))
        return true;
    if (!vendor || !vendor->records)
        return fail_without_records(catalog, asked->connector_type, error);
    const struct sample_entity *found = sample_find(vendor->records, asked->entity);
    if (!found || found->refused.data)
        return fail_without_entity(vendor, asked->entity, error);
    return print_account(vendor, asked, out, error);
}
