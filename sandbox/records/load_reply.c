/* Reads what a response says of the records that it answers with. */
#include "sandbox/records/load_records.h"

static const struct member_rule reply_members[] = {
    {"dialect", VALUE_STRING, false},     {"page", VALUE_INTEGER, false},
    {"page_least", VALUE_INTEGER, false}, {"page_most", VALUE_INTEGER, false},
    {"without", VALUE_LIST, false},       {"entity", VALUE_STRING, false},
    {"order", VALUE_STRING, false},       {"pages", VALUE_STRUCTURE, false},
};

static const char *const dialects[] = {
    [RECORDS_QUERY_JOB] = "query-job",
    [RECORDS_SOQL] = "soql",
    [RECORDS_LIST] = "list",
    [RECORDS_EXPORT] = "export",
    [RECORDS_TABLE] = "table",
    [RECORDS_ODATA_2] = "odata2",
    [RECORDS_ODATA_4] = "odata4",
    [RECORDS_PAGES] = "pages",
    [RECORDS_REPORT] = "report",
    [RECORDS_HOURS] = "hours",
    [RECORDS_VQL] = "vql",
    [RECORDS_EXTRACT] = "extract",
    [RECORDS_COLLECTION] = "collection",
    [RECORDS_ROW] = "row",
    [RECORDS_BULK] = "bulk",
    [RECORDS_BULK_LONE] = "bulk-lone",
    [RECORDS_JOB] = "job",
    [RECORDS_ODATA_2_WRITE] = "odata2-write",
    [RECORDS_ODATA_4_WRITE] = "odata4-write",
    [RECORDS_SYNC] = "sync",
    [RECORDS_COPY_INTO] = "copy-into",
    [RECORDS_COPY] = "copy",
};

static bool load_size(const struct reader *reader, struct str where, const struct value *value,
                      const char *name, int64_t when_absent, size_t *ret_size)
{
    int64_t size = value_integer(value, name, when_absent);
    *ret_size = (size_t)size;
    return (size >= 1 && size <= SAMPLE_ROWS_MAX) ||
           reader_fail(reader, where, "%s must be 1 to %d.", name, SAMPLE_ROWS_MAX);
}

bool load_records_reply(const struct reader *reader, struct str where, const struct value *value,
                        const struct records_reply **ret_reply)
{
    struct records_reply *reply = arena_new(reader->arena, struct records_reply);
    size_t dialect = 0, count = sizeof(dialects) / sizeof(dialects[0]);
    bool is_like = *ret_reply && !value_get(value, "dialect");
    if (is_like)
        *reply = **ret_reply;
    *ret_reply = reply;
    if (!READER_CHECK(reader, where, value, reply_members))
        return false;
    if (is_like)
        return reader_texts(reader, where, value_get(value, "without"), &reply->without,
                            &reply->without_count);
    while (dialect < count && !str_eq(str_from(dialects[dialect]), value_text(value, "dialect")))
        dialect++;
    if (dialect == count)
        return reader_fail(reader, where, "there is no such dialect.");
    reply->dialect = (enum records_dialect)dialect;
    reply->entity = value_text(value, "entity");
    reply->order = value_text(value, "order");
    int64_t page = value_integer(value, "page", 0);
    if (reply->dialect == RECORDS_PAGES &&
        !load_pages(reader, reader_in(reader, where, STR("pages")), value_get(value, "pages"),
                    &reply->pages))
        return false;
    return load_size(reader, where, value, "page", 0, &reply->page) &&
           load_size(reader, where, value, "page_least", page, &reply->page_least) &&
           load_size(reader, where, value, "page_most", page, &reply->page_most) &&
           reader_texts(reader, where, value_get(value, "without"), &reply->without,
                        &reply->without_count);
}
