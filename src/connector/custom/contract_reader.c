/* Places in a connector's answer, and the faults that are found there. */
#include "connector/custom/contract_reader.h"

#include "base/encode.h"
#include "wire/errors.h"

enum { FAULTS_TEXT_MAX = 4 * 1024, WORDS_TEXT_MAX = 1024 };

struct contract_check contract_check_new(struct arena *arena)
{
    return (struct contract_check){.text = buf_in(arena, FAULTS_TEXT_MAX)};
}

struct contract_place contract_whole(struct contract_check *check, const struct value *answer)
{
    struct contract_place place = {.check = check, .value = answer};
    if (!answer || answer->kind != VALUE_STRUCTURE) {
        contract_fault(&place, "an object");
        place.value = NULL;
    }
    return place;
}

/* --- faults --- */

/* What is repeated of an answer is printable, and short. `escaped` as RFC 6901 writes names in a
 * pointer: "~0" for "~", "~1" for "/". */
static void add_safe(struct buf *out, struct str text, bool escaped)
{
    size_t len = text.len < CONTRACT_FAULT_BYTES ? text.len : CONTRACT_FAULT_BYTES;
    for (size_t i = 0; i < len; i++) {
        char c = text.data[i] >= ' ' && text.data[i] <= '~' ? text.data[i] : '?';
        if (escaped && (c == '~' || c == '/'))
            buf_add_cstr(out, c == '~' ? "~0" : "~1");
        else
            buf_add_char(out, c);
    }
    if (len < text.len)
        buf_add_cstr(out, "...");
}

static void add_pointer(struct buf *out, const struct contract_place *place)
{
    if (!place->parent)
        return;
    add_pointer(out, place->parent);
    buf_add_char(out, '/');
    if (place->name.data)
        add_safe(out, place->name, true);
    else
        buf_add_u64(out, place->index);
}

static void add_found(struct buf *out, const struct value *value)
{
    static const char *const kinds[] = {
        [VALUE_STRUCTURE] = "an object",
        [VALUE_MAP] = "an object",
        [VALUE_LIST] = "a list",
        [VALUE_STRING] = "a string",
        [VALUE_BOOLEAN] = "a boolean",
        [VALUE_INTEGER] = "a number",
        [VALUE_DOUBLE] = "a number",
        [VALUE_TIME_MS] = "a number",
        [VALUE_RAW] = "null",
    };
    if (!value) {
        buf_add_cstr(out, "nothing");
    } else if (value->kind == VALUE_STRING && value->text.len <= CONTRACT_FAULT_BYTES) {
        buf_add_char(out, '"');
        add_safe(out, value->text, false);
        buf_add_char(out, '"');
    } else {
        buf_add_cstr(out, kinds[value->kind]);
        if (value->kind == VALUE_STRING)
            buf_printf(out, " of %zu bytes", value->text.len);
        if (value->kind == VALUE_LIST)
            buf_printf(out, " of %u", value->count);
    }
}

void contract_fault(const struct contract_place *place, const char *expected)
{
    struct buf *out = &place->check->text;
    if (place->check->count++ >= CONTRACT_FAULTS_MAX)
        return;
    if (out->len > 0)
        buf_add_cstr(out, "; ");
    if (place->parent)
        add_pointer(out, place);
    else
        buf_add_cstr(out, "the whole answer");
    buf_printf(out, ": expected %s, found ", expected);
    add_found(out, place->value);
}

struct str contract_check_text(const struct contract_check *check, struct arena *arena)
{
    struct str text = buf_str(&check->text);
    if (check->count <= CONTRACT_FAULTS_MAX)
        return text;
    return arena_printf(arena, "%.*s; and %zu more", STR_ARG(text),
                        check->count - CONTRACT_FAULTS_MAX);
}

struct str contract_check_message(const struct contract_check *check, const char *function,
                                  struct arena *arena)
{
    return arena_printf(arena, "the answer of %s does not keep to the contract of connectors: %.*s",
                        function, STR_ARG(contract_check_text(check, arena)));
}

bool contract_check_end(const struct contract_check *check, const char *function,
                        struct error *error)
{
    if (check->count == 0)
        return true;
    struct str text = buf_str(&check->text);
    return fail(error, ERR_CONNECTOR_SERVER,
                "Error while communicating to connector: the answer of %s does not keep to the "
                "contract of connectors: %.*s%s.",
                function, STR_ARG(text), check->count > CONTRACT_FAULTS_MAX ? "; and more" : "");
}

/* --- places --- */

static bool is_absent(const struct value *value)
{
    return !value || (value->kind == VALUE_RAW && str_eq(value->text, STR("null")));
}

struct contract_place contract_member(const struct contract_place *parent, const char *name)
{
    const struct value *value = parent->value ? value_get(parent->value, name) : NULL;
    return (struct contract_place){
        .check = parent->check,
        .value = is_absent(value) ? NULL : value,
        .parent = parent,
        .name = str_from(name),
    };
}

size_t contract_count(const struct contract_place *list)
{
    return list->value ? list->value->count : 0;
}

struct contract_place contract_item(const struct contract_place *list, size_t index)
{
    return (struct contract_place){
        .check = list->check,
        .value = list->value->items[index],
        .parent = list,
        .name = list->value->kind == VALUE_LIST ? STR_NULL : list->value->names[index],
        .index = index,
    };
}

static struct contract_place of_kind(struct contract_place place, enum value_kind kind,
                                     const char *expected)
{
    if (place.value && place.value->kind != kind) {
        contract_fault(&place, expected);
        place.value = NULL;
    }
    return place;
}

struct contract_place contract_object(const struct contract_place *parent, const char *name)
{
    return of_kind(contract_member(parent, name), VALUE_STRUCTURE, "an object");
}

static void fault_at_most(const struct contract_place *place, const char *what, size_t max,
                          const char *unit)
{
    struct arena *arena = place->check->text.arena;
    struct str expected = arena_printf(arena, "%s of at most %zu %s", what, max, unit);
    contract_fault(place, arena_cstr(arena, expected));
}

struct contract_place contract_list(const struct contract_place *parent, const char *name,
                                    size_t items_max)
{
    struct contract_place place = of_kind(contract_member(parent, name), VALUE_LIST, "a list");
    if (contract_count(&place) > items_max) {
        fault_at_most(&place, "a list", items_max, "items");
        place.value = NULL;
    }
    return place;
}

/* --- scalars --- */

struct str contract_place_text(const struct contract_place *place, size_t bytes_max)
{
    if (place->value && place->value->kind == VALUE_STRING && place->value->text.len <= bytes_max)
        return place->value->text;
    fault_at_most(place, "a string", bytes_max, "bytes");
    return STR_NULL;
}

struct str contract_text(const struct contract_place *parent, const char *name, size_t bytes_max)
{
    struct contract_place place = contract_member(parent, name);
    return place.value ? contract_place_text(&place, bytes_max) : STR_NULL;
}

struct str contract_needed_text(const struct contract_place *parent, const char *name,
                                size_t bytes_max)
{
    struct contract_place place = contract_member(parent, name);
    if (!parent->value)
        return STR_NULL; /* which is a fault already */
    struct str text = contract_place_text(&place, bytes_max);
    if (text.data && text.len == 0)
        contract_fault(&place, "a string that is not empty");
    return text;
}

bool contract_flag(const struct contract_place *parent, const char *name, bool when_absent)
{
    struct contract_place place =
        of_kind(contract_member(parent, name), VALUE_BOOLEAN, "a boolean");
    return place.value ? place.value->boolean : when_absent;
}

int64_t contract_integer(const struct contract_place *parent, const char *name, int64_t min,
                         int64_t max, int64_t when_absent)
{
    struct contract_place place = contract_member(parent, name);
    int64_t number = min;
    if (!place.value)
        return when_absent;
    if (place.value->kind == VALUE_INTEGER)
        number = place.value->integer;
    else if (place.value->kind == VALUE_DOUBLE)
        number = place.value->real <= (double)min   ? min
                 : place.value->real >= (double)max ? max
                                                    : (int64_t)place.value->real;
    else {
        contract_fault(&place, "a number");
        return when_absent;
    }
    return number < min ? min : number > max ? max : number;
}

int contract_word(const struct contract_place *place, const char *const *words, size_t count)
{
    if (!place->value)
        return -1;
    for (size_t i = 0; place->value->kind == VALUE_STRING && i < count; i++) {
        if (str_eq(place->value->text, str_from(words[i])))
            return (int)i;
    }
    struct buf expected = buf_in(place->check->text.arena, WORDS_TEXT_MAX);
    for (size_t i = 0; i < count; i++)
        buf_printf(&expected, "%s%s", i == 0 ? "one of " : ", ", words[i]);
    contract_fault(place, expected.data);
    return -1;
}
