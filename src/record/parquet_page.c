/* A page's body is the definition levels with their length in front (one bit a row, whether there
 * is a value), then the values. It is compressed as a whole; its header is not. */
#include "record/parquet_page.h"

#include "base/alloc.h"
#include "record/snappy.h"
#include "record/thrift.h"

#include <assert.h>

enum { KEEP_FACTOR = 3 };

struct page_kind {
    int type, encoding;
    size_t values; /* nulls included */
};

static void put_header(struct parquet_scratch *scratch, const struct page_kind *kind, size_t plain,
                       size_t compressed)
{
    struct thrift thrift = {.out = &scratch->header};
    bool data = kind->type == PARQUET_DATA_PAGE;
    scratch->header.len = 0;
    thrift_i32(&thrift, 1, kind->type);
    thrift_i32(&thrift, 2, (int32_t)plain);
    thrift_i32(&thrift, 3, (int32_t)compressed);
    thrift_struct(&thrift, data ? 5 : 7); /* data_page_header, dictionary_page_header */
    thrift_i32(&thrift, 1, (int32_t)kind->values);
    thrift_i32(&thrift, 2, kind->encoding);
    if (data) {
        thrift_i32(&thrift, 3, PARQUET_ENCODING_RLE); /* definition_level_encoding */
        thrift_i32(&thrift, 4,
                   PARQUET_ENCODING_RLE); /* repetition_level_encoding: there are none */
    }
    thrift_end(&thrift);
    thrift_end(&thrift);
}

/* Compresses a body and returns it as a page behind its header. */
static struct parquet_page *new_page(struct parquet_column *column, struct parquet_scratch *scratch,
                                     const struct page_kind *kind, const unsigned char *body,
                                     size_t len)
{
    byte_buffer_reset(&scratch->compressed, KEEP_FACTOR * PARQUET_PAGE_BYTES);
    unsigned char *to = byte_buffer_room(&scratch->compressed, snappy_bound(len));
    size_t compressed = snappy_compress(body, len, to);
    put_header(scratch, kind, len, compressed);
    size_t header = scratch->header.len;
    struct parquet_page *page = xmalloc(sizeof(*page) + header + compressed);
    page->next = NULL;
    page->len = header + compressed;
    memcpy(page->bytes, scratch->header.data, header);
    memcpy(page->bytes + header, to, compressed);
    column->chunk.bytes += page->len;
    column->chunk.plain_bytes += header + len;
    return page;
}

/* A body is `len` bytes behind PARQUET_LEVELS_ROOM; the levels are put right before them. */
static void add_page(struct parquet_column *column, struct parquet_scratch *scratch,
                     unsigned char *front, size_t len, size_t rows, size_t values)
{
    unsigned char levels[PARQUET_LEVELS_ROOM];
    size_t levels_len = bit_runs_levels(column->present, rows, values, levels);
    uint32_t written_len = (uint32_t)levels_len;
    struct parquet_chunk *chunk = &column->chunk;
    const struct page_kind kind = {.type = PARQUET_DATA_PAGE,
                                   .encoding = parquet_column_is_plain(column)
                                                   ? PARQUET_ENCODING_PLAIN
                                                   : PARQUET_ENCODING_DICTIONARY,
                                   .values = rows};
    unsigned char *body = front + PARQUET_LEVELS_ROOM - sizeof(written_len) - levels_len;
    memcpy(body, &written_len, sizeof(written_len));
    memcpy(body + sizeof(written_len), levels, levels_len);
    struct parquet_page *page =
        new_page(column, scratch, &kind, body, sizeof(written_len) + levels_len + len);
    if (chunk->last)
        chunk->last->next = page;
    else
        chunk->first = page;
    chunk->last = page;
    chunk->page_count++;
}

/* Of the open page's indices; `value_count` may be 0. */
static void add_index_page(struct parquet_column *column, struct parquet_scratch *scratch,
                           size_t rows, size_t value_count)
{
    unsigned width = bit_runs_width(column->dictionary.count);
    struct byte_buffer *out = &scratch->indices;
    out->len = 0;
    byte_buffer_room(out, PARQUET_LEVELS_ROOM + 1 + bit_runs_bound(value_count, width));
    out->len = PARQUET_LEVELS_ROOM;
    byte_buffer_add_byte(out, width);
    const uint16_t *indices = (const uint16_t *)(const void *)column->indices.data;
    bit_runs_encode(indices, value_count, width, out);
    add_page(column, scratch, out->data, out->len - PARQUET_LEVELS_ROOM, rows, value_count);
}

static void add_plain_page(struct parquet_column *column, struct parquet_scratch *scratch,
                           size_t rows, size_t value_count)
{
    struct byte_buffer *out = value_count > 0 ? &column->bytes : &scratch->indices;
    if (out->len < PARQUET_LEVELS_ROOM) {
        out->len = 0;
        byte_buffer_room(out, PARQUET_LEVELS_ROOM);
    }
    size_t len = value_count > 0 ? out->len - PARQUET_LEVELS_ROOM : 0;
    add_page(column, scratch, out->data, len, rows, value_count);
}

/* The values of the open page, which are indices so far, as they are in a PLAIN page. */
static void expand(struct parquet_column *column)
{
    const uint16_t *indices = (const uint16_t *)(const void *)column->indices.data;
    byte_buffer_room(&column->bytes, PARQUET_LEVELS_ROOM + column->plain_len);
    column->bytes.len = PARQUET_LEVELS_ROOM;
    for (size_t i = 0; i < column->page_values; i++) {
        size_t len;
        const unsigned char *value =
            parquet_dictionary_value(&column->dictionary, indices[i], &len);
        byte_buffer_add(&column->bytes, value, len);
    }
}

/* A dictionary pays when values come at least twice. Nulls alone decide nothing. */
static void decide(struct parquet_column *column)
{
    size_t values = column->page_values;
    if (values == 0)
        return;
    column->mode = PARQUET_DICTIONARY;
    if (values >= PARQUET_SAMPLE_VALUES_MIN && column->dictionary.count * 2 <= values)
        return;
    column->mode = PARQUET_PLAIN;
    expand(column);
    parquet_dictionary_done(&column->dictionary);
}

static void add_data_page(struct parquet_column *column, struct parquet_scratch *scratch,
                          size_t rows, size_t values)
{
    if (rows == 0)
        return;
    if (parquet_column_is_plain(column))
        add_plain_page(column, scratch, rows, values);
    else
        add_index_page(column, scratch, rows, values);
}

void parquet_page_finish(struct parquet_column *column, struct parquet_scratch *scratch)
{
    if (column->mode == PARQUET_UNDECIDED)
        decide(column);
    add_data_page(column, scratch, column->leading_nulls, 0);
    add_data_page(column, scratch, column->rows, column->page_values);
    column->leading_nulls = column->rows = column->page_values = 0;
    column->plain_len = column->text_bytes = 0;
    byte_buffer_reset(&column->bytes, KEEP_FACTOR * scratch->page_bytes + PARQUET_LEVELS_ROOM);
    byte_buffer_reset(&column->indices, KEEP_FACTOR * scratch->page_bytes);
}

void parquet_page_of_dictionary(struct parquet_column *column, struct parquet_scratch *scratch)
{
    const struct byte_buffer *values = &column->dictionary.values;
    const struct page_kind kind = {.type = PARQUET_DICTIONARY_PAGE,
                                   .encoding = PARQUET_ENCODING_PLAIN,
                                   .values = column->dictionary.count};
    assert(!column->chunk.dictionary && column->mode == PARQUET_DICTIONARY);
    column->chunk.dictionary = new_page(column, scratch, &kind, values->data, values->len);
}
