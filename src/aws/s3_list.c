/* ListObjectsV2, a page at a time. */
#include "aws/s3_internal.h"

#include "base/encode.h"
#include "base/time_text.h"
#include "wire/s3_etag.h"

enum { QUERY_MAX = CLIENT_URL_MAX };

/* As S3 encodes keys where "url" was asked for: a blank is '+', and '+' is "%2B". Some servers are
 * asked and do not encode; then they do not say so either. */
bool s3_read_key(struct str text, struct str encoding, struct arena *arena, struct str *ret_key)
{
    if (!text.data || !str_eq(encoding, STR("url"))) {
        *ret_key = text;
        return text.data && utf8_is_valid(text);
    }
    char *copy = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.data[i] == '+' ? ' ' : text.data[i];
    return decode_percent(arena, (struct str){copy, text.len}, ret_key) && utf8_is_valid(*ret_key);
}

bool s3_read_size(struct str text, uint64_t *ret_size)
{
    unsigned long long size;
    if (!str_to_u64(text, UINT64_MAX, &size))
        return false;
    *ret_size = size;
    return true;
}

static struct str query_of(const struct s3_query *query, struct arena *arena)
{
    struct buf out = buf_in(arena, QUERY_MAX);
    int most = query->page_max > 0 && query->page_max < S3_PAGE_MAX ? query->page_max : S3_PAGE_MAX;
    s3_query_add(&out, "list-type", STR("2"));
    s3_query_add(&out, "encoding-type", STR("url"));
    s3_query_add(&out, "max-keys", arena_printf(arena, "%d", most));
    if (query->prefix.len > 0)
        s3_query_add(&out, "prefix", query->prefix);
    if (query->delimiter.len > 0)
        s3_query_add(&out, "delimiter", query->delimiter);
    if (query->token.data)
        s3_query_add(&out, "continuation-token", query->token);
    else if (query->start_after.len > 0)
        s3_query_add(&out, "start-after", query->start_after);
    return buf_str(&out);
}

static bool read_entry(const struct s3_element *element, struct str encoding, struct arena *arena,
                       struct s3_entry *ret_entry)
{
    if (str_eq(element->name, STR("CommonPrefixes")))
        return s3_read_key(element->prefix, encoding, arena, &ret_entry->key);
    struct time_text changed;
    ret_entry->etag = s3_etag_bare(element->etag);
    if (time_text_read(element->changed, TIME_TEXT_ISO_8601, &changed))
        ret_entry->changed_at_ms = changed.us / (TIME_TEXT_SECOND_US / 1000);
    return s3_read_key(element->key, encoding, arena, &ret_entry->key) &&
           s3_read_size(element->size, &ret_entry->size);
}

/* Objects and prefixes come apart; together they are in order again. */
static void insert_sorted(struct s3_entry *entries, size_t count, struct s3_entry entry)
{
    while (count > 0 && str_compare(entries[count - 1].key, entry.key) > 0) {
        entries[count] = entries[count - 1];
        count--;
    }
    entries[count] = entry;
}

static bool read_entries(const struct s3_answer *answer, struct arena *arena,
                         struct s3_page *ret_page)
{
    struct s3_entry *entries = arena_array(arena, struct s3_entry, answer->count + 1);
    for (const struct s3_element *each = answer->elements; each; each = each->next) {
        struct s3_entry entry = {0};
        if (!read_entry(each, answer->encoding, arena, &entry))
            return false;
        insert_sorted(entries, ret_page->count++, entry);
    }
    ret_page->entries = entries;
    return true;
}

static bool read_page(const struct s3_place *place, const struct s3_query *query,
                      const struct s3_answer *answer, struct arena *arena, struct s3_page *ret_page,
                      struct error *error)
{
    *ret_page = (struct s3_page){0};
    if (!str_eq(answer->root, STR("ListBucketResult")))
        return s3_fail_unusable(place, "it is no list of objects", error);
    if (!read_entries(answer, arena, ret_page))
        return s3_fail_unusable(place, "an object of the list has no key or no size", error);
    if (!str_eq(answer->truncated, STR("true")))
        return true;
    if (answer->next_token.len == 0 || str_eq(answer->next_token, query->token))
        return s3_fail_unusable(place, "the list continues, and does not say where", error);
    ret_page->next_token = answer->next_token;
    return true;
}

/* The page is read into the arena's own memory, so the answer is too. */
bool s3_list(const struct s3 *s3, const struct s3_query *query, struct arena *arena,
             struct s3_page *ret_page, struct error *error)
{
    _cleanup_(arena_done) struct arena call = arena_beside(arena);
    struct s3_answer answer;
    struct s3_reply reply;
    const struct s3_request request = {.method = "GET",
                                       .place = {.bucket = query->bucket},
                                       .query = query_of(query, arena),
                                       .answer_max = S3_LIST_MAX};
    if (!s3_ask(s3, &request, &call, &reply, NULL, error))
        return false;
    if (!s3_answer_read(reply.http.body, arena, &answer))
        return s3_fail_unusable(&request.place, "it is not XML, or too long", error);
    return read_page(&request.place, query, &answer, arena, ret_page, error);
}
