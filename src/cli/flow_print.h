/* What `headgate flow list` and `show` print. */
#pragma once

#include "base/arena.h"
#include "store/flow_schedules.h"
#include "store/flows.h"
#include "store/tags.h"
#include "wire/value.h"

struct shown_flow {
    struct flow_key key;
    struct str status;  /* the API's, or "changed": the row is not the one that the server wrote */
    struct str trigger; /* with its schedule */
    struct str source;  /* "TYPE PROFILE: OBJECT" */
    struct str destination;
    int64_t updated_at_ms;
};

/* A copy in the arena. `definition`: the row's, read; NULL: it is not the one that the server
 * wrote.
 */
void shown_flow_set(struct arena *arena, const struct flow_row *row, const struct value *definition,
                    struct shown_flow *ret_shown);

void shown_flows_print(struct arena *arena, const struct shown_flow *rows, size_t count);
void shown_flows_print_json(struct arena *arena, const struct shown_flow *rows, size_t count);

/* One flow: a page with its tasks, or a JSON object with the definition as it is stored. */
struct flow_page_texts {
    const struct shown_flow *shown;
    const struct flow_row *row;
    const struct value *definition;
    const struct tag *tags;
    size_t tag_count;
    const struct flow_schedule_row *schedule; /* NULL: it was never active */
};
void flow_page_print(struct arena *arena, const struct flow_page_texts *page, bool json);
