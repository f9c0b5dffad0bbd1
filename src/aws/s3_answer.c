/* Two levels matter: values right below the document's element, and values of the items there.
 * Which ones, and where they go, is data. */
#include "aws/s3_answer.h"

#include "base/buf.h"
#include "wire/xml.h"

#include <stddef.h>
#include <string.h>

/* Where the value of an element of that name goes, in bytes from the start of its struct. */
struct place {
    const char *name;
    size_t offset;
};

static const struct place answer_places[] = {
    {"Code", offsetof(struct s3_answer, code)},
    {"Region", offsetof(struct s3_answer, region)},
    {"ETag", offsetof(struct s3_answer, etag)},
    {"UploadId", offsetof(struct s3_answer, upload_id)},
    {"EncodingType", offsetof(struct s3_answer, encoding)},
    {"IsTruncated", offsetof(struct s3_answer, truncated)},
    {"NextContinuationToken", offsetof(struct s3_answer, next_token)},
    {"NextKeyMarker", offsetof(struct s3_answer, next_key)},
    {"NextUploadIdMarker", offsetof(struct s3_answer, next_upload)},
    {"NextPartNumberMarker", offsetof(struct s3_answer, next_number)},
};

static const struct place element_places[] = {
    {"Key", offsetof(struct s3_element, key)},
    {"Prefix", offsetof(struct s3_element, prefix)},
    {"ETag", offsetof(struct s3_element, etag)},
    {"Size", offsetof(struct s3_element, size)},
    {"LastModified", offsetof(struct s3_element, changed)},
    {"UploadId", offsetof(struct s3_element, upload_id)},
    {"PartNumber", offsetof(struct s3_element, number)},
};

static const char *const items[] = {"Contents", "CommonPrefixes", "Upload", "Part"};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

struct answer_reading {
    struct arena *arena;
    struct s3_answer *answer;
    struct s3_element *item; /* the one that is open; NULL: none */
    struct s3_element *last;
    struct str *value; /* where the open element's text goes; NULL: nowhere */
    struct buf text;
    int depth;
};

static struct str *find_place(const struct place *places, size_t count, struct str name, void *base)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(places[i].name)))
            return (struct str *)(void *)((char *)base + places[i].offset);
    }
    return NULL;
}

static bool is_item(struct str name)
{
    for (size_t i = 0; i < COUNT(items); i++) {
        if (str_eq(name, str_from(items[i])))
            return true;
    }
    return false;
}

static bool open_item(struct answer_reading *reading, struct str name)
{
    if (reading->answer->count == S3_ELEMENTS_MAX)
        return false;
    struct s3_element *item = arena_new(reading->arena, struct s3_element);
    item->name = arena_copy(reading->arena, name);
    if (reading->last)
        reading->last->next = item;
    else
        reading->answer->elements = item;
    reading->last = reading->item = item;
    reading->answer->count++;
    return true;
}

static bool on_start(void *context, struct str name, const char **attributes)
{
    struct answer_reading *reading = context;
    (void)attributes;
    reading->depth++;
    reading->value = NULL;
    buf_clear(&reading->text);
    if (reading->depth == 1)
        reading->answer->root = arena_copy(reading->arena, name);
    else if (reading->depth == 2 && is_item(name))
        return open_item(reading, name);
    else if (reading->depth == 2)
        reading->value = find_place(answer_places, COUNT(answer_places), name, reading->answer);
    else if (reading->depth == 3 && reading->item)
        reading->value = find_place(element_places, COUNT(element_places), name, reading->item);
    return true;
}

static bool on_text(void *context, struct str text)
{
    struct answer_reading *reading = context;
    if (reading->value)
        buf_add(&reading->text, text);
    return !reading->text.overflow;
}

static bool on_end(void *context, struct str name)
{
    struct answer_reading *reading = context;
    (void)name;
    if (reading->value)
        *reading->value = arena_copy(reading->arena, buf_str(&reading->text));
    reading->value = NULL;
    if (--reading->depth == 1)
        reading->item = NULL;
    return true;
}

/* While it completes an upload S3 sends blanks, so that the connection is not given up. */
static struct str without_leading_blanks(struct str body)
{
    while (body.len > 0 && memchr(" \t\r\n", body.data[0], 4))
        body = (struct str){body.data + 1, body.len - 1};
    return body;
}

bool s3_answer_read(struct str body, struct arena *arena, struct s3_answer *ret_answer)
{
    struct answer_reading reading = {
        .arena = arena, .answer = ret_answer, .text = buf_on_heap(S3_TEXT_MAX)};
    const struct xml_events events = {
        .start = on_start, .end = on_end, .text = on_text, .context = &reading};
    *ret_answer = (struct s3_answer){0};
    struct xml_reader *reader = xml_reader_new(&events);
    bool good = xml_reader_push(reader, without_leading_blanks(body)) && xml_reader_end(reader);
    xml_reader_free(reader);
    buf_done(&reading.text);
    return good;
}
