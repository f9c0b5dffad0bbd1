/* Partition tasks: names of folders, folders of records, and which object each record goes to. */
#include "program_fixture.h"

#include "base/encode.h"
#include "flow/partition.h"
#include "flow/partition_router.h"
#include "flow/partition_rows.h"

/* --- names --- */

static struct str folder_of(struct setting *s, const char *name, struct record_cell cell)
{
    const struct str names[] = {str_from(name)};
    const struct record_cell *const cells[] = {&cell};
    struct str folder = STR_NULL;
    return partition_folder(names, cells, 1, STR_NULL, &s->arena, &folder) ? folder : STR_NULL;
}

static void values_are_names_of_folders(void **state)
{
    struct setting *s = *state;
    static const struct {
        const char *name, *value, *folder;
    } folders[] = {
        {"Country", "'DE'", "Country=DE/"},
        {"Account Rating", "'Warm'", "Account Rating=Warm/"},
        {"a", "null", "a=null/"},
        {"a", "'null'", "a=null/"},
        {"a", "''", "a=/"},
        {"a", "'..'", "a=../"},
        {"a", "'x/../../y'", "a=x%2F..%2F..%2Fy/"},
        {"a", "'\\\\'", "a=%5C%5C/"},
        {"a", "'1=2'", "a=1%3D2/"},
        {"a", "'50%'", "a=50%25/"},
        {"a", "'x?y=1'", "a=x%3Fy%3D1/"},
        {"a", "'\t\n\x7f'", "a=%09%0A%7F/"},
        {"a", "' x '", "a= x /"},
        {"a", "'J\xc3\xbcrgen \xf0\x9f\x98\x80'", "a=J\xc3\xbcrgen \xf0\x9f\x98\x80/"},
        {"a/b=c", "'x'", "a%2Fb%3Dc=x/"},
        {"a", "-12", "a=-12/"},
        {"a", "1.50", "a=1.50/"},
        {"a", "true", "a=true/"},
        {"a", "@5", "a=1970-01-01T00:00:05.000Z/"},
        {"a", "#5", "a=1970-01-06/"},
    };
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        struct str folder = folder_of(s, folders[i].name, cell_from(s, str_from(folders[i].value)));
        if (!str_eq(folder, str_from(folders[i].folder)))
            fail_msg("%s is %.*s", folders[i].folder, STR_ARG(folder));
    }
    struct record_cell bytes = {.kind = RECORD_BYTES, .text = "\0\xff\xff", .len = 3};
    assert_true(str_eq(folder_of(s, "a", bytes), STR("a=AP%2F%2F/")));
    struct record_cell nested = {.kind = RECORD_NESTED, .text = "{\"a/b\":\"\\n\"}", .len = 12};
    assert_true(str_eq(folder_of(s, "a", nested), STR("a={\"a%2Fb\":\"%5Cn\"}/")));
}

/* Whatever the value is: the folder is two parts and one '/', and says what the value was. */
static void no_value_makes_folders_of_its_own(void **state)
{
    struct setting *s = *state;
    for (int byte = 0; byte <= INT8_MAX; byte++) {
        const char text[] = {'x', (char)byte, 'y'};
        struct record_cell cell = {.kind = RECORD_TEXT, .text = text, .len = sizeof(text)};
        struct str folder = folder_of(s, "a", cell), name, value, back;
        assert_true(str_cut(folder, '=', &name, &value) && str_eq(name, STR("a")));
        assert_true(str_ends(value, STR("/")));
        value.len--;
        for (size_t i = 0; i < value.len; i++)
            assert_true(value.data[i] >= ' ' && value.data[i] != '/' && value.data[i] != '\\' &&
                        value.data[i] != 0x7f);
        assert_true(decode_percent(&s->arena, value, &back));
        assert_true(str_eq(back, record_cell_text(&cell)));
    }
}

static void a_folder_has_a_longest_name(void **state)
{
    struct setting *s = *state;
    char text[PARTITION_FOLDER_MAX];
    memset(text, 'x', sizeof(text));
    struct record_cell cell = {.kind = RECORD_TEXT, .text = text, .len = sizeof(text) - 3};
    assert_int_equal(folder_of(s, "a", cell).len, PARTITION_FOLDER_MAX);
    cell.len++;
    assert_null(folder_of(s, "a", cell).data);
    memset(text, '/', sizeof(text));
    cell.len = (PARTITION_FOLDER_MAX - 3) / 3;
    assert_int_equal(folder_of(s, "a", cell).len, 3 + 3 * cell.len);
    cell.len++;
    assert_null(folder_of(s, "a", cell).data);
}

static void a_folder_like_the_last_is_the_same_text(void **state)
{
    struct setting *s = *state;
    const struct str names[] = {STR("a"), STR("b")};
    struct record_cell x = cell_of_text(STR("x")), y = cell_of_text(STR("y"));
    const struct record_cell *const first[] = {&x, &y}, *const second[] = {&y, &x};
    struct str a, b, c;
    assert_true(partition_folder(names, first, 2, STR_NULL, &s->arena, &a));
    assert_true(str_eq(a, STR("a=x/b=y/")));
    assert_true(partition_folder(names, first, 2, a, &s->arena, &b));
    assert_ptr_equal(a.data, b.data);
    assert_true(partition_folder(names, second, 2, a, &s->arena, &c));
    assert_true(str_eq(c, STR("a=y/b=x/")));
}

/* --- programs --- */

#define PARTITION(keys)                                                                            \
    "{`taskType`:`Partition`,`sourceFields`:[],`taskProperties`:{`ORDERED_PARTITION_KEYS_LIST`:"   \
    "`" keys "`}}"

static void assert_folders(const struct setting *s, const char *expected)
{
    struct str rest = str_from(expected), folder;
    size_t row = 0;
    assert_non_null(s->result.folders);
    while (str_cut(rest, '|', &folder, &rest)) {
        assert_true(row < s->result.output.rows);
        if (!str_eq(folder, s->result.folders[row]))
            fail_msg("row %zu: %.*s", row, STR_ARG(s->result.folders[row]));
        row++;
    }
    assert_int_equal(row, s->result.output.rows);
}

static void records_have_the_folders_of_their_output(void **state)
{
    struct setting *s = *state;
    add(s, "c='DE';n=1;t='x'");
    add(s, "c='DE';n=2;t='y'");
    add(s, "c=null;n=1;t='x'");
    run(s, "[" MAP("c", "Country") "," MAP("n", "N") "," PARTITION("[\\`N\\`,\\`Country\\`]") "]");
    assert_folders(s, "N=1/Country=DE/|N=2/Country=DE/|N=1/Country=null/|");
    assert_output(s, "Country=DE; N=1 | Country=DE; N=2 | Country=null; N=1");
    run(s, "[" ALL "," MAP("c", "Country") "," PARTITION("t,Country,gone") "]");
    assert_folders(s, "t=x/Country=DE/gone=null/|t=y/Country=DE/gone=null/|"
                      "t=x/Country=null/gone=null/|");
    run(s, "[" ALL "]");
    assert_null(s->result.folders);
}

static void folders_go_by_what_is_written(void **state)
{
    struct setting *s = *state;
    add(s, "c='2026-03-01T08:00:00Z';m='secret';k=1");
    add(s, "c='x';m='secret';k=2");
    add(s, "c='2026-03-02T08:00:00Z';m='secret';k=3");
    run(s, "[{`taskType`:`Map`,`sourceFields`:[`c`],`destinationField`:`Day`,`taskProperties`:{"
           "`DESTINATION_DATA_TYPE`:`date`}}," MAP("m", "M") "," CHANGE(
               "Mask", "m", "MASK_ALL", "") "," PARTITION("Day,M") "]");
    assert_folders(s, "Day=2026-03-01/M=*****/|Day=2026-03-02/M=*****/|");
    assert_int_equal(s->result.reject_count, 1);
}

static void a_record_with_a_folder_too_long_is_rejected(void **state)
{
    struct setting *s = *state;
    char record[PARTITION_FOLDER_MAX + 16];
    add(s, "a='x';b=1");
    memset(record, 'y', sizeof(record));
    memcpy(record, "b=2;a='", 7);
    memcpy(record + sizeof(record) - 2, "'", 2);
    add(s, record);
    add(s, "a='z';b=3");
    run(s, "[" ALL "," PARTITION("a") "]");
    assert_folders(s, "a=x/|a=z/|");
    assert_output(s, "a=x; b=1 | a=z; b=3");
    assert_int_equal(s->result.reject_count, 1);
    assert_int_equal(s->result.rejects[0].task, 2);
    assert_int_equal(s->result.rejects[0].why, FLOW_REJECT_TOO_LONG);
    assert_false(make(s, "[" ALL "," PARTITION("a,b,c,d,e,f,g,h,i,j,k") "]"));
}

/* --- objects --- */

enum { OBJECTS_MAX = 4096, HELD_PER_ROW = 1000 };

/* What was done to the objects of one router. */
struct objects {
    struct object {
        char folder[64];
        int rows[64]; /* the numbers of the records that it has */
        size_t count, held;
        bool is_open, is_dropped;
    } all[OBJECTS_MAX];
    size_t count, open, most_open;
    size_t row_bytes; /* that a record holds until the object's end */
    size_t ends_until_failure;
};

static bool begin_object(void *context, struct str folder, void **ret_object, struct error *error)
{
    struct objects *objects = context;
    (void)error;
    assert_true(objects->count < OBJECTS_MAX);
    struct object *object = &objects->all[objects->count++];
    assert_true(folder.len < sizeof(object->folder));
    memcpy(object->folder, folder.data, folder.len);
    object->is_open = true;
    if (++objects->open > objects->most_open)
        objects->most_open = objects->open;
    *ret_object = object;
    return true;
}

static bool write_object(void *context, void *to, const struct record_fields *fields,
                         const struct record_batch *part, struct error *error)
{
    struct objects *objects = context;
    struct object *object = to;
    (void)error;
    assert_true(object->is_open && part->rows > 0);
    assert_int_equal(fields->count, part->column_count);
    for (size_t row = 0; row < part->rows; row++) {
        size_t column = record_batch_find(part, STR("n"));
        assert_true(column < part->column_count);
        int number = (int)part->columns[column].cells[row].number;
        assert_int_equal(part->places[row].position, number);
        if (object->count < sizeof(object->rows) / sizeof(*object->rows))
            object->rows[object->count] = number;
        object->count++;
        object->held += objects->row_bytes;
    }
    return true;
}

static bool end_object(void *context, void *ended, struct error *error)
{
    struct objects *objects = context;
    struct object *object = ended;
    assert_true(object->is_open);
    if (objects->ends_until_failure-- == 0)
        return fail(error, ERR_UNAVAILABLE, "The bucket is gone.");
    object->is_open = false;
    objects->open--;
    return true;
}

static void drop_object(void *context, void *dropped)
{
    struct objects *objects = context;
    struct object *object = dropped;
    assert_true(object->is_open);
    object->is_open = false;
    object->is_dropped = true;
    objects->open--;
}

static size_t held_by_object(void *context, const void *object)
{
    (void)context;
    return ((const struct object *)object)->held;
}

static const struct partition_ops object_ops = {
    .begin = begin_object,
    .write = write_object,
    .end = end_object,
    .drop = drop_object,
    .held = held_by_object,
};

static struct objects *objects_new(size_t row_bytes)
{
    struct objects *objects = calloc(1, sizeof(*objects));
    assert_non_null(objects);
    objects->row_bytes = row_bytes;
    objects->ends_until_failure = SIZE_MAX;
    return objects;
}

/* A batch of records numbered from `first` on, whose folder is that of their number's `folder_of`.
 */
static void fill(struct setting *s, int first, size_t count, int (*number_to_folder)(int))
{
    record_batch_clear(&s->batch);
    for (size_t i = 0; i < count; i++) {
        char record[64];
        int number = first + (int)i;
        snprintf(record, sizeof(record), "n=%d;k=%d", number, number_to_folder(number));
        add(s, record);
        s->batch.places[i].position = (uint64_t)number;
    }
    assert_true(flow_program_run(s->program, &s->batch, &s->result, &s->error));
}

static int by_three(int number)
{
    return number % 3;
}

static void rows_are_grouped_by_folder(void **state)
{
    struct setting *s = *state;
    struct objects *objects = objects_new(1);
    struct partition_router *router =
        partition_router_new(&object_ops, objects, PARTITIONS_OPEN_MAX);
    assert_true(make(s, "[" ALL "," PARTITION("k") "]"));
    for (int first = 0; first < 20; first += 10) {
        fill(s, first, 10, by_three);
        assert_true(partition_router_write(router, &s->result, &s->error));
    }
    assert_int_equal(objects->count, 3);
    assert_true(partition_router_end(router, &s->error));
    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];
        char folder[8];
        snprintf(folder, sizeof(folder), "k=%zu/", i);
        assert_string_equal(object->folder, folder);
        assert_false(object->is_open || object->is_dropped);
        for (size_t row = 0; row < object->count; row++)
            assert_int_equal(object->rows[row], (int)(i + 3 * row));
    }
    assert_int_equal(objects->all[0].count + objects->all[1].count + objects->all[2].count, 20);
    fill(s, 20, 1, by_three); /* after a checkpoint: another object of the folder */
    assert_true(partition_router_write(router, &s->result, &s->error));
    assert_int_equal(objects->count, 4);
    assert_string_equal(objects->all[3].folder, "k=2/");
    partition_router_free(router);
    assert_true(objects->all[3].is_dropped);
    free(objects);
}

static int each_its_own(int number)
{
    return number;
}

static void so_many_objects_are_open_at_once(void **state)
{
    struct setting *s = *state;
    struct objects *objects = objects_new(1);
    struct partition_router *router =
        partition_router_new(&object_ops, objects, PARTITIONS_OPEN_MAX);
    assert_true(make(s, "[" ALL "," PARTITION("k") "]"));
    for (int first = 0; first < 300; first += 50) {
        fill(s, first, 50, each_its_own);
        assert_true(partition_router_write(router, &s->result, &s->error));
    }
    assert_int_equal(objects->count, 300);
    assert_int_equal(objects->most_open, PARTITIONS_OPEN_MAX);
    for (size_t i = 0; i < objects->count; i++)
        assert_true(objects->all[i].is_open == (i >= 300 - PARTITIONS_OPEN_MAX));
    assert_true(partition_router_end(router, &s->error));
    assert_int_equal(objects->open, 0);
    partition_router_free(router);
    free(objects);
}

/* Objects that hold much end sooner; the one at hand stays, although it alone holds too much. */
static void objects_hold_so_much_together(void **state)
{
    struct setting *s = *state;
    struct objects *objects = objects_new(PARTITIONS_BYTES_MAX / 4);
    struct partition_router *router =
        partition_router_new(&object_ops, objects, PARTITIONS_OPEN_MAX);
    assert_true(make(s, "[" ALL "," PARTITION("k") "]"));
    fill(s, 0, 10, each_its_own);
    assert_true(partition_router_write(router, &s->result, &s->error));
    assert_int_equal(objects->open, 4);
    objects->row_bytes = 2 * PARTITIONS_BYTES_MAX;
    fill(s, 10, 1, each_its_own);
    assert_true(partition_router_write(router, &s->result, &s->error));
    assert_int_equal(objects->open, 1);
    assert_true(objects->all[10].is_open);
    partition_router_free(router);
    free(objects);
}

static void a_failure_ends_the_routing(void **state)
{
    struct setting *s = *state;
    struct objects *objects = objects_new(PARTITIONS_BYTES_MAX / 2);
    struct partition_router *router =
        partition_router_new(&object_ops, objects, PARTITIONS_OPEN_MAX);
    objects->ends_until_failure = 3;
    assert_true(make(s, "[" ALL "," PARTITION("k") "]"));
    fill(s, 0, 10, each_its_own);
    assert_false(partition_router_write(router, &s->result, &s->error));
    assert_string_equal(s->error.message, "The bucket is gone.");
    partition_router_free(router);
    assert_int_equal(objects->open, 0);
    assert_true(objects->all[3].is_dropped);
    free(objects);
}

static int scattered(int number)
{
    uint32_t mixed = (uint32_t)number * 2654435761U;
    return (int)(mixed >> 24);
}

/* 256 folders, 3,200 records: each record is in one object, of its folder, in the order in which
 * it came. */
static void no_record_is_lost(void **state)
{
    enum { BATCHES = 50, ROWS = 64 };
    struct setting *s = *state;
    struct objects *objects = objects_new(PARTITIONS_BYTES_MAX / 100);
    struct partition_router *router =
        partition_router_new(&object_ops, objects, PARTITIONS_OPEN_MAX);
    bool *seen = calloc(BATCHES * ROWS, sizeof(*seen));
    assert_true(make(s, "[" ALL "," PARTITION("k") "]"));
    for (int batch = 0; batch < BATCHES; batch++) {
        fill(s, batch * ROWS, ROWS, scattered);
        assert_true(partition_router_write(router, &s->result, &s->error));
    }
    assert_true(partition_router_end(router, &s->error));
    size_t count = 0;
    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];
        assert_true(object->count <= sizeof(object->rows) / sizeof(*object->rows));
        for (size_t row = 0; row < object->count; row++, count++) {
            char folder[16];
            int number = object->rows[row];
            snprintf(folder, sizeof(folder), "k=%d/", scattered(number));
            assert_string_equal(object->folder, folder);
            assert_false(seen[number]);
            seen[number] = true;
            assert_true(row == 0 || object->rows[row - 1] < number);
        }
    }
    assert_int_equal(count, BATCHES * ROWS);
    assert_true(objects->most_open <= PARTITIONS_OPEN_MAX);
    partition_router_free(router);
    free(seen);
    free(objects);
}

/* More columns than a source may have: a batch of two folders is copied in pieces. */
static void wide_records_are_copied_in_pieces(void **state)
{
    enum { ROWS = 128, FOLDERS = 2, COLUMNS = 8192 };
    struct partition_rows rows;
    struct record_batch part;
    struct str folders[ROWS];
    struct record_column *columns = calloc(COLUMNS, sizeof(*columns));
    struct record_cell *cells = calloc(ROWS, sizeof(*cells));
    struct record_place places[ROWS];
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = (struct record_column){.name = STR("x"), .cells = cells, .capacity = ROWS};
    for (size_t i = 0; i < ROWS; i++) {
        cells[i] = (struct record_cell){.kind = RECORD_INTEGER, .number = (int64_t)i};
        places[i] = (struct record_place){i, i + 1};
        folders[i] = i % FOLDERS ? STR("a=1/") : STR("a=0/");
    }
    const struct record_batch batch = {
        .rows = ROWS, .column_count = COLUMNS, .columns = columns, .places = places};
    (void)state;
    partition_rows_init(&rows);
    partition_rows_group(&rows, folders, ROWS);
    assert_int_equal(rows.group_count, FOLDERS);
    for (struct partition_group *group = rows.first; group; group = group->next) {
        size_t taken = 0;
        int64_t odd = str_eq(group->link.name, STR("a=1/"));
        while (partition_rows_take(&rows, group, &batch, &part)) {
            assert_true(part.rows * part.column_count <= RECORD_CELLS_MAX && part.rows > 0);
            for (size_t row = 0; row < part.rows; row++, taken++) {
                assert_int_equal(part.columns[COLUMNS - 1].cells[row].number,
                                 (int64_t)taken * 2 + odd);
                assert_int_equal(part.places[row].position, taken * 2 + (size_t)odd);
            }
        }
        assert_int_equal(taken, ROWS / FOLDERS);
    }
    partition_rows_done(&rows);
    free(columns);
    free(cells);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_setting(values_are_names_of_folders),
        test_with_setting(no_value_makes_folders_of_its_own),
        test_with_setting(a_folder_has_a_longest_name),
        test_with_setting(a_folder_like_the_last_is_the_same_text),
        test_with_setting(records_have_the_folders_of_their_output),
        test_with_setting(folders_go_by_what_is_written),
        test_with_setting(a_record_with_a_folder_too_long_is_rejected),
        test_with_setting(rows_are_grouped_by_folder),
        test_with_setting(so_many_objects_are_open_at_once),
        test_with_setting(objects_hold_so_much_together),
        test_with_setting(a_failure_ends_the_routing),
        test_with_setting(no_record_is_lost),
        test_with_setting(wide_records_are_copied_in_pieces),
    };
    return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
