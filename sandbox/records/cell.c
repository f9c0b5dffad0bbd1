/* Makes the cells of records, each from its entity, field and row alone. */
#include "sandbox/records/maker.h"
#include "sandbox/records/words.h"
#include "sandbox/records/written.h"

#include "base/encode.h"

#include <inttypes.h>

enum {
    NULL_EACH = 5,     /* of so many cells that can be null one is */
    DELETED_EACH = 29, /* rows */
    ITEMS_MAX = 3,     /* of a list */
    SENTENCES = 5,
    SENTENCES_LONG = 90,
    LONG_EACH = 211, /* rows: one of them has a long text */
    DIGITS_MAX = 15, /* of a decimal: what a double keeps exactly */
    DEGREE_SCALE = 6,
    FIRST_DAY = 17897, /* 2019-01-01 */
    DAYS = 2500,
    DAY_MS = 24 * 60 * 60 * 1000,
};

struct sample_making {
    const struct sample_entity *entity;
    const struct sample_field *field;
    size_t row;
    struct arena *arena;
    uint64_t seed; /* of the cell, or of a part of it */
};

static uint64_t draw(const struct sample_making *making, unsigned which)
{
    return maker_draw(making->seed, making->row, which);
}

static struct str pick(const struct sample_making *making, const struct word_list *words,
                       unsigned which)
{
    return words->items[draw(making, which) % words->count];
}

/* --- texts --- */

static struct str prose(const struct sample_making *making)
{
    size_t count =
        making->row % LONG_EACH == 150 ? SENTENCES_LONG : 1 + draw(making, 1) % SENTENCES;
    struct buf text = buf_in(making->arena, SAMPLE_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(&text, draw(making, (unsigned)i + 100) % 4 == 0 ? '\n' : ' ');
        buf_add(&text, pick(making, &words_prose, (unsigned)i + 10));
    }
    return buf_str(&text);
}

/* A text with {entity}, {id} and {number}. */
static struct str pattern(const struct sample_making *making, struct str text)
{
    struct buf id = buf_in(making->arena, SAMPLE_TEXT_MAX);
    struct buf named = buf_in(making->arena, SAMPLE_TEXT_MAX);
    struct buf keyed = buf_in(making->arena, SAMPLE_TEXT_MAX);
    struct buf out = buf_in(making->arena, SAMPLE_TEXT_MAX);
    const struct sample_entity *entity = making->entity;
    struct sample_cell key = maker_key(entity->set->forms.ids, entity->ids, entity->seed,
                                       maker_number(making->row), making->arena);
    if (key.kind == SAMPLE_INTEGER)
        buf_add_i64(&id, key.number);
    else
        buf_add(&id, key.text);
    buf_add_replaced(&named, text, STR("{entity}"), entity->name);
    buf_add_replaced(&keyed, buf_str(&named), STR("{id}"), buf_str(&id));
    buf_add_replaced(&out, buf_str(&keyed), STR("{number}"),
                     arena_printf(making->arena, "%07" PRIu64, maker_number(making->row)));
    return buf_str(&out);
}

static struct str make_text(const struct sample_making *making, const struct sample_maker *maker)
{
    const struct sample_field *field = making->field;
    struct arena *arena = making->arena;
    uint64_t number = maker_number(making->row), random = draw(making, 1);
    switch (maker->kind) {
    case MAKER_PATTERN:
        return pattern(making, maker->text);
    case MAKER_CHOICE:
        if (maker->count > 0)
            return maker->choices[random % maker->count];
        return field->choice_count > 0 ? field->choices[random % field->choice_count] : STR("A");
    case MAKER_NAME:
        return arena_printf(arena, "%.*s %.*s %04" PRIu64, STR_ARG(pick(making, &words_things, 2)),
                            STR_ARG(pick(making, &words_places, 3)), number);
    case MAKER_PROSE:
        return prose(making);
    case MAKER_DIGITS:
        return arena_printf(arena, "%08" PRIu64, number * 37 % 100000000);
    case MAKER_PHONE:
        return arena_printf(arena, "+1 (206) 555-01%02u", (unsigned)(random % 100));
    case MAKER_EMAIL:
        return arena_printf(arena, "gate+%" PRIu64 "@acme.example", number);
    case MAKER_URL:
        return arena_printf(arena, "https://www.acme.example/%" PRIu64 "?a=1&b=%%20", number);
    case MAKER_STREET:
        return arena_printf(arena, "%u Quay Road%s", (unsigned)(random % 400 + 1),
                            random % 3 == 0 ? "\nBuilding \"B\", gate 2" : "");
    case MAKER_CITY:
        return pick(making, &words_places, 2);
    case MAKER_COUNTRY:
        return pick(making, &words_countries, 2);
    case MAKER_POSTCODE:
        return arena_printf(arena, "%05u", (unsigned)(random % 20000));
    default:
        return pick(making, &words_odd, 2);
    }
}

/* --- numbers --- */

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static struct sample_cell make_decimal(const struct sample_making *making,
                                       const struct sample_maker *maker)
{
    const struct sample_field *field = making->field;
    int digits =
        field->precision > 0 && field->precision < DIGITS_MAX ? field->precision : DIGITS_MAX;
    uint64_t random = draw(making, 1);
    int used = 1 + (int)(draw(making, 2) % (uint64_t)digits);
    int64_t number = (int64_t)(random % (uint64_t)power_of_ten(used));
    if (random % 11 == 0)
        number = -number;
    return (struct sample_cell){.kind = SAMPLE_DECIMAL,
                                .number = random % 17 == 0 ? 0 : number,
                                .scale = maker->number > 0 ? (int)maker->number : field->scale};
}

static struct sample_cell make_degrees(const struct sample_making *making, int64_t most)
{
    int64_t unit = power_of_ten(DEGREE_SCALE);
    uint64_t span = (uint64_t)(2 * most * unit + 1);
    return (struct sample_cell){.kind = SAMPLE_DECIMAL,
                                .number = (int64_t)(draw(making, 1) % span) - most * unit,
                                .scale = DEGREE_SCALE};
}

static struct sample_cell make_integer(const struct sample_making *making,
                                       const struct sample_maker *maker)
{
    static const int64_t edges[] = {0, 1, -1, INT32_MAX, INT32_MIN};
    static const int64_t far_edges[] = {9007199254740992, 9007199254740993, -9007199254740993,
                                        INT64_MAX};
    uint64_t random = draw(making, 1);
    if (maker->kind == MAKER_CHANGED_S)
        return (struct sample_cell){.kind = SAMPLE_INTEGER,
                                    .number = maker_changed_ms(making->entity, making->row) / 1000};
    bool is_big = maker->kind == MAKER_BIG;
    int64_t number = (int64_t)(random / 16 % (uint64_t)power_of_ten(is_big ? 17 : 6));
    if (random % 16 == 0)
        number = is_big ? far_edges[random / 16 % 4] : edges[random / 16 % 5];
    return (struct sample_cell){.kind = SAMPLE_INTEGER, .number = number};
}

/* --- times --- */

static int64_t make_day(const struct sample_making *making)
{
    static const int64_t edges[] = {11016 /* 2000-02-29 */, -1 /* 1969-12-31 */,
                                    376199 /* 2999-12-31 */};
    uint64_t random = draw(making, 1);
    return random % 89 == 4 ? edges[random / 89 % 3] : FIRST_DAY + (int64_t)(random / 89 % DAYS);
}

static int64_t make_time(const struct sample_making *making, const struct sample_maker *maker)
{
    if (maker->kind == MAKER_CREATED)
        return maker_created_ms(making->entity, making->row);
    if (maker->kind == MAKER_CHANGED)
        return maker_changed_ms(making->entity, making->row);
    int64_t day_ms = (FIRST_DAY + (int64_t)(draw(making, 1) % DAYS)) * DAY_MS;
    return day_ms + (int64_t)(draw(making, 2) % (DAY_MS / 1000)) * 1000;
}

/* --- keys, and what is made of other cells --- */

static struct sample_cell make_reference(const struct sample_making *making,
                                         const struct sample_maker *maker)
{
    const struct sample_set *set = making->entity->set;
    struct str name = maker->text.data ? maker->text : making->field->refers;
    const struct sample_entity *other = name.data ? sample_find(set, name) : NULL;
    uint64_t random = draw(making, 1);
    if (other)
        return maker_key(set->forms.ids, other->ids, other->seed,
                         maker_number(random % other->rows), making->arena);
    /* An entity without records: a key that leads nowhere, as one that the user must not see. */
    return maker_key(set->forms.ids, STR("900"), making->seed, random % 5000, making->arena);
}

static struct sample_cell make(const struct sample_making *making,
                               const struct sample_maker *maker);

static struct sample_cell make_nested(const struct sample_making *making,
                                      const struct sample_maker *maker)
{
    const struct sample_forms *forms = &making->entity->set->forms;
    struct buf json = buf_in(making->arena, SAMPLE_TEXT_MAX);
    bool is_fixed = maker->kind == MAKER_OBJECT;
    size_t count = is_fixed ? maker->count : draw(making, 1) % (ITEMS_MAX + 1);
    buf_add_char(&json, maker->names ? '{' : '[');
    for (size_t i = 0; i < count; i++) {
        struct sample_making part = *making;
        part.seed = maker_draw(making->seed, i, 1);
        if (i > 0)
            buf_add_char(&json, ',');
        if (maker->names) {
            encode_json_string(&json, maker->names[i]);
            buf_add_char(&json, ':');
        }
        /* The depth is bounded: json_parse takes JSON_DEPTH_MAX levels of a file at most. */
        struct sample_cell cell = make(&part, &maker->parts[is_fixed ? i : 0]);
        sample_print(&json, forms, &cell);
    }
    buf_add_char(&json, maker->names ? '}' : ']');
    return (struct sample_cell){.kind = SAMPLE_NESTED, .text = buf_str(&json)};
}

static struct sample_cell make_same(const struct sample_making *making,
                                    const struct sample_maker *maker)
{
    const struct sample_field *field = sample_field_find(making->entity, maker->text);
    return field ? sample_cell(making->entity, field, making->row, making->arena)
                 : (struct sample_cell){0};
}

static struct sample_cell make(const struct sample_making *making, const struct sample_maker *maker)
{
    const struct sample_entity *entity = making->entity;
    struct sample_cell cell = {.kind = maker->gives};
    if (maker->kind == MAKER_ID)
        return maker_key(entity->set->forms.ids, entity->ids, entity->seed,
                         maker_number(making->row), making->arena);
    if (maker->kind == MAKER_REFERENCE)
        return make_reference(making, maker);
    if (maker->kind == MAKER_SAME)
        return make_same(making, maker);
    if (maker->kind == MAKER_CONSTANT) {
        cell.number = maker->number;
        return cell;
    }
    switch (maker->gives) {
    case SAMPLE_TEXT:
        cell.text = make_text(making, maker);
        if (making->field->length > 0)
            cell.text = utf8_cut(cell.text, (size_t)making->field->length);
        return cell;
    case SAMPLE_INTEGER:
        return make_integer(making, maker);
    case SAMPLE_DECIMAL:
        return maker->kind == MAKER_DECIMAL
                   ? make_decimal(making, maker)
                   : make_degrees(making, maker->kind == MAKER_LATITUDE ? 90 : 180);
    case SAMPLE_FLAG:
        cell.number = maker->kind == MAKER_DELETED ? making->row % DELETED_EACH == 11
                                                   : (int64_t)(draw(making, 1) % 2);
        return cell;
    case SAMPLE_TIME:
        cell.number = make_time(making, maker);
        return cell;
    case SAMPLE_DAY:
        cell.number = make_day(making);
        return cell;
    case SAMPLE_NESTED:
        return make_nested(making, maker);
    case SAMPLE_NULL:
        break;
    }
    return cell;
}

struct sample_cell sample_cell(const struct sample_entity *entity, const struct sample_field *field,
                               size_t row, struct arena *arena)
{
    struct sample_making making = {entity, field, row, arena, field->seed};
    struct sample_cell written;
    if (written_cell(entity, field, row, &written))
        return written;
    if (field->nullable && draw(&making, 0) % NULL_EACH == 0)
        return (struct sample_cell){0};
    return make(&making, field->maker);
}

struct str sample_reference(const struct sample_field *field)
{
    return field->maker->kind == MAKER_REFERENCE && field->maker->text.data ? field->maker->text
                                                                            : field->refers;
}

bool sample_is_deleted(const struct sample_entity *entity, size_t row)
{
    const struct written_record *record = written_find(entity->written, row);
    if (record && (record->is_deleted || row >= entity->rows))
        return record->is_deleted;
    return entity->deleted && row % DELETED_EACH == 11;
}
