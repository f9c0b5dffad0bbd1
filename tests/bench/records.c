/* How fast records are decoded and encoded (in processor time), over windows of
 * RECORD_WINDOW_BYTES:
 *
 *     records [--records N] [--from json|csv] [--to json|csv|none|print] [--fields all|ten]
 *
 * prints one JSON object, or, with `print`, the records themselves and nothing else. The records
 * are accounts of 25 fields, made from a fixed seed: ids, names in several alphabets, a few values
 * that repeat, streets with escapes, long texts in two of five, decimals, times, and nulls. Under
 * valgrind, count what is in convert_page() alone (records.py).
 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "record/csv_in.h"
#include "record/csv_out.h"
#include "record/json_in.h"
#include "record/json_out.h"
#include "record/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS = 25, RECORD_BYTES_AT_MOST = 2048 };

enum field_form {
    ID,
    OWNER,
    BOOLEAN,
    NAME,
    WORD,
    PHONE,
    URL,
    STREET,
    CITY,
    TEXT,
    DECIMAL,
    INTEGER,
    TIME,
    DATE,
    TAX
};

static const struct field {
    const char *name;
    enum field_form form;
    unsigned nulls; /* of 100 */
} fields[FIELDS] = {
    {"Id", ID, 0},
    {"IsDeleted", BOOLEAN, 0},
    {"ParentId", ID, 80},
    {"Name", NAME, 0},
    {"Type", WORD, 10},
    {"Industry", WORD, 20},
    {"OwnerId", OWNER, 0},
    {"Phone", PHONE, 30},
    {"Website", URL, 40},
    {"BillingStreet", STREET, 20},
    {"BillingCity", CITY, 20},
    {"BillingState", WORD, 50},
    {"BillingPostalCode", TAX, 20},
    {"BillingCountry", WORD, 10},
    {"Description", TEXT, 60},
    {"AnnualRevenue", DECIMAL, 30},
    {"NumberOfEmployees", INTEGER, 30},
    {"Rating", WORD, 60},
    {"TaxId__c", TAX, 20},
    {"Score__c", DECIMAL, 10},
    {"CreatedDate", TIME, 0},
    {"LastModifiedDate", TIME, 0},
    {"SystemModstamp", TIME, 0},
    {"LastActivityDate", DATE, 50},
    {"AccountSource", WORD, 30},
};

static uint64_t seed = 20200823;

static unsigned chance(unsigned below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(seed >> 33) % below;
}

#define ONE_OF(texts) (texts)[chance(sizeof(texts) / sizeof(*(texts)))]

static void add_text(struct buf *value)
{
    static const char *const words[] = {"renewal", "asked for", "the new",  "price list",
                                        "twice",   "Büro",      "invoices", "only",
                                        "after",   "the board"};
    for (size_t len = 40 + chance(360), start = value->len; value->len - start < len;)
        buf_printf(value, "%s ", ONE_OF(words));
}

/* As text, not yet quoted. */
static void add_value(struct buf *value, enum field_form form, unsigned number)
{
    static const char *const names[] = {"Meridian Freight",  "Σφακιανάκης ΑΕ", "北京数据 有限公司",
                                        "Smith & Daughters", "Ørsted Møbler",  "Общество Север"};
    static const char *const words[] = {"Agriculture", "Banking",         "Consulting", "Energy",
                                        "Customer",    "Prospect",        "Hot",        "Warm",
                                        "Web",         "Partner Referral"};
    static const char *const cities[] = {"Zürich", "Αθήνα", "Springfield", "São Paulo", "東京"};
    static const char *const streets[] = {"1 Main Street\r\nSuite 400", "Τσιμισκή 12",
                                          "Rua \"B\" 7\nPorto", "Long Road 1234, Building C"};
    switch (form) {
    case ID:
        buf_printf(value, "001%015u", number);
        return;
    case OWNER:
        buf_printf(value, "005%015u", chance(200));
        return;
    case BOOLEAN:
        buf_add_cstr(value, chance(50) ? "false" : "true");
        return;
    case NAME:
        buf_printf(value, "%s %u", ONE_OF(names), number);
        return;
    case WORD:
        buf_add_cstr(value, ONE_OF(words));
        return;
    case PHONE:
        buf_printf(value, "+30 21 %08u", chance(100000000));
        return;
    case URL:
        buf_printf(value, "https://www.company-%u.example.com", chance(100000));
        return;
    case STREET:
        buf_add_cstr(value, ONE_OF(streets));
        return;
    case CITY:
        buf_add_cstr(value, ONE_OF(cities));
        return;
    case TEXT:
        add_text(value);
        return;
    case DECIMAL:
        buf_printf(value, "%u.%02u", chance(90000000), chance(100));
        return;
    case INTEGER:
        buf_printf(value, "%u", chance(20000));
        return;
    case TIME:
        buf_printf(value, "20%02u-01-23T18:35:%02u.000+0000", 10 + chance(15), chance(60));
        return;
    case DATE:
        buf_printf(value, "20%02u-03-%02u", 10 + chance(15), 1 + chance(28));
        return;
    case TAX:
        buf_printf(value, "%09u", chance(1000000000));
        return;
    }
}

static void add_csv_value(struct buf *page, struct str value)
{
    buf_add_char(page, '"');
    buf_add_replaced(page, value, STR("\""), STR("\"\""));
    buf_add_char(page, '"');
}

static void add_json_value(struct buf *page, struct str value, enum field_form form)
{
    if (form == BOOLEAN || form == DECIMAL || form == INTEGER)
        buf_add(page, value);
    else
        encode_json_string(page, value);
}

static void add_record(struct buf *page, bool csv, unsigned number)
{
    struct buf value = buf_on_heap(RECORD_BYTES_AT_MOST);
    for (size_t i = 0; i < FIELDS; i++) {
        buf_clear(&value);
        bool is_null = chance(100) < fields[i].nulls;
        if (!is_null)
            add_value(&value, fields[i].form, number);
        if (!csv)
            buf_printf(page, "%c\"%s\":", i > 0 ? ',' : '{', fields[i].name);
        else if (i > 0)
            buf_add_char(page, ',');
        if (csv)
            add_csv_value(page, buf_str(&value));
        else if (is_null)
            buf_add_cstr(page, "null");
        else
            add_json_value(page, buf_str(&value), fields[i].form);
    }
    buf_add_cstr(page, csv ? "\n" : "}\n");
    buf_done(&value);
}

static struct buf make_page(bool csv, unsigned count)
{
    struct buf page = buf_on_heap((size_t)count * RECORD_BYTES_AT_MOST + RECORD_BYTES_AT_MOST);
    for (size_t i = 0; csv && i < FIELDS; i++)
        buf_printf(&page, "%s%c", fields[i].name, i + 1 < FIELDS ? ',' : '\n');
    for (unsigned i = 0; i < count; i++)
        add_record(&page, csv, i);
    return page;
}

static uint64_t written;

static bool count_bytes(void *context, struct str bytes, struct error *error)
{
    (void)context, (void)error;
    written += bytes.len;
    return true;
}

static _Noreturn void stop(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

/* Returns how many records there were. */
__attribute__((noinline)) static size_t convert_page(struct str page,
                                                     struct record_decoder *decoder,
                                                     struct record_encoder *encoder,
                                                     struct record_batch *batch)
{
    struct record_window window;
    struct error error;
    size_t records = 0, used = 0;
    record_window_init(&window);
    for (bool is_done = false; !is_done;) {
        size_t room;
        char *space = record_window_space(&window, &room);
        size_t len = page.len < room ? page.len : room;
        memcpy(space, page.data, len);
        page = (struct str){page.data + len, page.len - len};
        record_window_add(&window, len);
        struct str text = record_window_text(&window);
        record_batch_clear(batch);
        if (!decoder->ops->read(decoder, text, page.len == 0, batch, &used, &error))
            stop(error.message);
        if (batch->error_count > 0)
            stop("a record could not be read");
        records += batch->rows;
        if (encoder && !encoder->ops->write(encoder, batch, &error))
            stop(error.message);
        record_window_use(&window, used);
        is_done = page.len == 0 && used == text.len;
    }
    if (encoder && !encoder->ops->finish(encoder, &error))
        stop(error.message);
    record_window_done(&window);
    return records;
}

struct options {
    unsigned records;
    const char *from, *to, *fields;
};

static struct options parse(char **arg)
{
    struct options options = {50 * 1000, "json", "json", "all"};
    for (arg++; arg[0] && arg[1]; arg += 2) {
        if (strcmp(arg[0], "--records") == 0)
            options.records = (unsigned)strtoul(arg[1], NULL, 10);
        else if (strcmp(arg[0], "--from") == 0)
            options.from = arg[1];
        else if (strcmp(arg[0], "--to") == 0)
            options.to = arg[1];
        else if (strcmp(arg[0], "--fields") == 0)
            options.fields = arg[1];
        else
            stop("usage: records [--records N] [--from FORMAT] [--to FORMAT] [--fields all|ten]");
    }
    return options;
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options options = parse(argv);
    bool from_csv = strcmp(options.from, "csv") == 0;
    struct buf page = make_page(from_csv, options.records);
    if (strcmp(options.to, "print") == 0)
        return fwrite(page.data, 1, page.len, stdout) == page.len && fflush(stdout) == 0 ? 0 : 1;
    size_t count = strcmp(options.fields, "ten") == 0 ? 10 : FIELDS;
    struct str names[FIELDS];
    struct record_field written_fields[FIELDS];
    for (size_t i = 0; i < count; i++) { /* ten: every second one of the first twenty */
        names[i] = str_from(fields[count == FIELDS ? i : 2 * i].name);
        written_fields[i] = (struct record_field){.name = names[i]};
    }
    struct record_columns columns = {names, count};
    struct csv_in_options csv = {.columns = columns, .empty_is_null = true};
    struct json_in_options json = {.columns = columns};
    struct json_out_options json_out = {.fields = {written_fields, count}};
    struct record_output output = {count_bytes, NULL};
    struct record_decoder *decoder = from_csv ? csv_in_new(&csv) : json_in_new(&json);
    struct record_encoder *encoder = NULL;
    if (strcmp(options.to, "csv") == 0)
        encoder = csv_out_new(&json_out.fields, &output);
    else if (strcmp(options.to, "json") == 0)
        encoder = json_out_new(&json_out, &output);
    struct record_batch batch;
    record_batch_init(&batch, RECORD_ROWS_MAX);
    double start_s = cpu_s();
    size_t records = convert_page(buf_str(&page), decoder, encoder, &batch);
    double took_s = cpu_s() - start_s;
    if (records != options.records)
        stop("the number of records is not that of the page");
    printf("{\"from\": \"%s\", \"to\": \"%s\", \"fields\": %zu, \"records\": %zu, \"bytes\": %zu, "
           "\"written\": %llu, \"cpu_s\": %.4f, \"mb_s\": %.0f}\n",
           options.from, options.to, count, records, page.len, (unsigned long long)written, took_s,
           (double)page.len / 1e6 / took_s);
    record_batch_done(&batch);
    decoder->ops->free(decoder);
    if (encoder)
        encoder->ops->free(encoder);
    buf_done(&page);
    return 0;
}
