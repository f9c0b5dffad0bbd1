/* From pages to a source: the decoder that they need, the cursor, and the end of pages that lead
 * nowhere. */
#include "flow/vendor_source.h"

#include "base/alloc.h"
#include "connector/connector.h"
#include "connector/reading.h"
#include "connector/verdict.h"
#include "flow/definition.h"
#include "flow/engine_run.h"
#include "flow/page_walk.h"
#include "flow/run_metrics.h"
#include "flow/run_vendor.h"
#include "flow/vendor_pages.h"
#include "flow/vendor_query.h"
#include "profile/metadata.h"
#include "record/csv_in.h"
#include "record/json_in.h"
#include "wire/errors.h"

#include <stdlib.h>

struct vendor_source {
    struct flow_source base;
    struct read_query query;
    const struct str *types; /* of the query's fields, once they are described; NULL: not yet */
    struct vendor_pages pages;
    bool has_page;         /* the page at hand was read already */
    struct arena cursors;  /* of the next */
    struct str cursor;     /* of the page at hand; STR_NULL: the first */
    struct page_walk walk; /* of this try */
};

static struct vendor_source *self_of(struct flow_source *source)
{
    return (struct vendor_source *)source;
}

static bool read(struct flow_source *source, const struct flow_sink *sink, struct error *error)
{
    struct vendor_source *self = self_of(source);
    if (!self->has_page && !vendor_pages_read(&self->pages, self->cursor, error))
        return false;
    self->has_page = true;
    self->base.is_step = self->pages.page.is_step;
    self->base.pause_ms = self->pages.page.pause_ms;
    vendor_pages_look_ahead(&self->pages);
    return sink->push(sink->context, self->pages.page.body);
}

static bool move(struct vendor_source *self, struct str next, uint64_t records, struct error *error)
{
    const char *fault = self->base.is_step ? NULL : page_walk_step(&self->walk, next, records);
    if (fault)
        return vendor_pages_fail(&self->pages, fault, error);
    self->cursor = next;
    return true;
}

static void count_page(const struct vendor_source *self, uint64_t records, size_t bytes)
{
    size_t type = connector_type_index(self->pages.vendor.access.target.connector);
    if (self->base.is_step)
        return;
    metrics_count(&metric_source_pages, type, 0);
    metrics_add(&metric_source_bytes, type, bytes);
    metrics_add(&metric_source_records, type, records);
}

static bool next(struct flow_source *source, uint64_t records, bool *ret_more, struct error *error)
{
    struct vendor_source *self = self_of(source);
    const struct read_page *page = &self->pages.page;
    bool found, has_rest = page->format == READ_JSON && page->path;
    struct str rest = has_rest ? json_in_rest(self->base.decoder, &found) : STR_NULL;
    struct arena cursors = arena_beside(&self->cursors);
    struct str cursor;
    bool read = vendor_pages_next(&self->pages, rest, records, &cursors, &cursor, error);
    self->has_page = false;
    count_page(self, records, page->body.len);
    *ret_more = read && cursor.data;
    bool moved = read && (!*ret_more || move(self, cursor, records, error));
    arena_done(&self->cursors);
    self->cursors = cursors;
    return moved;
}

static struct str cursor(const struct flow_source *source, struct arena *arena)
{
    const struct vendor_source *self = (const struct vendor_source *)source;
    return arena_copy(arena, self->cursor);
}

static struct str page_name(const struct flow_source *source, struct arena *arena)
{
    const struct vendor_source *self = (const struct vendor_source *)source;
    return arena_printf(arena, "Page %llu of %.*s",
                        (unsigned long long)self->pages.vendor.run->progress->pages + 1,
                        STR_ARG(self->query.entity));
}

static void free_source(struct flow_source *source)
{
    struct vendor_source *self = self_of(source);
    vendor_pages_done(&self->pages);
    if (self->base.decoder)
        self->base.decoder->ops->free(self->base.decoder);
    arena_done(&self->cursors);
    page_walk_done(&self->walk);
    free(self);
}

static const struct flow_source_ops ops = {
    .read = read,
    .next = next,
    .cursor = cursor,
    .page_name = page_name,
    .free = free_source,
};

/* --- opening --- */

struct description_call {
    struct vendor_source *source;
    struct arena *arena;
    bool is_needed;
    struct metadata *found;
};

/* By the cache of entities, which a run at every minute asks once an hour. A vendor that takes no
 * call now would not take that for a page either. */
static bool find_description(void *context, struct verdict *verdict, struct error *error)
{
    struct description_call *asked = context;
    const struct run_vendor *vendor = &asked->source->pages.vendor;
    const struct read_query *query = &asked->source->query;
    const struct metadata_question question = {
        .key = vendor->profile,
        .connector_type = vendor->type,
        .kind = METADATA_FIELDS,
        .query = {.name = query->entity, .api_version = query->api_version},
        .request_id = vendor->run->row->id,
        .verdict = verdict,
        .gate = &vendor->gate.gate,
    };
    asked->found = profile_metadata(vendor->run->config->profiles, asked->arena, &question, error);
    return asked->found || (!asked->is_needed && verdict->kind != VERDICT_THROTTLED);
}

/* The run keeps of it what its tries need. */
static bool ask_for_description(struct vendor_source *self, bool names, bool is_needed,
                                struct arena *arena, struct error *error)
{
    struct run_vendor *vendor = &self->pages.vendor;
    struct flow_run_kept *kept = vendor->run->kept;
    struct description_call asked = {.source = self, .arena = arena, .is_needed = is_needed};
    if (!run_vendor_ask(vendor, find_description, &asked, error))
        return false;
    if (!asked.found)
        return true;
    bool described = vendor_query_describe(&self->query, asked.found->fields, names,
                                           flow_data_catalog(vendor->run->definition) != NULL,
                                           &kept->memory, &kept->description, error);
    metadata_release(vendor->run->config->profiles->metadata, asked.found);
    return described;
}

/* `names`: the query is to name all fields. `is_needed`: without the description nothing can be
 * read. Else the run continues without one, but not while the vendor takes no calls. */
static bool describe(struct vendor_source *self, bool names, bool is_needed, struct arena *arena,
                     struct error *error)
{
    struct flow_engine_run *run = self->pages.vendor.run;
    const struct vendor_description *known = run->kept->description;
    bool is_known = known && (known->names || !names);
    if (!is_known && !ask_for_description(self, names, is_needed, arena, error)) {
        bool continues = !is_needed && run->pause_ms == 0 && !flow_engine_is_to_end(run);
        if (continues) /* the first page has a patience of its own */
            run->kept->source.began_ms = run->kept->source.due_ms = 0;
        return continues;
    }
    known = run->kept->description;
    if (known) {
        vendor_query_use(&self->query, known, arena);
        self->types = known->types;
    }
    return true;
}

/* Of CSV, whose values are as those of the vendor's JSON are. */
static struct record_decoder *csv_decoder(const struct vendor_source *self, struct arena *arena)
{
    const struct connector *connector = self->pages.vendor.access.target.connector;
    const struct read_query *query = &self->query;
    struct str *names = arena_array(arena, struct str, query->field_count + 1);
    enum csv_value *values = arena_array(arena, enum csv_value, query->field_count + 1);
    struct csv_in_options options = {
        .columns = {.names = names},
        .empty_is_null = true,
        .empty_row_counts = true,
        .values = values,
        .utc = connector_csv_utc(connector),
    };
    for (size_t i = 0; i < query->field_count; i++) {
        enum csv_value value = connector_csv_value(connector, self->types[i]);
        if (value == CSV_VALUE_NONE && query->types)
            continue;
        names[options.columns.count] = query->fields[i];
        values[options.columns.count++] = value;
    }
    return csv_in_new(&options);
}

static struct record_decoder *decoder_for(const struct vendor_source *self, struct arena *arena)
{
    const struct read_page *page = &self->pages.page;
    const struct record_columns columns = {self->query.fields, self->query.field_count};
    if (page->format == READ_CSV && self->types)
        return csv_decoder(self, arena);
    if (page->format == READ_CSV)
        return csv_in_new(&(struct csv_in_options){.columns = columns});
    const char *path =
        page->format == READ_JSON && page->path ? arena_cstr(arena, str_from(page->path)) : NULL;
    return json_in_new(&(struct json_in_options){.columns = columns, .path = path});
}

/* The first page: from it the decoder is made. */
static bool begin(struct vendor_source *self, bool wants_all, struct arena *arena,
                  struct error *error)
{
    const struct connector *connector = self->pages.vendor.access.target.connector;
    bool names = wants_all && connector_names_fields(connector);
    bool filters = self->query.filter_count > 0 && connector_has_filters(connector);
    bool needs = names || connector_needs_types(connector);
    bool labels = flow_data_catalog(self->pages.vendor.run->definition) != NULL;
    if ((needs || filters || labels) && !describe(self, names, needs, arena, error))
        return false;
    if (self->query.field_count > RECORD_COLUMNS_MAX)
        return fail(error, ERR_VALIDATION,
                    "%.*s has more than %d fields. Name those that the flow reads in Map tasks.",
                    STR_ARG(self->query.entity), RECORD_COLUMNS_MAX);
    /* Filters on fields that could not be described are applied here alone. */
    if (!vendor_pages_read(&self->pages, self->cursor, error))
        return false;
    bool needs_types = self->pages.page.format == READ_CSV && self->query.field_count > 0;
    if (needs_types && !self->types && !describe(self, false, true, arena, error))
        return false;
    self->has_page = true;
    self->base.decoder = decoder_for(self, arena);
    return true;
}

bool vendor_source_open(const struct flow_source_request *request, struct flow_source **ret_source,
                        struct error *error)
{
    struct vendor_source *self = xcalloc(1, sizeof(*self));
    struct flow_engine_run *run = request->run;
    struct arena *arena = request->arena;
    struct flow_definition definition;
    bool wants_all;
    flow_definition_read(run->definition, &definition);
    vendor_query_make(&definition, request->program, arena, &self->query, &wants_all);
    self->base.ops = &ops;
    self->cursors = (struct arena){.kind = ARENA_PLAIN, .meter = arena->meter};
    page_walk_init(&self->walk, arena->meter);
    self->cursor = request->cursor.data ? arena_copy(&self->cursors, request->cursor) : STR_NULL;
    if (vendor_pages_open(&self->pages, run, &definition.source, &self->query, error) &&
        begin(self, wants_all, arena, error)) {
        *ret_source = &self->base;
        return true;
    }
    free_source(&self->base);
    return false;
}

/* --- what the vendor keeps --- */

static const struct run_vendor_use ending = {
    .does = "reads",
    .call_ms = 20 * 1000,
    .fits = connector_has_records,
    .is_source = true,
};

struct end_call {
    const struct connector_ops *ops;
    struct read_query query;
    struct str cursor;
};

static bool end_reading(void *context, struct vendor_connection *connection)
{
    struct end_call *call = context;
    return call->ops->read_end(connection, &call->query, call->cursor);
}

bool vendor_source_end(struct flow_engine_run *run, struct str cursor, struct error *error)
{
    struct flow_definition definition;
    struct run_vendor vendor;
    flow_definition_read(run->definition, &definition);
    run->kept->source.began_ms = run->kept->source.due_ms = 0; /* of a call that comes no more */
    struct end_call call = {
        .query = {.entity = flow_end_entity(&definition.source),
                  .api_version = value_text(definition.source.config, "apiVersion"),
                  .properties = flow_end_properties(&definition.source)},
        .cursor = cursor,
    };
    bool ended =
        run_vendor_open(&vendor, run, &ending, &definition.source, call.query.entity, error);
    call.ops = ended ? vendor.access.target.connector->ops : NULL;
    ended = ended && (!call.ops->read_end || run_vendor_do(&vendor, end_reading, &call, error));
    run_vendor_done(&vendor);
    return ended;
}
