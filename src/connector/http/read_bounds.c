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

/* Texts of one form and length have the order of what they stand for. */
static bool is_tighter(const struct read_bound *bound, struct str text, struct str than)
{
    if (!than.data || text.len != than.len)
        return !than.data;
    int order = str_compare(text, than);
    return is_lower(bound) ? order > 0 : order < 0;
}

void read_bounds(const struct read_where_request *request, struct arena *arena, struct value *read)
{
    const struct read_dialect *dialect = request->dialect;
    const struct read_query *query = request->query;
    for (size_t i = 0; i < dialect->bounds.count; i++) {
        const struct read_bound *bound = &dialect->bounds.rows[i];
        struct str best = STR_NULL;
        for (size_t k = 0; k < query->filter_count; k++) {
            struct str value = value_for(bound, &query->filters[k]);
            struct str text = value.data ? read_value_text(request, &query->filters[k],
                                                           bound->operation, value, arena)
                                         : STR_NULL;
            if (text.data && is_tighter(bound, text, best))
                best = text;
        }
        if (best.data)
            value_put_text(arena, read, bound->name, best);
    }
}
