/* Reading records from a vendor: page after page, each as the bytes that the vendor sent. What a
 * record is made of is the decoder's business (record/), so a connector says only where in a page
 * the records are, and how the next page is asked for. */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    READ_PAGE_MAX = 16 * 1024 * 1024, /* bytes of one page, decoded from its content coding */
    READ_CURSOR_MAX = 8 * 1024,       /* bytes */
};

/* Of read_page_end.records: the page was not decoded yet. */
#define READ_RECORDS_UNKNOWN UINT64_MAX

/* Of a cursor that stands for a job at the vendor (http/read_job.c, http/read_export.c): what is
 * the same in all cursors of that job; a part of the cursor. STR_NULL: it stands for none. */
struct str read_cursor_job(struct str cursor);

/* The type that a flow's own filters by time have, whatever the vendor calls its times. */
#define READ_FILTER_TIME STR("datetime")

/* One Filter task of the flow. All of them must hold, each for any of its values. */
struct read_filter {
    struct str field;
    struct str operation;     /* the API's operator: "EQUAL_TO", "BETWEEN", … */
    struct str type;          /* DATA_TYPE; STR_NULL: it is not said */
    const struct str *values; /* VALUE or VALUES; of BETWEEN the lower bound and the upper one,
                               * neither of which is within */
    size_t value_count;
    struct str described; /* the type that the vendor describes the field with; STR_NULL: it is not
                           * known, or the vendor cannot filter by it */
};

/* What a run reads. It is the same for all pages of a run. */
struct read_query {
    struct str entity;
    struct str api_version;         /* of the vendor's API, as the flow names it; STR_NULL: it does
                                     * not */
    const struct value *properties; /* the flow's member of SourceConnectorProperties */
    const struct str *fields;       /* names; none: all that there are */
    size_t field_count;
    /* Of each field the type that the vendor describes it with, where the flow wants all that there
     * are: fields of a type that cannot be read so are left out. NULL: the flow names the fields.
     */
    const struct str *types;
    /* The same, where they are known, for whatever fields the flow wants; NULL: they are not. */
    const struct str *described;
    /* A connector may give them to the vendor as far as no record is lost by it that the flow would
     * keep: the flow applies all of them again to what comes. */
    const struct read_filter *filters;
    size_t filter_count;
};

enum read_format { READ_JSON, READ_JSON_LINES, READ_CSV };

struct read_page {
    /* The caller's. */
    struct arena *arena; /* for the page's memory */
    size_t most;         /* bytes of the body that are taken; 0: READ_PAGE_MAX */
    /* Set by another thread: no more of the body is taken; NULL: all of it is. */
    const atomic_bool *is_over;
    /* It was given up, although it may fit into READ_PAGE_MAX: for `most`, for want of memory where
     * there is a `most`, or since it is over. */
    bool is_past_most;
    struct str body; /* whole, at most READ_PAGE_MAX */
    enum read_format format;
    /* READ_JSON: JSON pointer to the list of records; NULL: the page is the list. In the arena; the
     * same for all pages of a query, as is `format`. */
    const char *path;
    /* It has no records: the vendor was only brought a step further, such as a job that works on
     * the query. */
    bool is_step;
    /* Of a step: how long the vendor is to be left alone before the next page is asked for, which
     * is the caller's to do; 0: not at all. */
    int64_t pause_ms;
    /* The connector's own, for read_next, in the arena: */
    int64_t total;      /* records from here on, as the vendor says; -1: it does not */
    struct str key;     /* of the last record, where pages go by keys; STR_NULL: there is none */
    bool leads;         /* what follows is known without the body: */
    bool leads_to_step; /* …is a step, such as one that makes a job */
    struct str next;    /* …its cursor; STR_NULL: it was the last page */
};

/* What a page came to. */
struct read_page_end {
    const struct read_page *page;
    struct str cursor; /* that it was read with */
    /* The page without its records, of READ_JSON pages with a path (json_in_rest); else STR_NULL.
     */
    struct str rest;
    /* How many it had, those that could not be decoded included; READ_RECORDS_UNKNOWN: that is not
     * known yet, and what is asked is a guess. */
    uint64_t records;
};
