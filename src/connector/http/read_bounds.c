/* Filters as parameters of their own: of all filters that give a bound of records, the one that
 * keeps the fewest. */
#include "connector/http/read_source.h"

static bool is_lower(const struct read_bound *bound)
{
    return str_starts(str_from(bound->operation), STR("GREATER_"));
}

/* The value of a filter that gives this bound; STR_NULL: it does not. */
static struct str value_for(const struct read_bound *bound, const struct read_filter *filter)
{
    struct str operation = str_from(bound->operation);
    bool is_order = !str_eq(operation, STR("EQUAL_TO"));
    bool is_range = str_eq(filter->operation, STR("BETWEEN")) && filter->value_count == 2;
    if (!str_eq(filter->field, str_from(bound->field)))
        return STR_NULL;
    if (is_order && is_range)
        return filter->values[is_lower(bound) ? 0 : 1];
    bool fits =
        is_order ? str_starts(filter->operation, operation) : str_eq(filter->operation, operation);
    return fits && filter->value_count == 1 ? filter->values[0] : STR_NULL;
}

/* Texts of one form and length have the order of what they stand for, and of two numbers without
 * zeros in front the longer one is greater. */
static bool are_of_one_form(struct str text, struct str other)
{
    return text.len == other.len || (str_is_digits(text) && str_is_digits(other));
}

static bool is_tighter(const struct read_bound *bound, struct str text, struct str than)
{
    if (!than.data || !are_of_one_form(text, than))
        return !than.data;
    int order = text.len != than.len ? (text.len > than.len ? 1 : -1) : str_compare(text, than);
    return is_lower(bound) ? order > 0 : order < 0;
}

static struct str text_for(const struct read_where_request *request, const struct read_bound *bound,
                           const struct read_filter *filter, struct arena *arena)
{
    struct str value = value_for(bound, filter);
    return value.data ? read_value_text(request, filter, bound->operation, value, arena) : STR_NULL;
}

bool read_bounds_have(const struct read_where_request *request, const struct read_filter *filter,
                      struct arena *arena)
{
    size_t found = 0;
    for (size_t i = 0; i < request->dialect->bounds.count; i++)
        found += text_for(request, &request->dialect->bounds.rows[i], filter, arena).data != NULL;
    return found >= (str_eq(filter->operation, STR("BETWEEN")) ? 2U : 1U);
}

/* One value is given of two that both count. The flow applies the filter of the other one, unless
 * it is on a field that records do not have. */
static void note_left(struct read_where_request *request, const struct read_bound *bound,
                      struct str text, struct str other, struct arena *arena)
{
    struct str field = str_from(bound->field);
    bool is_order = !str_eq(str_from(bound->operation), STR("EQUAL_TO"));
    if (!request->apart || !connector_texts_have(request->apart, field) || str_eq(text, other) ||
        (is_order && are_of_one_form(text, other)))
        return;
    request->problem = arena_printf(
        arena, "of two filters on %.*s the vendor, which alone could apply them, takes one",
        STR_ARG(field));
}

void read_bounds(struct read_where_request *request, struct arena *arena, struct value *read)
{
    const struct read_dialect *dialect = request->dialect;
    const struct read_query *query = request->query;
    for (size_t i = 0; i < dialect->bounds.count; i++) {
        const struct read_bound *bound = &dialect->bounds.rows[i];
        struct str best = STR_NULL;
        for (size_t k = 0; k < query->filter_count; k++) {
            struct str text = text_for(request, bound, &query->filters[k], arena);
            if (text.data && best.data)
                note_left(request, bound, text, best, arena);
            if (text.data && is_tighter(bound, text, best))
                best = text;
        }
        if (best.data)
            value_put_text(arena, read, bound->name, best);
    }
    for (size_t i = 0; i < dialect->needed.count; i++) {
        if (!value_get(read, dialect->needed.rows[i].name))
            request->problem = str_from(dialect->needed.rows[i].why);
    }
}
