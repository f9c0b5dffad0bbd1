/* How a declarative connector reads records: which call gives a page of them, where in it they are,
 * how the next page is asked for, and how filters and names of fields are written in the vendor's
 * query language. docs/internals/reading.md shows it on an example.
 *
 * Templates can name, beside a profile's properties, the flow's ({source.includeDeletedRecords}),
 * {entity.name}, {page.size}, {page.cursor}, {page.offset}, {page.key}, {page.job}, and what is
 * made here: {read.fields}, {read.parts}, {read.where}, {read.after}, {read.statement}, and
 * {read.NAME} of bounds.
 */
#pragma once

#include "connector/http/entity_source.h"
#include "connector/http/http_connector.h"
#include "connector/http/response.h"
#include "connector/reading.h"
#include "record/csv_value.h"

/* --- filters --- */

/* What a value is written as. */
enum read_form {
    READ_TEXT,
    READ_WORD,    /* letters and digits alone, such as an id */
    READ_NUMBER,  /* -12.5 */
    READ_INTEGER, /* -12 */
    READ_FLAG,    /* true, false */
    READ_TIME_MS, /* 2026-01-31T23:59:59.000Z */
    READ_TIME,    /* 2026-01-31 23:59:59, in UTC */
    READ_TIME_T,  /* 2026-01-31T23:59:59, likewise */
    READ_UNIX_S,  /* seconds since 1970 */
    READ_UNIX_MS, /* milliseconds since 1970 */
    READ_DATE,    /* 2026-01-31 */
};

/* Of several forms: 1 << form. */
#define READ_TIMES                                                                                 \
    (1 << READ_TIME_MS | 1 << READ_TIME | 1 << READ_TIME_T | 1 << READ_UNIX_S |                    \
     1 << READ_UNIX_MS | 1 << READ_DATE)
#define READ_NUMBERS (1 << READ_NUMBER | 1 << READ_INTEGER)

/* How values of fields of a type (whose letter case does not count) are written. Filters on fields
 * of a type without a row are not given to the vendor. The type is the one that the field is
 * described with, since by it the vendor compares; DATA_TYPE, by which the flow compares, must be
 * of the same kind: all numbers, all times, texts and words, flags. */
struct read_literal {
    const char *type;
    enum read_form form;
    size_t length; /* characters of a READ_WORD; else 0 */
};

struct read_literals {
    const struct read_literal *rows;
    size_t count;
};

/* What stands around values of a type, as in datetime'2026-01-31T23:59:59'. */
struct read_wrap {
    const char *type, *before, *after;
};

/* A character of a text that does not stand for itself. */
struct read_escape {
    char character;
    const char *written;
};

struct read_escapes {
    const struct read_escape *rows;
    size_t count;
};

/* How texts are written. One that has a control character without an escape, or is not UTF-8, is
 * not given to the vendor. */
struct read_quoting {
    const char *quote; /* on both sides; NULL: none */
    struct read_escapes escapes;
    struct read_escapes in_pattern; /* where a condition has a `wildcard`, before those */
    const char *unfit; /* a text with one of these is not given to the vendor; NULL: any is */
    struct connector_texts unfit_words; /* nor is one of these, in any letter case */
};

/* An operator of the API as the vendor writes it: field, sign, value. A record that the flow's
 * filter keeps must be kept by it too; see read_query.filters. BETWEEN is made of GREATER_THAN and
 * LESS_THAN. */
struct read_condition {
    const char *operation;
    unsigned forms;       /* 1 << enum read_form: of which values */
    const char *sign;     /* " = " */
    const char *wildcard; /* on both sides of the value, within its quotes; NULL: none */
};

/* A filter that is a parameter of its own, {read.NAME}: a bound of a field, which is a time or a
 * number unless it is `apart`, or its one value. The bounds that filters give are the vendor's to
 * include or not: see zone_s. */
struct read_bound {
    const char *field;
    const char *operation; /* "EQUAL_TO"; or "GREATER_THAN", "LESS_THAN", which stand for those with
                            * _OR_EQUAL_TO, too */
    const char *name;
};

/* Nothing is read without the bound of this name. */
struct read_needed {
    const char *name;
    const char *why; /* a sentence without its full stop */
};

struct read_dialect {
    struct read_quoting texts;
    struct read_literals literals;
    struct read_literals bound_literals; /* of `bounds`; none: `literals` */
    struct {
        const struct read_wrap *rows;
        size_t count;
    } wraps; /* of types without a row, nothing stands around values */
    struct {
        const struct read_condition *rows;
        size_t count;
    } conditions;
    struct {
        const struct read_bound *rows;
        size_t count;
    } bounds; /* in place of {read.where}, or beside it */
    struct {
        const struct read_needed *rows;
        size_t count;
    } needed;
    /* Filters on these need no description: their type is DATA_TYPE. Without `bounds` it is only
     * they that are given to the vendor. None: all, by description. */
    struct connector_texts fields;
    bool fields_alone; /* with `bounds`, too, no filter on another field is given to the vendor */
    /* The vendor takes one bound alone, as its value: of the first filter that can be written. */
    bool is_value;
    const char *none;                     /* {read.where} where there is no filter; NULL: nothing */
    const char *before, *between, *after; /* around and between filters; NULL: nothing */
    /* The same of a filter's values; `or` NULL: a filter with several is not given. */
    const char *or_before, * or, *or_after;
    const char *close; /* behind each value; NULL: nothing */
    /* Bounds of times are moved apart by so much, where it is not known in which zone the vendor
     * reads them. */
    int64_t zone_s;
    int64_t newest_s; /* no time later than so long ago is sent; 0: any is */
};

/* --- pages --- */

enum read_paging {
    READ_WHOLE,  /* one page has all records */
    READ_URL,    /* `next` points to the URL of the next page, at the same host */
    READ_CURSOR, /* `next` points to what asks for it as {page.cursor} */
    /* Records are sorted by `key`: the next page begins behind the last key, {page.key}, and, where
     * a page has none since the user may not see its records, at {page.offset}. So nothing is left
     * out and nothing comes twice when records are added or deleted meanwhile. */
    READ_KEY,
    /* {page.offset} counts records, in the order that the call asks for; {read.where} is that of
     * the first page, which the cursor keeps. Bounds are made anew for each page, so that those of
     * its dialect must not depend on a description: its `fields` have theirs. The last page is one
     * for which `more` is not so, or, without `more`, one with fewer records than `size`. */
    READ_OFFSET,
};

/* What a page with status 200 says beside its list when it is none. The verdict's message is what
 * `message` points to. */
struct read_fault {
    struct entity_flag when;
    enum verdict_kind kind;
    const char *message; /* JSON pointer; NULL: there is none */
    const char *hint;
};

enum {
    READ_JOBS_MAX = 3, /* that are made for one reading, as the vendor forgets them; and URLs of the
                        * results that are tried */
    READ_JOB_POLLS_MAX = 6000, /* of one job: about a day, by the longest pause */
    READ_JOB_PAUSE_MS = 250,   /* behind the first look; then doubled up to the next */
    READ_JOB_PAUSE_MAX_MS = 15 * 1000,
    READ_JOB_NAP_MS = 500,  /* a longer pause is the caller's (read_page.pause_ms) */
    READ_JOB_SIZE_MIN = 50, /* records: of a page past READ_PAGE_MAX a quarter is asked for */
    READ_JOB_ID_MAX = 64,   /* bytes */
    READ_JOB_LOCATOR_MAX = 4 * 1024, /* bytes */
};

/* A job at the vendor that works on a query, and whose results are CSV, each page with a header
 * (read_job.c). Its calls have {page.job}, those of results {page.size} and, behind the first page,
 * {page.cursor}. With `url_at` the results are JSON, all at once. */
struct read_job {
    struct connector_call create;
    const char *id; /* JSON pointer in its answer */
    struct connector_call state;
    const char *state_at; /* JSON pointer in its answer */
    struct connector_texts running;
    const char *done;    /* any other state is an end without results; */
    const char *message; /* …of which this points to the vendor's words */
    struct connector_call results;
    const char *locator;                 /* header of a page: what asks for the next one */
    const char *last;                    /* its value at the last page */
    const char *count;                   /* header of a page: how many records it has */
    int forgotten;                       /* status of calls about a job that is no longer there */
    struct connector_call abort, remove; /* without a method: the vendor has no such call */
    /* JSON pointer in the answer to `state` with `done`: the URL of the results, which is asked for
     * without credentials, at whatever host it is; one that is no longer good is replaced by that
     * of another look. NULL: `results` gives them. */
    const char *url_at;
    const char *at; /* JSON pointer in these results, to a member of theirs */
};

enum {
    READ_EXPORT_PIECE = 4 * 1024 * 1024, /* bytes of a file that are asked for at once */
    READ_EXPORT_POLLS_MAX = 24 * 60,     /* of one job: a day, by a look a minute */
    READ_EXPORT_POLLS_NEW = 5, /* for which a job that was put in the queue may look new */
};

/* The range of time that an export is of. */
struct read_range {
    const char *field; /* by whose filters it is bounded */
    const char *name;  /* {read.range}, as the vendor calls it */
    /* The field has the very time that the vendor goes by, so that rows at the ends of a range that
     * belong to another one can be left out. */
    bool drops;
};

/* Exports, each of a range of time of limited length as a CSV file (read_export.c). `create` has
 * {read.names} (a list of quoted names), {read.range}, {read.begins} and {read.ends}; the other
 * calls have {page.job}, that of the file {page.offset} and {page.last}, the bytes of a piece.
 * `cancel` is of a job that has not ended. */
struct read_export {
    struct connector_call create;
    const char *body; /* template of its body, in which nothing is escaped */
    struct connector_call enqueue, state, file;
    struct connector_call cancel;
    const char *id, *state_at, *size, *count, *message; /* JSON pointers */
    const char *created, *done;
    struct connector_texts running;
    const char *key; /* the field that stands first in the file */
    struct {
        const struct read_range *rows;
        size_t count;
    } ranges; /* the first that a filter bounds counts, or the last */
    int64_t range_s;
    int64_t since_s;  /* where the first range begins without a filter, since 1970 */
    int64_t pause_ms; /* between two looks at its state */
    const char *null; /* what an unquoted field without a value has */
};

enum {
    READ_ARCHIVE_MAX = 10 * 1024 * 1024,       /* bytes of one archive */
    READ_ARCHIVE_TEXT_MAX = 512 * 1024 * 1024, /* of the text in it */
    READ_ARCHIVE_PIECE = 2 * 1024 * 1024,      /* of a page's text */
    READ_ARCHIVE_LOOK = 64 * 1024,             /* of an answer that is no archive */
    READ_ARCHIVE_HOURS = 24,                   /* that are asked for at first */
    READ_ARCHIVE_HOURS_MAX = 31 * 24,          /* …twice as many behind a range without records */
    READ_ARCHIVE_SHRINK = 4,                   /* by how much, where that is too much */
};

/* Exports of whole hours as a ZIP of gzip files of JSON lines (read_archive.c). The call has
 * {read.begins} and {read.ends}, the first and the last hour, as 20260131T23 in UTC. */
struct read_archive {
    struct connector_call call;
    const char *field; /* of records: the time by which an hour has them; filters on it bound the
                        * range */
    int none;          /* status: there are no records */
    int too_much, too_slow; /* statuses: fewer hours are to be asked for */
    int64_t back_s;         /* without a lower bound: so long before the upper one */
    int64_t late_s;         /* an hour is complete so long after its end */
};

struct read_source {
    const char *of;      /* pattern of the entities, as entity_list_source.within; NULL: all */
    const char *given;   /* only where this member is there */
    const char *equals;  /* and has this value; NULL: any */
    const char *flag;    /* only where this boolean member is true; NULL: always */
    const char *refusal; /* it cannot be read so: a sentence that says why; NULL: it can */
    struct connector_call call;
    const struct connector_call *later; /* of the pages behind the first; NULL: `call` */
    /* A single record stands at `at` without a list, and nothing there when there is none;
     * `call.needs` is what every page has. */
    bool is_lone;
    /* Template of the first page's path from the root of the API's host, in place of the call's; it
     * begins with a slash. Links without a path from the root are relative to it. NULL: none. */
    const char *root;
    const struct read_dialect *dialect; /* NULL: no filter is given to the vendor */
    /* Fields that records do not have: what is asked of the vendor alone. The flow does not apply
     * filters on these, so each must be given to the vendor, or nothing is read. */
    struct connector_texts apart;
    /* Fields that records have only where the call names them: {read.parts} has those that the
     * query reads, with commas, and is not there where it reads none of them. */
    struct connector_texts parts;
    const char *statement; /* template of {read.statement}; NULL: there is none */
    int statement_max;     /* bytes that the vendor takes of it in a body, where its form fits in
                            * TEMPLATE_BODY_MAX; 0: it stands in a URL */
    bool filters_first;    /* later pages are asked for without filters */
    const char *at;        /* template of a JSON pointer to the list of records */
    enum read_paging paging;
    int size;                /* {page.size} */
    const char *size_given;  /* the member that has it where it is there; NULL: none */
    const char *next;        /* JSON pointer beside the list */
    struct entity_flag more; /* there is a next page only when it is so of what stands beside the
                              * list, and then `next` must lead to it; its `at` NULL: when `next`
                              * leads to something */
    const char *key;         /* the member that READ_KEY sorts by: letters, digits, '-' and '_' */
    /* Keys are numbers above this one, which is {page.key} of the first page; NULL: keys are texts,
     * and the first page has none. */
    const char *key_first;
    bool ends_empty;    /* READ_KEY: a page that is not full may have others behind it */
    bool is_nested;     /* records have members within members: the last one is parsed for it */
    const char *behind; /* template of {read.after}, from the second page on */
    const char *total;  /* header with the number of records from {page.key} on, also of those
                         * that the user may not see; NULL: none */
    struct {
        const struct read_fault *rows;
        size_t count;
    } faults;
    int missing;       /* status that says that there is no such entity; 0: none does */
    bool names_fields; /* a query must name each field */
    /* A job reads the records: what pages are, `at` and below, does not count. NULL: none does. */
    const struct read_job *job;
    const struct read_export *export;   /* likewise exports; its dialect has the literals alone */
    const struct read_archive *archive; /* likewise archives */
    /* With a job, which takes over when the first page says that there are so many records; where
     * the vendor refuses the job, that page counts. NULL: no job ever does. */
    const struct read_source *large;
    uint64_t large_from;
    const char *total_at; /* the member that says it, before the list */
};

/* What a type of the vendor's is in CSV. Types without a row are texts. */
struct read_type {
    const char *type; /* in any letter case */
    enum csv_value value;
};

/* How fields of a type are named in a query, where the name alone gives less than all of the value.
 */
struct read_naming {
    const char *type; /* the vendor's, in any letter case */
    const char *before, *after;
};

struct read_list {
    const char *type, *name;
    struct connector_texts fields; /* these of the type; none: all that are in no list before */
};

struct connector_reads {
    const struct read_source *rows; /* the first that fits counts */
    size_t count;
    /* Beside letters and digits, what names of entities and fields may have: in calls and queries
     * all else could be a part of another language. */
    const char *name_marks;
    struct {
        const struct read_type *rows;
        size_t count;
    } types;
    /* With these, and with `lists`, a flow's fields are described before its first page. */
    struct {
        const struct read_naming *rows;
        size_t count;
    } namings;
    /* Fields that are described with a type make a list of their own: {read.NAME}, with commas. */
    struct {
        const struct read_list *rows;
        size_t count;
    } lists;
    const char *utc; /* how other answers of the vendor than CSV write the zone "Z"; NULL: so */
};

/* As connector_ops has them, for connectors with a description. */
bool http_read(struct vendor_connection *connection, const struct read_query *query,
               struct str cursor, struct read_page *ret_page);
bool http_read_next(struct vendor_connection *connection, const struct read_query *query,
                    const struct read_page_end *end, struct arena *arena, struct str *ret_cursor);
bool http_read_end(struct vendor_connection *connection, const struct read_query *query,
                   struct str cursor);

/* What the vendor's type is in CSV. */
enum csv_value read_type_value(const struct connector_reads *reads, struct str type);

/* Bytes in a URL, percent-encoded. */
enum {
    READ_STATEMENT_MAX = 14 * 1024, /* of {read.statement} without statement_max */
    READ_WHERE_MAX = 8 * 1024,      /* of {read.where} */
};

/* --- read_filter.c --- */

/* Whether all of a name is letters, digits, and these marks. */
bool read_name_is_fit(const char *marks, struct str name);

/* Bytes of a text in a URL, percent-encoded. */
size_t read_url_len(struct str text);

struct read_where_request {
    const struct read_dialect *dialect;
    const char *name_marks; /* as connector_reads has them */
    const struct read_query *query;
    int64_t now_ms;                      /* wall clock */
    size_t most;                         /* bytes in a URL */
    const struct connector_texts *apart; /* as read_source has them; NULL: none */
    /* A sentence without its full stop: why nothing can be read with these filters. STR_NULL: it
     * can. */
    struct str problem;
};

/* A filter's value as it is written for an operation; STR_NULL: it cannot be. In the arena. */
struct str read_value_text(const struct read_where_request *request,
                           const struct read_filter *filter, const char *operation,
                           struct str value, struct arena *arena);

/* --- read_bounds.c --- */

/* Sets {read.NAME} of the dialect's bounds that filters give. */
void read_bounds(struct read_where_request *request, struct arena *arena, struct value *read);
/* Whether all that the filter asks for is in bounds. */
bool read_bounds_have(const struct read_where_request *request, const struct read_filter *filter,
                      struct arena *arena);

/* --- read_filter.c --- */

/* {read.where}: the filters as far as they can be written and fit; in the arena. */
struct str read_where(struct read_where_request *request, struct arena *arena);
