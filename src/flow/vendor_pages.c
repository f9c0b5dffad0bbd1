/* A page's bytes are freed once its records were taken, or before it is asked for again. */
#include "flow/vendor_pages.h"

#include "connector/connector.h"

static const struct run_vendor_use reads = {
    .does = "reads",
    .call_ms = 2 * 60 * 1000,
    .fits = connector_has_records,
    .is_source = true,
};

bool vendor_pages_open(struct vendor_pages *self, struct flow_engine_run *run,
                       const struct flow_end *source, const struct read_query *query,
                       struct error *error)
{
    *self = (struct vendor_pages){
        .query = query,
        .memory = {.kind = ARENA_PLAIN, .meter = run->arena->meter},
    };
    return run_vendor_open(&self->vendor, run, &reads, source, query->entity, error);
}

static const struct connector_ops *ops_of(const struct vendor_pages *self)
{
    return self->vendor.access.target.connector->ops;
}

static bool read_page(void *context, struct vendor_connection *connection)
{
    struct vendor_pages *self = context;
    arena_done(&self->memory);
    self->page = (struct read_page){.arena = &self->memory};
    return ops_of(self)->read(connection, self->query, self->cursor, &self->page);
}

bool vendor_pages_read(struct vendor_pages *self, struct str cursor, struct error *error)
{
    self->cursor = cursor;
    return run_vendor_do(&self->vendor, read_page, self, error);
}

bool vendor_pages_next(struct vendor_pages *self, const struct vendor_page_end *page,
                       struct arena *arena, struct str *ret_cursor, struct error *error)
{
    struct vendor_connection *connection = self->vendor.access.connection;
    if (!ops_of(self)->read_next(connection, self->query, page->cursor, page->rest, page->records,
                                 arena, ret_cursor)) {
        const struct verdict verdict = vendor_verdict(connection);
        return run_vendor_fail(&self->vendor, &verdict, error);
    }
    arena_done(&self->memory);
    return true;
}

bool vendor_pages_fail(const struct vendor_pages *self, const char *what, struct error *error)
{
    const struct verdict verdict = {
        .kind = VERDICT_UNREACHABLE, .step = STEP_API, .message = str_from(what)};
    return run_vendor_fail(&self->vendor, &verdict, error);
}

void vendor_pages_done(struct vendor_pages *self)
{
    run_vendor_done(&self->vendor);
    arena_done(&self->memory);
}
