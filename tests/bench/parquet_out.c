/* How fast batches become a Parquet file (in processor time), and how large it is:
 *
 *     parquet-out typed|strings [--rows N] [--file PATH]    one JSON object on standard output
 *
 * Records like those of a CRM's accounts, with 25 columns of all kinds and a third of the cells
 * null, made from a fixed seed. Making them is not measured; under valgrind, count what is in
 * write_rows() alone. */
#include "record/parquet_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCHES = 12, COLUMNS = 25, TEXT_MAX = 500 };

static uint64_t seed = 20200823;

static uint64_t chance(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

/* What a column's texts are made of. */
enum shape { WORD, ID, REFERENCE, NAME, PHONE, URL, STREET, LONG, MONEY, COUNT, TIME, DAY, FLAG };

static const struct column {
    const char *name;
    enum record_kind kind;
    enum shape shape;
    unsigned nulls; /* percent */
    uint8_t precision, scale;
} columns[COLUMNS] = {
    {"Id", RECORD_TEXT, ID, 0, 0, 0},
    {"Name", RECORD_TEXT, NAME, 0, 0, 0},
    {"OwnerId", RECORD_TEXT, REFERENCE, 0, 0, 0},
    {"ParentId", RECORD_TEXT, ID, 80, 0, 0},
    {"Type", RECORD_TEXT, WORD, 10, 0, 0},
    {"Industry", RECORD_TEXT, WORD, 20, 0, 0},
    {"Rating", RECORD_TEXT, WORD, 60, 0, 0},
    {"Phone", RECORD_TEXT, PHONE, 10, 0, 0},
    {"Fax", RECORD_TEXT, PHONE, 70, 0, 0},
    {"Website", RECORD_TEXT, URL, 30, 0, 0},
    {"BillingStreet", RECORD_TEXT, STREET, 20, 0, 0},
    {"BillingCity", RECORD_TEXT, WORD, 20, 0, 0},
    {"BillingCountry", RECORD_TEXT, WORD, 20, 0, 0},
    {"ShippingStreet", RECORD_TEXT, STREET, 60, 0, 0},
    {"Description", RECORD_TEXT, LONG, 60, 0, 0},
    {"TaxId__c", RECORD_TEXT, PHONE, 50, 0, 0},
    {"Segment__c", RECORD_TEXT, WORD, 30, 0, 0},
    {"AnnualRevenue", RECORD_DECIMAL, MONEY, 30, 18, 2},
    {"Discount__c", RECORD_DECIMAL, MONEY, 70, 18, 2},
    {"NumberOfEmployees", RECORD_INTEGER, COUNT, 20, 0, 0},
    {"CreatedDate", RECORD_TIMESTAMP, TIME, 0, 0, 0},
    {"LastModifiedDate", RECORD_TIMESTAMP, TIME, 0, 0, 0},
    {"SystemModstamp", RECORD_TIMESTAMP, TIME, 0, 0, 0},
    {"LastActivityDate", RECORD_DATE, DAY, 50, 0, 0},
    {"IsDeleted", RECORD_BOOLEAN, FLAG, 0, 0, 0},
};

static int make_text(enum shape shape, char *text)
{
    static const char *const words[] = {"Agriculture", "Banking",  "Consulting", "Energy",
                                        "Θεσσαλονίκη", "Hot",      "北京",       "København",
                                        "Customer",    "Partner",  "Prospect",   "Deutschland",
                                        "São Paulo",   "Insurance"};
    static const char *const names[] = {"Meridian Freight", "Σφακιανάκης ΑΕ", "北京数据 有限公司",
                                        "Smith & Daughters", "Ørsted Møbler"};
    const char *word = words[chance(sizeof(words) / sizeof(*words))];
    const char *name = names[chance(sizeof(names) / sizeof(*names))];
    unsigned number = (unsigned)chance(1000000);
    switch (shape) {
    case WORD:
        return snprintf(text, TEXT_MAX, "%s", word);
    case ID:
        return snprintf(text, TEXT_MAX, "001%06u%06u%03u", number, (unsigned)chance(1000000),
                        (unsigned)chance(1000));
    case REFERENCE:
        return snprintf(text, TEXT_MAX, "005%015u", (unsigned)chance(200));
    case NAME:
        return snprintf(text, TEXT_MAX, "%s %u", name, number);
    case PHONE:
        return snprintf(text, TEXT_MAX, "+30 21 %08u", number);
    case URL:
        return snprintf(text, TEXT_MAX, "https://www.example.com/%s/%u", word, number);
    case STREET:
        return snprintf(text, TEXT_MAX, "%u \"%s\" Street\r\nSuite %u", number % 400, word,
                        number / 1000);
    case MONEY:
        return snprintf(text, TEXT_MAX, "%u.%02u", number * 7, number % 100);
    default:
        break;
    }
    int len = 0;
    for (int more = 4 + (int)chance(30); more > 0; more--) {
        number = (unsigned)chance(1000);
        len += snprintf(text + len, (size_t)(TEXT_MAX - len), "%s %u ",
                        words[number % (sizeof(words) / sizeof(*words))], number);
        len = len < TEXT_MAX ? len : TEXT_MAX - 1;
    }
    return len;
}

static struct record_cell make_cell(const struct column *column, struct arena *texts)
{
    struct record_cell cell = {.kind = (uint8_t)column->kind, .flags = RECORD_HAD_ZONE};
    const int64_t from_us = 1500000000000000, second_us = 1000000;
    char text[TEXT_MAX];
    if (chance(100) < column->nulls)
        return (struct record_cell){0};
    switch (column->shape) {
    case TIME:
        cell.number = from_us + (int64_t)chance(200000000) * second_us;
        return cell;
    case COUNT:
    case DAY:
        cell.number = (int64_t)chance(20000);
        return cell;
    case FLAG:
        cell.number = chance(50) == 0;
        return cell;
    default:
        cell.len = (uint32_t)make_text(column->shape, text);
        cell.text = arena_copy(texts, (struct str){text, cell.len}).data;
        cell.scale = 2;
        return cell;
    }
}

static void make_batch(struct record_batch *batch)
{
    record_batch_init(batch, RECORD_ROWS_MAX);
    for (size_t i = 0; i < COLUMNS; i++)
        record_batch_add_column(batch, str_from(columns[i].name));
    batch->rows = batch->rows_max;
    for (size_t i = 0; i < COLUMNS; i++)
        for (size_t row = 0; row < batch->rows; row++)
            batch->columns[i].cells[row] = make_cell(&columns[i], &batch->texts);
}

/* What the values have, without what says where they are. */
static uint64_t value_bytes(const struct record_batch *batch)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < COLUMNS; i++)
        for (size_t row = 0; row < batch->rows; row++) {
            const struct record_cell *cell = &batch->columns[i].cells[row];
            bytes += cell->len > 0 ? cell->len : cell->kind == RECORD_NULL ? 0 : 8;
        }
    return bytes;
}

static bool take(void *context, struct str bytes, struct error *error)
{
    FILE *file = context;
    return !file || fwrite(bytes.data, 1, bytes.len, file) == bytes.len ||
           fail(error, ERR_INTERNAL, "the file cannot be written");
}

/* Of this thread, so that other work on the machine does not count. */
static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* At least as many. */
__attribute__((noinline)) static bool write_rows(struct record_encoder *encoder,
                                                 const struct record_batch *batches, uint64_t rows,
                                                 uint64_t *ret_rows, struct error *error)
{
    bool written = true;
    *ret_rows = 0;
    for (size_t i = 0; written && *ret_rows < rows; i = (i + 1) % BATCHES) {
        written = encoder->ops->write(encoder, &batches[i], error);
        *ret_rows += batches[i].rows;
    }
    return written && encoder->ops->finish(encoder, error);
}

static bool measure(const struct record_batch *batches, uint64_t rows, bool as_texts, FILE *file,
                    struct error *error)
{
    struct record_field fields[COLUMNS];
    struct record_encoder *encoder;
    uint64_t done, in = 0;
    const struct record_output output = {take, file};
    const struct parquet_out_options options = {.fields = {fields, COLUMNS}};
    for (size_t i = 0; i < COLUMNS; i++)
        fields[i] = (struct record_field){.name = str_from(columns[i].name),
                                          .kind = as_texts ? RECORD_TEXT : columns[i].kind,
                                          .precision = columns[i].precision,
                                          .scale = columns[i].scale};
    if (!parquet_out_new(&options, &output, &encoder, error))
        return false;
    double begun = cpu_seconds();
    bool written = write_rows(encoder, batches, rows, &done, error);
    double took = cpu_seconds() - begun;
    for (size_t i = 0; i < done / batches[0].rows; i++)
        in += value_bytes(&batches[i % BATCHES]);
    printf("{\"rows\": %" PRIu64 ", \"value_bytes\": %" PRIu64 ", \"file_bytes\": %" PRIu64
           ", \"cpu_s\": %.4f}\n",
           done, in, encoder->ops->size(encoder), took);
    encoder->ops->free(encoder);
    return written;
}

int main(int argc, char **argv)
{
    unsigned long long rows = 500000;
    FILE *file = NULL;
    struct error error;
    static struct record_batch batches[BATCHES];
    bool usable = argc > 1 && argc % 2 == 0;
    bool as_texts = usable && strcmp(argv[1], "strings") == 0;
    usable = usable && (as_texts || strcmp(argv[1], "typed") == 0);
    for (int i = 2; usable && i < argc; i += 2)
        usable = strcmp(argv[i], "--rows") == 0
                     ? str_to_u64(str_from(argv[i + 1]), UINT32_MAX, &rows)
                     : strcmp(argv[i], "--file") == 0 && (file = fopen(argv[i + 1], "we"));
    if (!usable) {
        fprintf(stderr, "usage: parquet-out typed|strings [--rows N] [--file PATH]\n");
        return 2;
    }
    for (size_t i = 0; i < BATCHES; i++)
        make_batch(&batches[i]);
    bool done = measure(batches, rows, as_texts, file, &error);
    if (!done)
        fprintf(stderr, "parquet-out: %s\n", error.message);
    for (size_t i = 0; i < BATCHES; i++)
        record_batch_done(&batches[i]);
    return done && (!file || fclose(file) == 0) ? 0 : 1;
}
