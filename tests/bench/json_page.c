/* How fast a vendor's page of records is read (in processor time), and what memory it takes:
 *
 *     json-page [--seconds N]    one JSON object on standard output
 *
 * The page is a query's answer as REST APIs give it: 850 records of 25 members, with numbers,
 * dates, nulls, escapes and letters beyond ASCII, made from a fixed seed. */
#include "base/arena.h"
#include "base/buf.h"
#include "wire/json.h"
#include "wire/restjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RECORDS = 850, PAGE_MAX = 8 * 1024 * 1024 };

static uint64_t seed = 20200823;

static uint64_t chance(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

static void add_text(struct buf *page, const char *name, const char *const *texts, size_t count)
{
    buf_add_cstr(page, ",\"");
    buf_add_cstr(page, name);
    buf_add_cstr(page, "\":");
    if (chance(10) < 3) {
        buf_add_cstr(page, "null");
        return;
    }
    buf_add_char(page, '"');
    buf_add_cstr(page, texts[chance(count)]);
    buf_add_char(page, '"');
}

static void add_record(struct buf *page, uint64_t number)
{
    static const char *const names[] = {"Meridian Freight", "Σφακιανάκης ΑΕ", "北京数据 有限公司",
                                        "Smith \\u0026 Daughters", "Ørsted Møbler"};
    static const char *const streets[] = {"1 Main Street\\r\\nSuite 400", "Τσιμισκή 12",
                                          "Rua \\\"B\\\" 7"};
    static const char *const industries[] = {"Agriculture", "Banking", "Consulting", "Energy"};
    static const char *const texts[] = {
        "Renewal in spring. Asked for the new price list twice; send it with the terms of the year "
        "before, and call back after the board has met.",
        "Moved to the other office, the old address is for invoices only.",
    };
    static const char *const fields[] = {"Site",       "Rating",  "Ownership", "Region__c",
                                         "Segment__c", "Tier__c", "SicDesc",   "Fax"};
    char text[512];
    snprintf(
        text, sizeof(text),
        "{\"attributes\":{\"type\":\"Account\",\"url\":\"/services/data/v58.0/sobjects/Account/"
        "001%015llu\"},\"Id\":\"001%015llu\",\"IsDeleted\":%s,\"AnnualRevenue\":%llu.%02llu,"
        "\"NumberOfEmployees\":%llu,\"CreatedDate\":\"20%02llu-01-23T18:35:46.000+0000\","
        "\"LastModifiedDate\":\"2026-03-%02lluT08:12:03.000+0000\",\"SystemModstamp\":"
        "\"2026-03-%02lluT08:12:04.000+0000\",\"Latitude__c\":%llu.%06llu,\"OwnerId\":"
        "\"005%015llu\",\"Phone\":\"+30 21 %08llu\",\"Website\":\"https://www.example.com/%llu\"",
        (unsigned long long)number, (unsigned long long)number, chance(50) ? "false" : "true",
        (unsigned long long)chance(90000000), (unsigned long long)chance(100),
        (unsigned long long)chance(20000), (unsigned long long)(10 + chance(15)),
        (unsigned long long)(10 + chance(19)), (unsigned long long)(10 + chance(19)),
        (unsigned long long)chance(90), (unsigned long long)chance(1000000),
        (unsigned long long)chance(200), (unsigned long long)chance(100000000),
        (unsigned long long)chance(100000));
    buf_add_cstr(page, text);
    add_text(page, "Name", names, sizeof(names) / sizeof(*names));
    add_text(page, "BillingStreet", streets, sizeof(streets) / sizeof(*streets));
    add_text(page, "ShippingStreet", streets, sizeof(streets) / sizeof(*streets));
    add_text(page, "Description", texts, sizeof(texts) / sizeof(*texts));
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        add_text(page, fields[i], industries, sizeof(industries) / sizeof(*industries));
    buf_add_char(page, '}');
}

static struct str page_text(struct arena *arena)
{
    struct buf page = buf_in(arena, PAGE_MAX);
    buf_add_cstr(&page, "{\"totalSize\":850,\"done\":true,\"records\":[");
    for (uint64_t i = 0; i < RECORDS; i++) {
        buf_add_cstr(&page, i > 0 ? "," : "");
        add_record(&page, i);
    }
    buf_add_cstr(&page, "]}");
    return buf_str(&page);
}

/* Either reading of the page: bytes that it took; 0 when it failed. */
static size_t read_values(struct str page, struct arena *arena)
{
    struct value *value;
    return json_parse(page, arena, &value) && value->count == 3 ? arena->used : 0;
}

static size_t read_document(struct str page, struct arena *arena)
{
    _cleanup_(json_scratch_done) struct json_scratch scratch;
    yyjson_val *root;
    (void)arena;
    json_scratch_init(&scratch);
    if (!json_read(page, JSON_ANSWER_NODES_MAX, &scratch, &root, NULL) ||
        yyjson_obj_size(root) != 3)
        return 0;
    return scratch.text_len + scratch.far_nodes.used;
}

/* Of this thread, so that other work on the machine does not count. */
static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void measure(const char *name, size_t (*read)(struct str page, struct arena *arena),
                    struct str page, double seconds)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    double begun = cpu_seconds(), now = begun;
    uint64_t rounds = 0;
    size_t used = 0;
    while (now - begun < seconds) {
        used = read(page, &arena);
        if (used == 0) {
            fprintf(stderr, "json-page: the page cannot be read\n");
            exit(1);
        }
        arena_reset(&arena);
        rounds++;
        now = cpu_seconds();
    }
    arena_done(&arena);
    double megabytes = (double)page.len * (double)rounds / 1e6;
    printf("\"%s_mb_per_s\": %.1f, \"%s_bytes_per_byte\": %.2f", name, megabytes / (now - begun),
           name, (double)used / (double)page.len);
}

int main(int argc, char **argv)
{
    unsigned long long seconds = 2;
    struct arena arena = {.kind = ARENA_PLAIN};
    if (argc > 1 && (argc != 3 || strcmp(argv[1], "--seconds") != 0 ||
                     !str_to_u64(str_from(argv[2]), 60, &seconds))) {
        fprintf(stderr, "usage: json-page [--seconds N]\n");
        return 2;
    }
    struct str page = page_text(&arena);
    printf("{\"page_bytes\": %zu, ", page.len);
    measure("values", read_values, page, (double)seconds);
    printf(", ");
    measure("document", read_document, page, (double)seconds);
    printf("}\n");
    arena_done(&arena);
    return 0;
}
