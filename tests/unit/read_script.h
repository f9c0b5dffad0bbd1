/* Reading the records of a scripted vendor (connector_script.h) page by page, as a run does. */
#pragma once

#include "connector_script.h"

#include "connector/reading.h"

/* A query of a flow. Members that are NULL are not given. */
struct read_asked {
    const char *type;        /* the connector's */
    const char *properties;  /* of the profile, JSON */
    const char *credentials; /* of the profile, JSON */
    const char *source;      /* of the flow, JSON */
    const char *entity;
    const char *fields;      /* names with commas */
    const struct str *names; /* instead of those; NULL: none */
    size_t name_count;
    const struct read_filter *filters;
    size_t filter_count;
    const struct str *types; /* of the fields, all of which are wanted; NULL: these are named */
    const char *cursor;
    bool ends; /* no page is read: what the vendor keeps is ended */
};

/* Reads from the cursor to the last page; the steps must be used up. In the log of the script: a
 * line for each page, "page RECORDS" or "step 0" and, unless it was the last one, " then CURSOR".
 */
bool script_read(struct script *script, const struct scripted *steps, size_t count,
                 const struct read_asked *asked);

/* The same for an array of steps, and members of struct read_asked. */
#define SCRIPT_READ(script, steps, ...)                                                            \
    script_read(script, steps, sizeof(steps) / sizeof((steps)[0]),                                 \
                &(const struct read_asked){__VA_ARGS__})

/* The condition that the connector's last row of records writes for the filter, whose field is
 * described with the filter's type unless it has another. */
void assert_where(struct script *script, const char *type, const struct read_filter *filter,
                  const char *expected);

/* A filter on a field with one value, or several with NULL at the end. */
#define READ_VALUES(...)                                                                           \
    .values = (const struct str[]){__VA_ARGS__},                                                   \
    .value_count = sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str)
