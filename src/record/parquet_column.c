/* Values go into the open page in one of two forms: as they are in the file (PLAIN), or as indices
 * of the dictionary. Which pages are made of them is in parquet_page.c. */
#include "record/parquet_column.h"

#include "base/alloc.h"
#include "record/parquet_decimal.h"
#include "record/parquet_page.h"
#include "record/pieces.h"

#include <stdlib.h>

enum { TEXT_LEN_BYTES = 4 };

void parquet_column_init(struct parquet_column *column, const struct parquet_type *type,
                         struct str name)
{
    *column = (struct parquet_column){.name = name, .type = *type};
    column->dictionary.width = type->width;
    if (type->physical == PARQUET_BOOLEAN) /* a value is a bit already */
        column->mode = PARQUET_PLAIN;
}

static void free_pages(struct parquet_chunk *chunk)
{
    for (struct parquet_page *page = chunk->first, *next; page; page = next) {
        next = page->next;
        free(page);
    }
    free(chunk->dictionary);
    *chunk = (struct parquet_chunk){0};
}

void parquet_column_done(struct parquet_column *column)
{
    free_pages(&column->chunk);
    parquet_dictionary_done(&column->dictionary);
    byte_buffer_done(&column->bytes);
    byte_buffer_done(&column->indices);
    free(column->present);
    column->present = NULL;
}

void parquet_column_next_chunk(struct parquet_column *column)
{
    free_pages(&column->chunk);
    parquet_dictionary_done(&column->dictionary);
    column->statistics = (struct parquet_statistics){0};
    column->nulls = column->values = 0;
}

static size_t open_bytes(const struct parquet_column *column)
{
    if (column->mode == PARQUET_PLAIN)
        return column->plain_len;
    return column->indices.len + parquet_dictionary_bytes(&column->dictionary);
}

size_t parquet_column_bytes(const struct parquet_column *column)
{
    return (size_t)column->chunk.bytes + open_bytes(column);
}

/* What is not compressed yet gets as much smaller as the pages before it, or half as large. */
size_t parquet_column_file_bytes(const struct parquet_column *column)
{
    const struct parquet_chunk *chunk = &column->chunk;
    size_t open = open_bytes(column);
    size_t later =
        chunk->plain_bytes > 0 ? (size_t)(open * chunk->bytes / chunk->plain_bytes) : open / 2;
    return (size_t)chunk->bytes + later;
}

static void add_index(struct parquet_column *column, uint16_t index)
{
    memcpy(byte_buffer_room(&column->indices, sizeof(index)), &index, sizeof(index));
    column->indices.len += sizeof(index);
}

/* The room for levels is in front of the first value. */
static unsigned char *plain_room(struct parquet_column *column, size_t extra)
{
    if (column->bytes.len == 0) {
        byte_buffer_room(&column->bytes, PARQUET_LEVELS_ROOM + extra);
        column->bytes.len = PARQUET_LEVELS_ROOM;
    }
    return byte_buffer_room(&column->bytes, extra);
}

static void put_numbers(unsigned char *to, const int64_t *numbers, size_t count, unsigned width)
{
    if (width == sizeof(*numbers)) {
        memcpy(to, numbers, count * sizeof(*numbers));
        return;
    }
    for (size_t i = 0; i < count; i++) { /* a date: it was checked that 32 bits hold it */
        int32_t number = (int32_t)numbers[i];
        memcpy(to + i * sizeof(number), &number, sizeof(number));
    }
}

void parquet_column_add_numbers(struct parquet_column *column, const int64_t *numbers, size_t count)
{
    unsigned width = column->type.width;
    column->plain_len += count * width;
    if (column->mode == PARQUET_PLAIN) {
        put_numbers(plain_room(column, count * width), numbers, count, width);
        column->bytes.len += count * width;
        parquet_statistics_numbers(&column->statistics, numbers, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool new;
        unsigned char value[sizeof(*numbers)];
        put_numbers(value, numbers + i, 1, width);
        add_index(column, parquet_dictionary_put(&column->dictionary, value, width, &new));
        if (new)
            parquet_statistics_numbers(&column->statistics, numbers + i, 1);
    }
}

void parquet_column_add_wide(struct parquet_column *column, const __int128 *numbers, size_t count)
{
    size_t width = column->type.width;
    column->plain_len += count * width;
    for (size_t i = 0; i < count; i++) {
        bool new = true;
        unsigned char value[PARQUET_WIDE_BYTES];
        parquet_decimal_put(value, numbers[i], width);
        if (column->mode == PARQUET_PLAIN) {
            memcpy(plain_room(column, width), value, width);
            column->bytes.len += width;
        } else {
            add_index(column, parquet_dictionary_put(&column->dictionary, value, width, &new));
        }
        if (new)
            parquet_statistics_wide(&column->statistics, numbers[i]);
    }
}

static void add_plain_texts(struct parquet_column *column, const struct str *texts, size_t count,
                            size_t bytes)
{
    unsigned char *to = plain_room(column, bytes);
    for (size_t i = 0; i < count; i++) {
        uint32_t len = (uint32_t)texts[i].len;
        memcpy(to, &len, sizeof(len));
        copy_text((char *)to + TEXT_LEN_BYTES, texts[i].data, len);
        parquet_statistics_text(&column->statistics, to + TEXT_LEN_BYTES, len);
        to += TEXT_LEN_BYTES + len;
    }
    column->bytes.len += bytes;
}

void parquet_column_add_texts(struct parquet_column *column, const struct str *texts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += TEXT_LEN_BYTES + texts[i].len;
    column->plain_len += bytes;
    if (column->mode == PARQUET_PLAIN) {
        add_plain_texts(column, texts, count, bytes);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        bool new;
        size_t len;
        uint16_t index =
            parquet_dictionary_put(&column->dictionary, texts[i].data, texts[i].len, &new);
        add_index(column, index);
        if (new) { /* from the copy, behind which more can be read */
            const unsigned char *value = parquet_dictionary_value(&column->dictionary, index, &len);
            parquet_statistics_text(&column->statistics, value + TEXT_LEN_BYTES,
                                    len - TEXT_LEN_BYTES);
        }
    }
}

void parquet_column_add_booleans(struct parquet_column *column, const int64_t *numbers,
                                 size_t count)
{
    size_t first = column->page_values, bytes = (first + count + 7) / 8;
    size_t had = (first + 7) / 8, added = bytes - had;
    memset(plain_room(column, added), 0, added);
    column->bytes.len += added;
    column->plain_len += added;
    unsigned char *bits = column->bytes.data + PARQUET_LEVELS_ROOM;
    for (size_t i = first; i < first + count; i++)
        bits[i / 8] = (unsigned char)(bits[i / 8] | (numbers[i - first] != 0) << i % 8);
    parquet_statistics_numbers(&column->statistics, numbers, count);
}

/* Nulls before the chunk's first value are only counted: whether it has a dictionary is not known.
 */
static size_t leading_nulls(const struct parquet_column *column, uint64_t present, size_t rows)
{
    if (column->mode == PARQUET_PLAIN || column->values > 0)
        return 0;
    return present ? (size_t)__builtin_ctzll(present) : rows;
}

static void add_present(struct parquet_column *column, uint64_t present, size_t rows)
{
    size_t word = column->rows / 64, bit = column->rows % 64;
    if (!column->present)
        column->present = xmalloc((PARQUET_PAGE_ROWS / 64 + 3) * sizeof(*column->present));
    if (bit == 0)
        column->present[word] = 0;
    column->present[word] |= present << bit;
    if (bit > 0)
        column->present[word + 1] = present >> (64 - bit);
    column->rows += rows;
}

static bool page_is_full(const struct parquet_column *column, const struct parquet_scratch *scratch)
{
    size_t sample = scratch->page_bytes / 2 < PARQUET_SAMPLE_VALUES ? scratch->page_bytes / 2
                                                                    : PARQUET_SAMPLE_VALUES;
    if (column->rows >= PARQUET_PAGE_ROWS)
        return true;
    if (column->mode == PARQUET_PLAIN)
        return column->plain_len >= scratch->page_bytes;
    if (column->mode == PARQUET_DICTIONARY)
        return column->indices.len >= scratch->page_bytes;
    return column->page_values >= sample || column->plain_len >= scratch->page_bytes;
}

static bool block_ends(struct parquet_column *column, const struct parquet_scratch *scratch)
{
    bool long_texts = column->text_bytes >= scratch->page_bytes;
    if (long_texts)
        column->text_bytes = 0;
    return long_texts || parquet_column_rows(column) % PARQUET_BLOCK_ROWS == 0;
}

void parquet_column_add_rows(struct parquet_column *column, uint64_t present, size_t rows,
                             struct parquet_scratch *scratch)
{
    size_t values = (size_t)__builtin_popcountll(present);
    size_t leading = leading_nulls(column, present, rows);
    column->nulls += rows - values;
    column->values += values;
    column->leading_nulls += leading;
    column->page_values += values;
    if (leading < rows)
        add_present(column, present >> leading, rows - leading);
    if (block_ends(column, scratch) && page_is_full(column, scratch))
        parquet_page_finish(column, scratch);
}

void parquet_column_end_chunk(struct parquet_column *column, struct parquet_scratch *scratch)
{
    parquet_page_finish(column, scratch);
    if (column->dictionary.count > 0)
        parquet_page_of_dictionary(column, scratch);
    parquet_dictionary_done(&column->dictionary); /* before the other columns make their pages */
}

void parquet_scratch_done(struct parquet_scratch *scratch)
{
    byte_buffer_done(&scratch->indices);
    byte_buffer_done(&scratch->compressed);
    byte_buffer_done(&scratch->header);
    arena_done(&scratch->texts);
}
