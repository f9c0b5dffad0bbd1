/* Definitions of flows: each row has the MAC of the server that wrote it, and reads as JSON. */
#include "cli/inspect_internal.h"

#include "flow/definition.h"
#include "flow/flow.h"
#include "wire/json_value.h"

#include <stdio.h>

enum { PAGE = 20 }; /* rows: one has up to FLOW_DEFINITION_MAX bytes */

static void check_row(struct inspection *look, const struct flow_row *row)
{
    struct value *definition;
    struct error error = {0};
    bool is_sealed = flow_check_seal(look->inspection->service_secret, row, &error);
    bool is_json =
        json_parse_own(row->definition, FLOW_NODES_MAX, &look->arena, &definition) == JSON_READ;
    if (!is_sealed || !is_json)
        inspect_problem(look,
                        arena_printf(&look->arena, "Flow %.*s (account %.*s, %.*s): %s",
                                     STR_ARG(row->key.name), STR_ARG(row->key.account),
                                     STR_ARG(row->key.region),
                                     is_sealed ? "its definition cannot be read." : error.message));
}

bool inspect_flows(struct inspection *look)
{
    struct cursor cursor = {0};
    struct flow_row *rows;
    size_t count;
    do {
        struct flow_key after = {str_from(cursor.account), str_from(cursor.region),
                                 str_from(cursor.name)};
        if (!flow_row_list_all(look->reader, &look->arena, after, PAGE, &rows, &count, look->error))
            return false;
        for (size_t i = 0; i < count; i++)
            check_row(look, &rows[i]);
        if (count > 0) {
            const struct flow_key *last = &rows[count - 1].key;
            snprintf(cursor.account, sizeof(cursor.account), "%.*s", STR_ARG(last->account));
            snprintf(cursor.region, sizeof(cursor.region), "%.*s", STR_ARG(last->region));
            snprintf(cursor.name, sizeof(cursor.name), "%.*s", STR_ARG(last->name));
        }
        look->inspection->flows += count;
        arena_reset(&look->arena);
    } while (count == PAGE);
    return true;
}
