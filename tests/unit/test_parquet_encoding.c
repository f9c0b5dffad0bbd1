/* The encodings that a Parquet file is made of, against bytes that follow from their
 * specifications, and against decoders that are written here. */
#include "cmocka_all.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "record/bit_runs.h"
#include "record/parquet_dictionary.h"
#include "record/snappy.h"
#include "record/thrift.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20200823;

static uint64_t chance(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

static void assert_bytes(const struct byte_buffer *buffer, const char *hex)
{
    char text[512] = "";
    assert_true(buffer->len < sizeof(text) / 2);
    for (size_t i = 0; i < buffer->len; i++)
        snprintf(text + 2 * i, 3, "%02x", buffer->data[i]);
    assert_string_equal(text, hex);
}

/* --- Thrift's compact protocol --- */

static void fields_have_their_distance_and_type(void **state)
{
    (void)state;
    _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
    struct thrift thrift = {.out = &out};
    thrift_i32(&thrift, 1, 1);
    thrift_i64(&thrift, 2, -1);
    thrift_bool(&thrift, 3, true);
    thrift_bool(&thrift, 5, false);
    thrift_binary(&thrift, 6, STR("ab"));
    thrift_i32(&thrift, 21, INT32_MIN); /* 15 further: still short */
    thrift_i32(&thrift, 37, 64);        /* 16 further: the id itself, as a zigzag number */
    thrift_binary(&thrift, 38, STR(""));
    thrift_end(&thrift);
    assert_bytes(&out, "1502"
                       "1601"
                       "11"
                       "22"
                       "18026162"
                       "f5ffffffff0f"
                       "054a8001"
                       "1800"
                       "00");
}

static void structs_count_their_own_fields(void **state)
{
    (void)state;
    _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
    struct thrift thrift = {.out = &out};
    thrift_i32(&thrift, 3, 0);
    thrift_struct(&thrift, 5);
    thrift_i32(&thrift, 1, 7);
    thrift_struct(&thrift, 2);
    thrift_end(&thrift);
    thrift_end(&thrift);
    thrift_i64(&thrift, 6, INT64_MAX);
    thrift_end(&thrift);
    assert_bytes(&out, "3500"
                       "2c150e1c0000"
                       "16feffffffffffffffff01"
                       "00");
}

static void lists_have_type_and_count(void **state)
{
    (void)state;
    _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
    struct thrift thrift = {.out = &out};
    thrift_list(&thrift, 1, THRIFT_I32, 3);
    for (int i = 0; i < 3; i++)
        thrift_i32(&thrift, 0, i);
    thrift_list(&thrift, 2, THRIFT_BINARY, 15);
    for (int i = 0; i < 15; i++)
        thrift_binary(&thrift, 0, STR(""));
    thrift_list(&thrift, 3, THRIFT_STRUCT, 1);
    thrift_struct(&thrift, 0);
    thrift_i32(&thrift, 1, 1);
    thrift_end(&thrift);
    thrift_end(&thrift);
    assert_bytes(&out, "1935000204"
                       "19f80f000000000000000000000000000000"
                       "191c150200"
                       "00");
}

/* --- runs --- */

/* The specification's own example: the numbers 0 to 7 in three bits each. */
static void groups_of_eight_are_packed_from_the_lowest_bit(void **state)
{
    (void)state;
    static const uint16_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7};
    _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
    bit_runs_encode(numbers, 8, 3, &out);
    assert_bytes(&out, "0388c6fa");
}

static void equal_numbers_are_one_run(void **state)
{
    (void)state;
    uint16_t numbers[100];
    _cleanup_(byte_buffer_done) struct byte_buffer narrow = {0}, wide = {0};
    for (size_t i = 0; i < 100; i++)
        numbers[i] = 5;
    bit_runs_encode(numbers, 100, 3, &narrow);
    assert_bytes(&narrow, "c80105");
    for (size_t i = 0; i < 16; i++)
        numbers[i] = 300;
    bit_runs_encode(numbers, 16, 9, &wide);
    assert_bytes(&wide, "202c01");
}

/* Only the last group of a chunk may be filled up, so the run gives five of its numbers away. */
static void a_run_completes_the_group_before_it(void **state)
{
    (void)state;
    uint16_t numbers[3 + 5 + 20] = {1, 2, 3};
    _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
    for (size_t i = 3; i < 28; i++)
        numbers[i] = 7;
    bit_runs_encode(numbers, 28, 3, &out);
    assert_bytes(&out, "03d1feff"
                       "2807");
}

static uint64_t read_varint(const unsigned char **at)
{
    uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char byte = *(*at)++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return number;
    }
}

static unsigned read_bits(const unsigned char *from, size_t bit, unsigned width)
{
    unsigned number = 0;
    for (unsigned i = 0; i < width; i++, bit++)
        number |= (unsigned)(from[bit / 8] >> bit % 8 & 1) << i;
    return number;
}

/* Returns how many numbers there are, those that fill the last group up included. */
static size_t decode_runs(const struct byte_buffer *in, unsigned width, uint16_t *numbers)
{
    size_t count = 0;
    if (in->len == 0) /* there may be no bytes then */
        return 0;
    const unsigned char *at = in->data, *end = in->data + in->len;
    while (at < end) {
        uint64_t head = read_varint(&at);
        if (head & 1) {
            for (size_t i = 0; i < (head >> 1) * 8; i++)
                numbers[count++] = (uint16_t)read_bits(at, i * width, width);
            at += (head >> 1) * width;
        } else {
            unsigned number = read_bits(at, 0, width > 8 ? 16 : 8);
            for (size_t i = 0; i < head >> 1; i++)
                numbers[count++] = (uint16_t)number;
            at += width > 8 ? 2 : 1;
        }
    }
    assert_ptr_equal(at, end);
    return count;
}

static void runs_read_back(void **state)
{
    (void)state;
    enum { MAX = 3000 };
    static uint16_t numbers[MAX], read[MAX + 8];
    for (int round = 0; round < 2000; round++) {
        _cleanup_(byte_buffer_done) struct byte_buffer out = {0};
        unsigned width = 1 + (unsigned)chance(BIT_RUNS_WIDTH_MAX);
        size_t count = chance(round < 1000 ? 70 : MAX);
        uint64_t stay = chance(3) * 20 + 1;
        for (size_t i = 0; i < count; i++)
            numbers[i] =
                i > 0 && chance(stay) > 0 ? numbers[i - 1] : (uint16_t)chance((uint64_t)1 << width);
        bit_runs_encode(numbers, count, width, &out);
        assert_true(out.len <= bit_runs_bound(count, width));
        size_t found = decode_runs(&out, width, read);
        assert_in_range(found, count, count + 7);
        assert_memory_equal(read, numbers, count * sizeof(*numbers));
    }
}

static void levels_are_one_run_or_packed(void **state)
{
    (void)state;
    unsigned char out[BIT_RUNS_LEVELS_BOUND(200)];
    const uint64_t words[] = {0x5, 0, 0, 0}, all[] = {UINT64_MAX, UINT64_MAX};
    assert_int_equal(bit_runs_levels(words, 3, 2, out), 2);
    assert_memory_equal(out, "\x03\x05", 2);
    assert_int_equal(bit_runs_levels(all, 100, 100, out), 3);
    assert_memory_equal(out, "\xc8\x01\x01", 3);
    assert_int_equal(bit_runs_levels(NULL, 200, 0, out), 3);
    assert_memory_equal(out, "\x90\x03\x00", 3);
    assert_int_equal(bit_runs_levels(words, 70, 2, out), 1 + 9);
    assert_memory_equal(out, "\x13\x05\0\0\0\0\0\0\0\0", 10);
}

static void an_index_has_at_least_one_bit(void **state)
{
    (void)state;
    assert_int_equal(bit_runs_width(1), 1);
    assert_int_equal(bit_runs_width(2), 1);
    assert_int_equal(bit_runs_width(3), 2);
    assert_int_equal(bit_runs_width(256), 8);
    assert_int_equal(bit_runs_width(257), 9);
    assert_int_equal(bit_runs_width(65535), 16);
}

/* --- Snappy --- */

/* A decoder after the format's description; -1: not in the format. */
static long unsnap(const unsigned char *at, const unsigned char *end, unsigned char *out)
{
    uint64_t total = read_varint(&at);
    size_t done = 0;
    while (at < end) {
        unsigned tag = *at++;
        size_t len = tag >> 2, distance = 0;
        if ((tag & 3) == 0) {
            unsigned more = len >= 60 ? (unsigned)len - 59 : 0;
            if (more > 0)
                len = read_bits(at, 0, 8 * more);
            at += more;
            memcpy(out + done, at, len + 1);
            at += len + 1;
            done += len + 1;
            continue;
        }
        if ((tag & 3) == 1) {
            distance = (size_t)(tag >> 5) << 8 | *at++;
            len = (len & 7) + 4;
        } else if ((tag & 3) == 2) {
            distance = read_bits(at, 0, 16);
            at += 2;
            len++;
        }
        if (distance == 0 || distance > done)
            return -1;
        for (; len > 0; len--, done++)
            out[done] = out[done - distance];
    }
    return at == end && done == total ? (long)done : -1;
}

/* In and out have exactly as many bytes as promised, so that sanitizers see each byte too many. */
static size_t assert_compresses(const unsigned char *text, size_t len)
{
    unsigned char *in = xmalloc(len), *out = xmalloc(snappy_bound(len)), *back = xmalloc(len + 64);
    if (len > 0)
        memcpy(in, text, len);
    size_t compressed = snappy_compress(in, len, out);
    assert_true(compressed <= snappy_bound(len));
    assert_int_equal(unsnap(out, out + compressed, back), len);
    assert_memory_equal(back, in, len);
    free(in);
    free(out);
    free(back);
    return compressed;
}

static void short_texts_are_literals(void **state)
{
    (void)state;
    unsigned char out[64];
    assert_int_equal(snappy_compress((const unsigned char *)"", 0, out), 1);
    assert_memory_equal(out, "\0", 1);
    assert_int_equal(snappy_compress((const unsigned char *)"abc", 3, out), 5);
    assert_memory_equal(out,
                        "\x03\x08"
                        "abc",
                        5);
}

static void what_repeats_gets_small(void **state)
{
    (void)state;
    enum { LEN = 200000 };
    unsigned char *text = xcalloc(1, LEN);
    assert_true(assert_compresses(text, LEN) < LEN / 20);
    for (size_t i = 0; i < LEN; i++)
        text[i] = (unsigned char)"2026-03-01T08:12:03.000Z"[i % 24];
    assert_true(assert_compresses(text, LEN) < LEN / 20);
    free(text);
}

static void texts_read_back(void **state)
{
    (void)state;
    enum { MAX = 150000 };
    unsigned char *text = xmalloc(MAX);
    for (int round = 0; round < 600; round++) {
        size_t len = chance(round % 20 == 0 ? MAX : round % 2 == 0 ? 70 : 4000);
        uint64_t letters = 1 + chance(round % 3 == 0 ? 256 : 4), copied = chance(3) * 40;
        for (size_t i = 0; i < len;) {
            size_t from = i > 0 ? chance(i) : 0, run = chance(90);
            if (i > 0 && chance(100) < copied)
                for (; run > 0 && i < len; run--)
                    text[i++] = text[from++];
            else
                text[i++] = (unsigned char)chance(letters);
        }
        assert_compresses(text, len);
    }
    free(text);
}

/* --- the dictionary --- */

static void each_value_is_there_once(void **state)
{
    (void)state;
    struct parquet_dictionary dictionary = {0};
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < 20000; i++) {
            char text[32];
            bool new;
            int len = snprintf(text, sizeof(text), "%.*s%d", i % 11, "abcdefghijk", i);
            uint16_t index = parquet_dictionary_put(&dictionary, text, (size_t)len, &new);
            assert_int_equal(index, i);
            assert_int_equal(new, round == 0);
        }
    size_t len;
    const unsigned char *value = parquet_dictionary_value(&dictionary, 25, &len);
    assert_int_equal(len, 4 + 5);
    assert_memory_equal(value, "\x05\0\0\0abc25", 9);
    assert_int_equal(dictionary.count, 20000);
    parquet_dictionary_done(&dictionary);
    assert_int_equal(dictionary.count, 0);
}

static void empty_and_fixed_values_have_their_place(void **state)
{
    (void)state;
    bool new;
    struct parquet_dictionary texts = {0}, numbers = {.width = 8};
    const uint64_t zero = 0, one = 1;
    assert_int_equal(parquet_dictionary_put(&texts, "", 0, &new), 0);
    assert_int_equal(parquet_dictionary_put(&texts, "\0", 1, &new), 1);
    assert_int_equal(parquet_dictionary_put(&texts, "", 0, &new), 0);
    assert_int_equal(parquet_dictionary_put(&numbers, &zero, 8, &new), 0);
    assert_int_equal(parquet_dictionary_put(&numbers, &one, 8, &new), 1);
    assert_int_equal(parquet_dictionary_put(&numbers, &zero, 8, &new), 0);
    assert_int_equal(numbers.values.len, 16);
    parquet_dictionary_done(&texts);
    parquet_dictionary_done(&numbers);
}

/* The hash of eight bytes, as parquet_dictionary.c has it. */
static uint64_t hash_of_eight(uint64_t value)
{
    unsigned __int128 product = (unsigned __int128)(9 ^ value) * 0x9e3779b97f4a7c15U;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* They are all looked for from the same slot on. */
static void values_that_collide_cost_a_bounded_search(void **state)
{
    (void)state;
    enum { VALUES = 2 * PARQUET_PROBES_MAX };
    struct parquet_dictionary dictionary = {.width = 8};
    uint64_t values[VALUES], next = 0;
    bool new;
    for (size_t i = 0; i < VALUES; next++)
        if ((hash_of_eight(next) & 0xfff) == 0)
            values[i++] = next;
    for (size_t i = 0; i < VALUES; i++)
        assert_int_equal(parquet_dictionary_put(&dictionary, &values[i], 8, &new), i);
    for (size_t i = 0; i < VALUES; i++) {
        size_t len;
        uint16_t index = parquet_dictionary_put(&dictionary, &values[i], 8, &new);
        assert_int_equal(new, i >= PARQUET_PROBES_MAX);
        assert_memory_equal(parquet_dictionary_value(&dictionary, index, &len), &values[i], 8);
    }
    assert_int_equal(dictionary.count, VALUES + PARQUET_PROBES_MAX);
    parquet_dictionary_done(&dictionary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_their_distance_and_type),
        cmocka_unit_test(structs_count_their_own_fields),
        cmocka_unit_test(lists_have_type_and_count),
        cmocka_unit_test(groups_of_eight_are_packed_from_the_lowest_bit),
        cmocka_unit_test(equal_numbers_are_one_run),
        cmocka_unit_test(a_run_completes_the_group_before_it),
        cmocka_unit_test(runs_read_back),
        cmocka_unit_test(levels_are_one_run_or_packed),
        cmocka_unit_test(an_index_has_at_least_one_bit),
        cmocka_unit_test(short_texts_are_literals),
        cmocka_unit_test(what_repeats_gets_small),
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(each_value_is_there_once),
        cmocka_unit_test(empty_and_fixed_values_have_their_place),
        cmocka_unit_test(values_that_collide_cost_a_bounded_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
