/* The two lists that connectors fill, and the limits that each entry is held to. */
#include "connector/entities.h"

#include "base/encode.h"

#include <string.h>

enum {
    FIELD_ROOM = 16 * 1024,  /* bytes that a field takes usually, at most */
    CHARACTER_BYTES_MAX = 4, /* of UTF-8 */
};

/* A byte of UTF-8 that begins a character. */
static bool begins_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static size_t count_characters(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += begins_character(text.data[i]);
    return count;
}

bool entity_name_is_fit(struct str name)
{
    if (name.len > CHARACTER_BYTES_MAX * ENTITY_NAME_MAX || !utf8_is_valid(name))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if ((unsigned char)name.data[i] <= ' ' || name.data[i] == 0x7f)
            return false;
    }
    return name.len > 0 && count_characters(name) <= ENTITY_NAME_MAX;
}

struct str entity_text(struct arena *arena, struct str text, size_t max)
{
    size_t count = 0, len = 0;
    while (len < text.len) {
        count += begins_character(text.data[len]);
        if (count > max)
            break;
        len++;
    }
    struct str copy = arena_copy(arena, (struct str){text.data, len});
    char *data = (char *)copy.data;
    for (size_t i = 0; i < copy.len; i++) {
        if ((unsigned char)data[i] < ' ' || data[i] == 0x7f)
            data[i] = ' ';
    }
    return copy;
}

/* --- the list --- */

void entity_list_init(struct entity_list *list, struct arena *arena)
{
    *list = (struct entity_list){.arena = arena};
}

static void make_room(struct entity_list *list)
{
    if (list->count < list->capacity)
        return;
    size_t capacity = list->capacity ? 2 * list->capacity : 64;
    struct entity *rows = arena_array(list->arena, struct entity, capacity);
    if (list->count > 0)
        memcpy(rows, list->rows, list->count * sizeof(*rows));
    list->rows = rows;
    list->capacity = capacity;
}

/* The group is one of a few: most entities share their text with the one before. */
static struct str keep_group(struct entity_list *list, struct str group)
{
    if (list->count > 0 && str_eq(list->rows[list->count - 1].group, group))
        return list->rows[list->count - 1].group;
    return arena_copy(list->arena, group);
}

bool entity_list_add(struct entity_list *list, const struct entity *entity)
{
    if (!entity_name_is_fit(entity->name) || !entity_name_is_fit(entity->group))
        return true;
    size_t size = sizeof(*entity) + entity->name.len + entity->label.len;
    if (list->count == ENTITIES_MAX || list->bytes + size > ENTITY_LIST_MAX)
        return false;
    list->no_room = !arena_has_room(list->arena, 2 * size);
    if (list->no_room)
        return false;
    make_room(list);
    struct entity row = {
        .group = keep_group(list, entity->group),
        .name = arena_copy(list->arena, entity->name),
        .nested = entity->nested,
    };
    row.label = entity->label.len > 0 && !str_eq(entity->label, entity->name)
                    ? entity_text(list->arena, entity->label, ENTITY_LABEL_MAX)
                    : row.name;
    list->rows[list->count++] = row;
    list->bytes += size;
    return true;
}

static int compare(const struct entity *a, const struct entity *b)
{
    return str_compare(a->name, b->name);
}

/* Of equal names the first stays: merge sort keeps their order. */
static void merge(struct entity *rows, struct entity *space, size_t count)
{
    size_t half = count / 2, a = 0, b = half;
    if (count < 2)
        return;
    merge(rows, space, half);
    merge(rows + half, space, count - half);
    for (size_t i = 0; i < count; i++) {
        bool left = b == count || (a < half && compare(&rows[a], &rows[b]) <= 0);
        space[i] = left ? rows[a++] : rows[b++];
    }
    memcpy(rows, space, count * sizeof(*rows));
}

void entity_list_sort(struct entity_list *list)
{
    size_t kept = 0;
    struct entity *space = arena_array(list->arena, struct entity, list->count);
    merge(list->rows, space, list->count);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || compare(&list->rows[kept - 1], &list->rows[i]) != 0)
            list->rows[kept++] = list->rows[i];
    }
    list->count = kept;
}

size_t entity_list_after(const struct entity_list *list, struct str name)
{
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(list->rows[middle].name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- fields --- */

void entity_fields_init(struct entity_fields *fields, struct arena_meter *meter)
{
    *fields = (struct entity_fields){.arena = {.kind = ARENA_PLAIN, .meter = meter}};
    fields->json = buf_in(&fields->arena, ENTITY_FIELDS_JSON_MAX);
}

void entity_fields_done(struct entity_fields *fields)
{
    map_done(&fields->names);
    arena_done(&fields->arena);
}

bool entity_fields_add(struct entity_fields *fields, const struct value *field)
{
    struct str name = value_text(field, "identifier");
    if (!entity_name_is_fit(name) || map_find(&fields->names, name))
        return true;
    fields->no_room = !arena_has_room(&fields->arena, 2 * fields->json.cap + FIELD_ROOM);
    fields->is_full = fields->is_full || fields->no_room || fields->count == ENTITY_FIELDS_MAX;
    if (fields->is_full)
        return false;
    struct map_link *link = arena_new(&fields->arena, struct map_link);
    link->name = arena_copy(&fields->arena, name);
    map_add(&fields->names, link);
    if (fields->count++ > 0)
        buf_add_char(&fields->json, ',');
    value_encode(&fields->json, field);
    fields->is_full = fields->json.overflow;
    return !fields->is_full;
}
