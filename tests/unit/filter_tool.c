/* Lets a test in another language see how filters are said in filterExpression: reads lines of
 *
 *     {"definition": ENTITY_DEFINITION, "filters": [{"field": …, "operation": …, "type": …,
 *      "values": […]}]}
 *
 * from standard input, and writes a line of {"filterExpression": TEXT} for each; {}: none can be
 * said. */
#include "connector/custom/filter_expression.h"
#include "wire/json_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

enum { OUT_MAX = 1024 * 1024 }; /* bytes of a line */

static struct read_filter filter_of(struct arena *arena, const struct value *row)
{
    const struct value *values = value_get(row, "values");
    struct str *texts = arena_array(arena, struct str, values->count);
    for (size_t i = 0; i < values->count; i++)
        texts[i] = values->items[i]->text;
    return (struct read_filter){
        .field = value_text(row, "field"),
        .operation = value_text(row, "operation"),
        .type = value_text(row, "type"),
        .values = texts,
        .value_count = values->count,
    };
}

static void answer(struct arena *arena, const struct value *line)
{
    const struct value *rows = value_get(line, "filters");
    struct read_filter *filters = arena_array(arena, struct read_filter, rows->count);
    const struct read_query query = {.filters = filters, .filter_count = rows->count};
    struct value *said = value_structure(arena);
    struct buf out = buf_in(arena, OUT_MAX);
    for (size_t i = 0; i < rows->count; i++)
        filters[i] = filter_of(arena, rows->items[i]);
    value_put_text(arena, said, "filterExpression",
                   custom_filter_expression(arena, value_get(line, "definition"), &query));
    value_encode(&out, said);
    printf("%.*s\n", STR_ARG(buf_str(&out)));
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        struct arena arena = {0};
        struct value *value;
        if (!json_parse((struct str){line, (size_t)len}, &arena, &value)) {
            fprintf(stderr, "filter-tool: a line is not JSON\n");
            return 1;
        }
        answer(&arena, value);
        arena_done(&arena);
    }
    free(line);
    return 0;
}
