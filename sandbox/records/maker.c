/* What makers share: their names, numbers that only look random, keys, and the times of a record.
 */
#include "sandbox/records/maker.h"

#include <inttypes.h>

enum {
    HOUR_MS = 60 * 60 * 1000,
    ID_DIGITS = 15,
    ID_DIGITS_MAX = 10, /* of IDS_DIGITS */
    ID_CHECKS = 3,
    ID_CHECK_BITS = 5,
    GAP_EACH = 9,        /* rows; after them 3 numbers are left out, */
    GAP_WIDE_EACH = 100, /* …and after these 57 */
};

static const struct {
    const char *name;
    enum maker_kind kind;
    enum sample_kind gives;
} makers[] = {
    {"nothing", MAKER_NOTHING, SAMPLE_NULL},
    {"id", MAKER_ID, SAMPLE_TEXT},
    {"reference", MAKER_REFERENCE, SAMPLE_TEXT},
    {"choice", MAKER_CHOICE, SAMPLE_TEXT},
    {"name", MAKER_NAME, SAMPLE_TEXT},
    {"words", MAKER_WORDS, SAMPLE_TEXT},
    {"prose", MAKER_PROSE, SAMPLE_TEXT},
    {"digits", MAKER_DIGITS, SAMPLE_TEXT},
    {"phone", MAKER_PHONE, SAMPLE_TEXT},
    {"email", MAKER_EMAIL, SAMPLE_TEXT},
    {"url", MAKER_URL, SAMPLE_TEXT},
    {"street", MAKER_STREET, SAMPLE_TEXT},
    {"city", MAKER_CITY, SAMPLE_TEXT},
    {"country", MAKER_COUNTRY, SAMPLE_TEXT},
    {"postcode", MAKER_POSTCODE, SAMPLE_TEXT},
    {"count", MAKER_COUNT, SAMPLE_INTEGER},
    {"big", MAKER_BIG, SAMPLE_INTEGER},
    {"decimal", MAKER_DECIMAL, SAMPLE_DECIMAL},
    {"latitude", MAKER_LATITUDE, SAMPLE_DECIMAL},
    {"longitude", MAKER_LONGITUDE, SAMPLE_DECIMAL},
    {"flag", MAKER_FLAG, SAMPLE_FLAG},
    {"deleted", MAKER_DELETED, SAMPLE_FLAG},
    {"day", MAKER_DAY, SAMPLE_DAY},
    {"time", MAKER_TIME, SAMPLE_TIME},
    {"created", MAKER_CREATED, SAMPLE_TIME},
    {"changed", MAKER_CHANGED, SAMPLE_TIME},
    {"changed_s", MAKER_CHANGED_S, SAMPLE_INTEGER},
};

bool maker_kind_from(struct str name, enum maker_kind *ret_kind, enum sample_kind *ret_gives)
{
    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        if (str_eq(str_from(makers[i].name), name)) {
            *ret_kind = makers[i].kind;
            *ret_gives = makers[i].gives;
            return true;
        }
    }
    return false;
}

/* The finalizer of SplitMix64 (G. Steele and others, "Fast Splittable Pseudorandom Number
 * Generators", 2014). */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

uint64_t maker_draw(uint64_t seed, uint64_t row, unsigned which)
{
    return mix(mix(seed ^ row) + which);
}

uint64_t maker_seed(uint64_t seed, struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        seed = mix(seed ^ (unsigned char)name.data[i]);
    return mix(seed);
}

uint64_t maker_number(size_t row)
{
    return 1 + row + row / GAP_EACH * 3 + row / GAP_WIDE_EACH * 57;
}

/* The last three characters say which of the fifteen are capitals, five a character: "Id fields"
 * of the vendor's SOAP API guide. */
static struct str checked_id(struct str prefix, uint64_t number, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char checks[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    char *id = arena_alloc(arena, ID_DIGITS + ID_CHECKS + 1);
    for (size_t i = 0; i < ID_DIGITS; i++) {
        size_t at = ID_DIGITS - 1 - i;
        id[at] = at < prefix.len ? prefix.data[at] : digits[number % 62];
        number /= 62;
    }
    for (size_t i = 0; i < ID_CHECKS; i++) {
        unsigned capitals = 0;
        for (size_t bit = 0; bit < ID_CHECK_BITS; bit++)
            if (ascii_is_upper(id[i * ID_CHECK_BITS + bit]))
                capitals |= 1U << bit;
        id[ID_DIGITS + i] = checks[capitals];
    }
    return (struct str){id, ID_DIGITS + ID_CHECKS};
}

static struct str hex_id(uint64_t seed, uint64_t number, struct arena *arena)
{
    return arena_printf(arena, "%016" PRIx64 "%016" PRIx64, maker_draw(seed, number, 0),
                        maker_draw(seed, number, 1));
}

struct sample_cell maker_key(enum sample_ids ids, struct str prefix, uint64_t seed, uint64_t number,
                             struct arena *arena)
{
    unsigned long long least = 0;
    struct sample_cell cell = {.kind = SAMPLE_TEXT};
    int digits = ID_DIGITS_MAX - (int)prefix.len;
    if (ids == IDS_CHECKED)
        cell.text = checked_id(prefix, number, arena);
    else if (ids == IDS_HEX)
        cell.text = hex_id(seed, number, arena);
    else if (ids == IDS_DIGITS)
        cell.text = arena_printf(arena, "%.*s%0*" PRIu64, STR_ARG(prefix), digits, number);
    else if (str_to_u64(prefix, INT64_MAX / 2, &least))
        cell = (struct sample_cell){.kind = SAMPLE_INTEGER, .number = (int64_t)(least + number)};
    return cell;
}

/* --- times --- */

enum {
    SPAN_HOURS = 5 * 365 * 24, /* over which records were created */
    LATE_EACH = 53,            /* rows: one of them came late, */
    LATE_HOURS = 400 * 24,     /* …by so much */
    BATCH = 20,                /* rows that were changed at once, */
    BATCH_EACH = 10,           /* …of so many groups one */
};

static const int64_t first_ms = 1546848000000; /* 2019-01-07T08:00:00Z */

static int64_t spread_ms(const struct sample_entity *entity, size_t row)
{
    int64_t step_ms = (int64_t)SPAN_HOURS * HOUR_MS / (int64_t)entity->rows;
    int64_t jitter_ms = (int64_t)(maker_draw(entity->seed, row, 1) % (uint64_t)step_ms);
    return first_ms + (int64_t)row * step_ms + jitter_ms / 1000 * 1000;
}

int64_t maker_created_ms(const struct sample_entity *entity, size_t row)
{
    int64_t late_ms = row % LATE_EACH == 17 ? (int64_t)LATE_HOURS * HOUR_MS : 0;
    return (spread_ms(entity, row) - late_ms) / 1000 * 1000;
}

int64_t maker_changed_ms(const struct sample_entity *entity, size_t row)
{
    uint64_t draw = maker_draw(entity->seed, row, 2);
    size_t group = row / BATCH;
    if (group % BATCH_EACH == 3) /* a bulk change: all of them at the same second */
        return spread_ms(entity, (group + 1) * BATCH) / 1000 * 1000 + (int64_t)300 * HOUR_MS;
    if (draw % 7 == 0)
        return maker_created_ms(entity, row);
    return maker_created_ms(entity, row) + (int64_t)(draw / 7 % (24 * 200)) * HOUR_MS +
           (int64_t)(draw % 3600) * 1000;
}
