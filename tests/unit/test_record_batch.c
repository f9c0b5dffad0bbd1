/* Batches, values as text, windows, and gzip. */
#include "cmocka_all.h"

#include "record/batch.h"
#include "record/gzip_in.h"
#include "record/print.h"
#include "record/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

static void columns_added_late_are_null(void **state)
{
    (void)state;
    struct record_batch batch;
    record_batch_init(&batch, 4);
    record_batch_add_column(&batch, STR("a"));
    batch.columns[0].cells[0] = (struct record_cell){.number = 7, .kind = RECORD_INTEGER};
    batch.rows = 3;
    record_batch_add_column(&batch, STR("b"));
    for (size_t row = 0; row < batch.rows; row++)
        assert_int_equal(batch.columns[1].cells[row].kind, RECORD_NULL);
    assert_int_equal(batch.columns[0].cells[0].number, 7);
    assert_int_equal(record_batch_find(&batch, STR("b")), 1);
    assert_int_equal(record_batch_find(&batch, STR("c")), 2);
    record_batch_done(&batch);
}

/* However many columns there are, and whenever they are added, cells and rows stay within the
 * limits. */
static void cells_are_bounded(void **state)
{
    (void)state;
    struct record_batch batch;
    char name[16];
    record_batch_init(&batch, RECORD_ROWS_MAX);
    for (int i = 0; i < RECORD_COLUMNS_MAX; i++) {
        assert_true(record_batch_can_widen(&batch));
        snprintf(name, sizeof(name), "c%d", i);
        record_batch_add_column(&batch, str_from(name));
        assert_true(batch.rows_max * batch.column_count <= RECORD_CELLS_MAX);
    }
    record_batch_clear(&batch);
    assert_true(batch.cell_count <= RECORD_CELLS_MAX);
    for (size_t i = 0; i < batch.column_count; i++)
        assert_true(batch.columns[i].capacity >= batch.rows_max);
    record_batch_done(&batch);

    record_batch_init(&batch, RECORD_ROWS_MAX);
    batch.rows = RECORD_ROWS_MAX / 2;
    for (int i = 0; record_batch_can_widen(&batch); i++) {
        snprintf(name, sizeof(name), "c%d", i);
        record_batch_add_column(&batch, str_from(name));
        assert_true(record_batch_has_room(&batch));
        assert_true(batch.columns[i].capacity > batch.rows);
    }
    assert_int_equal(batch.column_count, 127);
    record_batch_done(&batch);
}

static void kept_rows(void **state)
{
    (void)state;
    static const uint32_t kept[] = {0, 2, 3};
    struct record_batch batch;
    record_batch_init(&batch, 4);
    record_batch_add_column(&batch, STR("a"));
    for (int i = 0; i < 4; i++) {
        batch.columns[0].cells[i] = (struct record_cell){.number = i, .kind = RECORD_INTEGER};
        batch.places[i] = (struct record_place){.position = (uint64_t)i + 10};
    }
    batch.rows = 4;
    record_batch_keep(&batch, kept, 3);
    assert_int_equal(batch.rows, 3);
    assert_int_equal(batch.columns[0].cells[1].number, 2);
    assert_int_equal(batch.places[2].position, 13);
    record_batch_done(&batch);
}

static void assert_printed(struct record_cell cell, const char *expected)
{
    char space[RECORD_PRINT_MAX];
    struct arena arena = {.kind = ARENA_PLAIN};
    struct str text = record_print(&cell, space, &arena);
    if (!str_eq(text, str_from(expected)))
        fail_msg("%.*s instead of %s", STR_ARG(text), expected);
    arena_done(&arena);
}

static void integers_printed(void **state)
{
    (void)state;
    char space[RECORD_PRINT_MAX], expected[32];
    uint64_t seed = 1;
    for (int i = 0; i < 100 * 1000; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        int64_t number = (int64_t)seed >> (seed % 63);
        size_t len = record_print_integer(number, space);
        snprintf(expected, sizeof(expected), "%lld", (long long)number);
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(space, expected, len);
    }
    assert_printed((struct record_cell){.number = INT64_MIN, .kind = RECORD_INTEGER},
                   "-9223372036854775808");
    assert_printed((struct record_cell){.number = 0, .kind = RECORD_INTEGER}, "0");
}

/* Against the C library's calendar. */
static void times_printed(void **state)
{
    (void)state;
    char expected[64];
    for (int64_t day = -719162; day < 2932896; day += 37) { /* the years 1 to 9999 */
        time_t seconds = day * 86400;
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday);
        assert_printed((struct record_cell){.number = day, .kind = RECORD_DATE}, expected);
    }
    assert_printed((struct record_cell){.number = 1772352723045000,
                                        .kind = RECORD_TIMESTAMP,
                                        .flags = RECORD_HAD_ZONE},
                   "2026-03-01T08:12:03.045Z");
    assert_printed((struct record_cell){.number = 1772352723000001, .kind = RECORD_TIMESTAMP},
                   "2026-03-01T08:12:03.000001");
    assert_printed((struct record_cell){.number = -1, .kind = RECORD_TIMESTAMP},
                   "1969-12-31T23:59:59.999999");
    assert_printed((struct record_cell){.number = INT64_MIN, .kind = RECORD_TIMESTAMP},
                   "-290308-12-21T19:59:05.224192");
    assert_printed((struct record_cell){.number = INT32_MAX, .kind = RECORD_DATE}, "5881580-07-11");
}

static void window_grows_for_long_records(void **state)
{
    (void)state;
    struct record_window window;
    size_t room, added = 0;
    record_window_init(&window);
    for (;;) {
        char *space = record_window_space(&window, &room);
        if (room == 0)
            break;
        memset(space, 'x', room);
        record_window_add(&window, room);
        added += room;
    }
    assert_int_equal(added, RECORD_WINDOW_MAX);
    record_window_use(&window, added - 1);
    char *space = record_window_space(&window, &room);
    assert_int_equal(room, RECORD_WINDOW_MAX - 1);
    assert_int_equal(space[-1], 'x');
    assert_int_equal(record_window_text(&window).len, 1);
    record_window_done(&window);
}

enum { PLAIN_BYTES = 300 * 1000, PACKED_MAX = 400 * 1000 };

static char plain[PLAIN_BYTES];

static size_t gzip(struct str text, char *out)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (unsigned char *)(uintptr_t)text.data;
    stream.avail_in = (unsigned)text.len;
    stream.next_out = (unsigned char *)out;
    stream.avail_out = PACKED_MAX;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return PACKED_MAX - stream.avail_out;
}

/* Inflates in pieces. False: `error` says why not. */
static bool gunzip(struct gzip_in *in, struct str packed, size_t piece, size_t room,
                   size_t *ret_len, struct error *error)
{
    static char out[2 * PLAIN_BYTES + PACKED_MAX];
    *ret_len = 0;
    while (packed.len > 0) {
        size_t len = packed.len < piece ? packed.len : piece;
        struct str bytes = {packed.data, len};
        packed = (struct str){packed.data + len, packed.len - len};
        size_t given = room;
        while (bytes.len > 0 || given == room) {
            assert_true(*ret_len + room <= sizeof(out));
            if (!gzip_in_inflate(in, &bytes, out + *ret_len, room, &given, error))
                return false;
            *ret_len += given;
        }
    }
    if (!gzip_in_finish(in, error))
        return false;
    for (size_t at = 0; at < *ret_len; at += sizeof(plain))
        assert_memory_equal(out + at, plain, sizeof(plain));
    return true;
}

static void gzip_in_pieces(void **state)
{
    (void)state;
    static char packed[2 * PACKED_MAX];
    struct error error;
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (char)("record,"[i % 7] + (i % 991 == 0));
    size_t one = gzip((struct str){plain, sizeof(plain)}, packed), len;
    memcpy(packed + one, packed, one); /* two members */
    struct gzip_in *in = gzip_in_new(2 * PLAIN_BYTES);
    static const size_t pieces[] = {1, 13, 4096, sizeof(packed)};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        gzip_in_restart(in);
        assert_true(gunzip(in, (struct str){packed, one}, pieces[i], 1000, &len, &error));
        assert_int_equal(len, PLAIN_BYTES);
        gzip_in_restart(in);
        assert_true(gunzip(in, (struct str){packed, 2 * one}, pieces[i], 5000, &len, &error));
        assert_int_equal(len, 2 * PLAIN_BYTES);
        gzip_in_restart(in);
        assert_false(gunzip(in, (struct str){packed, one - 1}, pieces[i], 1000, &len, &error));
        assert_int_equal(error.code, ERR_VALIDATION);
        gzip_in_restart(in);
        packed[one / 2] ^= 0x55;
        assert_false(gunzip(in, (struct str){packed, one}, pieces[i], 1000, &len, &error));
        assert_int_equal(error.code, ERR_VALIDATION);
        packed[one / 2] ^= 0x55;
    }
    gzip_in_free(in);
    in = gzip_in_new(2 * PLAIN_BYTES - 1);
    assert_false(gunzip(in, (struct str){packed, 2 * one}, 4096, 1000, &len, &error));
    assert_int_equal(error.code, ERR_TOO_LARGE);
    gzip_in_restart(in);
    assert_false(gunzip(in, STR("{\"a\":1}"), 100, 1000, &len, &error));
    assert_int_equal(error.code, ERR_VALIDATION);
    gzip_in_restart(in);
    assert_false(gzip_in_finish(in, &error));
    gzip_in_free(in);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_added_late_are_null),
        cmocka_unit_test(cells_are_bounded),
        cmocka_unit_test(kept_rows),
        cmocka_unit_test(integers_printed),
        cmocka_unit_test(times_printed),
        cmocka_unit_test(window_grows_for_long_records),
        cmocka_unit_test(gzip_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
