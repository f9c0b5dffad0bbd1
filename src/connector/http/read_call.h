/* One call of a read by description: what read.c and read_job.c know of it. */
#pragma once

#include "connector/http/internal.h"
#include "connector/http/read_source.h"

struct read_call {
    struct vendor_connection *connection;
    const struct read_query *query;
    const struct connector_reads *reads;
    const struct read_source *source;
};

/* Sets up a reading from the cursor: which row counts. False: the verdict says why there is none.
 */
bool read_call_begin(struct vendor_connection *connection, const struct read_query *query,
                     struct str cursor, struct read_call *ret_reading);

/* Always false: the vendor's pages lead nowhere. */
bool read_fail_page(const struct read_call *reading, const char *message);

/* Of "OFFSET KEY". False: it is no cursor of ours. */
bool read_split_key(const struct read_call *reading, struct str cursor,
                    unsigned long long *ret_offset, struct str *ret_key);

/* Of "OFFSET FILTERS". False: it is no cursor of ours. */
bool read_split_offset(const struct read_call *reading, struct str cursor,
                       unsigned long long *ret_offset, struct str *ret_where);

/* Always false: what the flow asks for cannot be read. */
bool read_refuse(const struct read_call *reading, struct str message, const char *hint);

/* --- read_statement.c --- */

/* Records that a page is asked for. */
int64_t read_page_size(const struct read_call *reading);

/* Makes {page.size} and the like for the page of the cursor. */
bool read_set_page(const struct read_call *reading, struct str cursor);
/* Makes {read.fields}, {read.where} and the like, after it. */
bool read_set_statement(const struct read_call *reading, struct str cursor);

/* --- read_page.c --- */

/* Makes the call, as vendor_call_read, and takes the body into the page. A good answer without a
 * list of records at page->path, or, of READ_CSV, one that looks like JSON or markup, is classified
 * as any other answer, and fails. */
bool read_page_take(struct vendor_connection *connection, const struct connector_call *call,
                    struct str target, struct read_page *page,
                    struct vendor_response *ret_response);

/* The same of a URL that the vendor names, by vendor_call_url. */
bool read_page_take_url(struct vendor_connection *connection, struct str url,
                        struct read_page *page, struct vendor_response *ret_response);

/* The same for pages that leave the list out (read_lone.c); `call->needs` is what all have. */
bool read_page_take_lone(struct vendor_connection *connection, const struct connector_call *call,
                         struct str target, struct read_page *page,
                         struct vendor_response *ret_response);

/* --- read_lone.c --- */

enum { READ_LONE_ROOM = 2 }; /* bytes that a page with a list is longer */

/* Makes a page without a list into one with a list, when it has what `needs` points to, and at
 * page->path a single record, or nothing and nothing else that could be records. `body` is
 * page->body, with READ_LONE_ROOM bytes behind it. False: the page stays as it is; *ret_fault says
 * why it could not be looked at, or is NULL. */
bool read_lone_take(struct read_page *page, char *body, const char *needs, const char **ret_fault);

/* --- read_export.c --- */

/* The page of a source with exports. STR_NULL: sets out for the first range. */
bool read_export_page(const struct read_call *reading, struct str cursor, struct read_page *page);

/* As http_read_end: cancels the job that the cursor waits for. */
bool read_export_end(const struct read_call *reading, struct str cursor);

/* --- read_archive.c --- */

/* The page of a source with archives. STR_NULL: sets out for the first range. */
bool read_archive_page(const struct read_call *reading, struct str cursor, struct read_page *page);

/* --- read_job.c --- */

/* The page of a source with a job. STR_NULL: makes the job. */
bool read_job_page(const struct read_call *reading, struct str cursor, struct read_page *page);

/* After the first page of a source with `large` that was read without a job: whether a job is to
 * read the records, by what stands before the page's list. */
bool read_job_is_due(const struct read_call *reading, const struct read_page *page);
