/* The languages in which records are asked for, each in a file of its own. */
#pragma once

#include "sandbox/records/answer.h"
#include "sandbox/records/query.h"
#include "sandbox/records/written.h"
#include "sandbox/request.h"

enum { RECORDS_BODY_MAX = 32 * 1024 * 1024 }; /* bytes of one answer */

struct records_exchange {
    const struct records_place *place;
    const struct sample_set *set; /* as the account sees it */
    const struct records_reply *reply;
    struct sandbox_request *request;
    struct arena *arena;
    int64_t now_ms;               /* wall clock */
    struct sandbox_response *out; /* status and body are the dialect's */
};

/* The fields without those that the reply leaves out. NULL: all that there are. */
const struct sample_field *const *records_fields(const struct records_exchange *exchange,
                                                 const struct sample_entity *entity,
                                                 const struct sample_field *const *fields,
                                                 size_t *count);
/* The records of a page: what the client asks for within the reply's bounds, or its usual number.
 */
size_t records_page_size(const struct records_exchange *exchange, struct str asked);

/* A parameter of the query, or STR_NULL. */
struct str records_parameter(const struct records_exchange *exchange, const char *name);
/* The entity of the reply, or that of the path: its last segment, or the `back`-th before, without
 * ".json". NULL: there is none of this name. */
const struct sample_entity *records_entity(const struct records_exchange *exchange, size_t back);
/* Objects with a comma between them, for rows[first] and on. */
void records_print(struct buf *out, const struct records_exchange *exchange,
                   const struct sample_entity *entity, const size_t *rows, size_t count);

/* Keeps changes of the account that the request is for; all of them or none. */
enum written_fault records_write(const struct records_exchange *exchange,
                                 const struct written_change *changes, size_t count);

/* The records as they are after such changes. */
void records_look_again(struct records_exchange *exchange);

/* list_answer.c: PATH/ENTITY.json with page[size] and page[after], or per_page and page */
void list_answer(struct records_exchange *exchange);
/* export_answer.c: PATH/incremental/ENTITY.json and PATH/incremental/ENTITY/cursor.json */
void export_answer(struct records_exchange *exchange);
/* table_answer.c: PATH/table/NAME with sysparm_query, sysparm_fields, … */
void table_answer(struct records_exchange *exchange);
/* odata_answer.c: PATH/SET with $filter, $select, $orderby, …; the version is 2 or 4 */
void odata_answer(struct records_exchange *exchange, int version);
/* extract_answer.c: PATH/ENTITY/export/create.json, PATH/ENTITY/export/ID/status.json, … */
void extract_answer(struct records_exchange *exchange);
/* vql_answer.c: PATH/query with q=, PATH/query/ID */
void vql_answer(struct records_exchange *exchange);
/* pages_answer.c: as the response says (pages.h) */
void pages_answer(struct records_exchange *exchange);
/* odata_write.c: POST to PATH/SET, PATCH of PATH/SET(KEY) */
void odata_write(struct records_exchange *exchange, int version);
/* report_answer.c: PATH/create_async_report, PATH/get_report_status, /reports/ID */
void report_answer(struct records_exchange *exchange);
/* hours_answer.c: PATH/export with start and end */
void hours_answer(struct records_exchange *exchange);
/* query_job_answer.c: PATH/jobs/query, PATH/jobs/query/ID and PATH/jobs/query/ID/results */
void query_job_answer(struct records_exchange *exchange);
/* soql_answer.c: PATH/query?q=, PATH/queryAll?q=, PATH/query/LOCATOR */
void soql_answer(struct records_exchange *exchange);
/* collection_answer.c: PATH/composite/sobjects, and PATH/composite/sobjects/ENTITY/FIELD */
void collection_answer(struct records_exchange *exchange);
/* row_answer.c: PATH/sobjects/ENTITY, …/ENTITY/ID and …/ENTITY/FIELD/VALUE */
void row_answer(struct records_exchange *exchange);
/* bulk_answer.c: PATH/ENTITY/create_many.json, update_many.json, create_or_update_many.json */
void bulk_answer(struct records_exchange *exchange);
/* PATH/ENTITY/create_or_update.json, of one record */
void bulk_lone_answer(struct records_exchange *exchange);
/* PATH/job_statuses/NAME.json */
void job_answer(struct records_exchange *exchange);
/* sync_answer.c: PATH/ENTITY.json */
void sync_answer(struct records_exchange *exchange);
/* copy_answer.c: a statement in a member of the body, "sqlText" or "Sql" */
void copy_into_answer(struct records_exchange *exchange);
void copy_answer(struct records_exchange *exchange);
