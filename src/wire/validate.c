/* Walks a decoded value beside its shape and collects what the model does not allow. */
#include "wire/validate.h"

#include "base/encode.h"

enum {
    VALUE_SHOWN_MAX = 200,                              /* bytes of a value in a message */
    VALUE_TAKEN_MAX = VALUE_SHOWN_MAX + UTF8_WIDTH_MAX, /* to see that there were more */
    SENTENCES_MAX = ERROR_MESSAGE_MAX - 48, /* bytes, without how many violations there are */
    SENTENCE_MAX = 16 * 1024,               /* bytes; an enum's sentence lists all its values */
};

/* What a shape can ask of a value, in the order in which AWS lists it. */
enum constraint {
    LENGTH_MAX,
    LENGTH_MIN,
    PATTERN,
    ENUM,
    VALUE_MAX,
    VALUE_MIN,
    NOT_NULL,
    CONSTRAINT_COUNT,
};

enum { NOT_NULL_BIT = 1 << NOT_NULL };

struct violations {
    struct buf sentences;
    size_t count;
    size_t shown;
    size_t kept; /* bytes of sentences that are complete */
};

void path_print(struct buf *out, const struct path *path)
{
    if (!path || !path->up)
        return;
    path_print(out, path->up);
    if (path->up->up)
        buf_add_char(out, '.');
    if (!path->name.data && path->number > 0)
        buf_printf(out, "%zu.member", path->number);
    else if (!path->name.data)
        buf_add_cstr(out, "value");
    for (size_t i = 0; i < path->name.len; i++) {
        char c = path->name.data[i];
        buf_add_char(out, i == 0 ? ascii_lower(c) : c);
    }
}

static void print_enum(struct buf *out, const struct shape *shape)
{
    buf_add_cstr(out, "Member must satisfy enum value set: [");
    for (size_t i = 0; i < shape->enum_count; i++) {
        buf_add_cstr(out, i > 0 ? ", " : "");
        buf_add(out, shape->enum_values[i]);
    }
    buf_add_char(out, ']');
}

static void print_constraint(struct buf *out, const struct shape *shape, enum constraint which)
{
    static const char *const text[CONSTRAINT_COUNT] = {
        [LENGTH_MAX] = "Member must have length less than or equal to ",
        [LENGTH_MIN] = "Member must have length greater than or equal to ",
        [PATTERN] = "Member must satisfy regular expression pattern: ",
        [VALUE_MAX] = "Member must have value less than or equal to ",
        [VALUE_MIN] = "Member must have value greater than or equal to ",
        [NOT_NULL] = "Member must not be null",
    };
    if (which == ENUM) {
        print_enum(out, shape);
        return;
    }
    buf_add_cstr(out, text[which]);
    if (which == PATTERN)
        buf_add(out, shape->pattern);
    else if (which == LENGTH_MAX || which == VALUE_MAX)
        buf_add_i64(out, shape->max);
    else if (which == LENGTH_MIN || which == VALUE_MIN)
        buf_add_i64(out, shape->min);
}

/* As Java prints collections: [a, b] and {k=v}. */
static void print_plain(struct buf *out, const struct value *value)
{
    bool list = value->kind == VALUE_LIST;
    if (value->kind == VALUE_STRING) {
        buf_add(out, utf8_cut(value->text, VALUE_TAKEN_MAX));
        return;
    }
    if (!list && value->kind != VALUE_MAP) {
        value_encode(out, value);
        return;
    }
    buf_add_char(out, list ? '[' : '{');
    for (size_t i = 0; i < value->count && out->len <= VALUE_SHOWN_MAX; i++) {
        buf_add_cstr(out, i > 0 ? ", " : "");
        if (!list) {
            buf_add(out, utf8_cut(value->names[i], VALUE_TAKEN_MAX));
            buf_add_char(out, '=');
        }
        print_plain(out, value->items[i]);
    }
    buf_add_char(out, list ? ']' : '}');
}

static void print_value(struct buf *out, const struct value *value, bool secret)
{
    if (secret && value) {
        buf_add_cstr(out, "Value");
        return;
    }
    if (!value) {
        buf_add_cstr(out, "Value null");
        return;
    }
    struct buf plain = buf_in(out->arena, SIZE_MAX / 2);
    print_plain(&plain, value);
    struct str shown = utf8_cut(buf_str(&plain), VALUE_SHOWN_MAX);
    buf_add_cstr(out, "Value '");
    buf_add(out, shown);
    buf_add_cstr(out, shown.len < plain.len ? "…'" : "'");
}

/* Counts a violation and, while there is room, starts its sentence. NULL: no room. */
static struct buf *sentence_open(struct violations *all, const struct path *path,
                                 const struct value *value, bool secret)
{
    if (++all->count > VIOLATIONS_SHOWN_MAX)
        return NULL;
    struct buf *out = &all->sentences;
    buf_add_cstr(out, all->shown > 0 ? "; " : "");
    print_value(out, value, secret);
    buf_add_cstr(out, " at '");
    path_print(out, path);
    buf_add_cstr(out, "' failed to satisfy constraint: ");
    return out;
}

/* A sentence that the message has no room for is left out whole, unless it is the only one. */
static void sentence_close(struct violations *all)
{
    if (all->sentences.len > SENTENCES_MAX && all->shown > 0) {
        all->sentences.len = all->kept;
        return;
    }
    all->kept = all->sentences.len;
    all->shown++;
}

/* One sentence a failed constraint. */
static void report(struct violations *all, const struct shape *shape, const struct path *path,
                   const struct value *value, bool secret, unsigned failed)
{
    for (unsigned which = 0; which < CONSTRAINT_COUNT; which++) {
        if (!(failed & 1U << which))
            continue;
        struct buf *out = sentence_open(all, path, value, secret);
        if (!out)
            continue;
        print_constraint(out, shape, which);
        sentence_close(all);
    }
}

/* Which constraints a shape has, as bits. */
static unsigned constraints_of(const struct shape *shape)
{
    unsigned all = 0;
    bool counted =
        shape->type == SHAPE_STRING || shape->type == SHAPE_LIST || shape->type == SHAPE_MAP;
    if (shape->has_max)
        all |= 1U << (counted ? LENGTH_MAX : VALUE_MAX);
    if (shape->has_min)
        all |= 1U << (counted ? LENGTH_MIN : VALUE_MIN);
    if (shape->pattern.data)
        all |= 1U << PATTERN;
    if (shape->enum_count > 0)
        all |= 1U << ENUM;
    return all;
}

/* One sentence for all elements together: it lists everything that is asked of them. */
static void report_elements(struct violations *all, const char *who, const struct shape *element,
                            const struct path *path, const struct value *value, bool secret,
                            unsigned failed)
{
    if (failed == 0)
        return;
    struct buf *out = sentence_open(all, path, value, secret);
    if (!out)
        return;
    unsigned listed = constraints_of(element) | (failed & NOT_NULL_BIT);
    bool first = true;
    buf_printf(out, "%s must satisfy constraint: [", who);
    for (unsigned which = 0; which < CONSTRAINT_COUNT; which++) {
        if (!(listed & 1U << which))
            continue;
        buf_add_cstr(out, first ? "" : ", ");
        print_constraint(out, element, which);
        first = false;
    }
    buf_add_char(out, ']');
    sentence_close(all);
}

static int64_t code_points(struct str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.data[i] & 0xC0) != 0x80;
    return count;
}

static unsigned check_number(const struct shape *shape, int64_t number, unsigned max_bit,
                             unsigned min_bit)
{
    unsigned failed = 0;
    if (shape->has_max && number > shape->max)
        failed |= 1U << max_bit;
    if (shape->has_min && number < shape->min)
        failed |= 1U << min_bit;
    return failed;
}

static bool in_enum(const struct shape *shape, struct str text)
{
    for (size_t i = 0; i < shape->enum_count; i++) {
        if (str_eq(shape->enum_values[i], text))
            return true;
    }
    return false;
}

static unsigned check_string(const struct shape *shape, struct str text)
{
    unsigned failed = 0;
    if (shape->has_max || shape->has_min)
        failed |= check_number(shape, code_points(text), LENGTH_MAX, LENGTH_MIN);
    if (shape->enum_count > 0 && !in_enum(shape, text))
        failed |= 1U << ENUM;
    /* A length past the bound also bounds what a pattern can cost. */
    bool bounded = !(failed & 1U << LENGTH_MAX);
    if (shape->pattern.data && bounded && !shape_pattern_matches(shape, text))
        failed |= 1U << PATTERN;
    return failed;
}

/* What it leads to is checked in its place: profile/credentials.h. */
static bool is_reference(const struct shape *shape, const struct value *value, bool secret)
{
    return secret && shape->enum_count == 0 && value->kind == VALUE_STRING &&
           value->text.len <= REFERENCE_TEXT_MAX &&
           str_starts(value->text, STR(REFERENCE_BEGINNING));
}

static unsigned check_scalar(const struct shape *shape, const struct value *value, bool secret)
{
    if (is_reference(shape, value, secret))
        return 0;
    if (value->kind == VALUE_STRING)
        return check_string(shape, value->text);
    if (value->kind == VALUE_INTEGER)
        return check_number(shape, value->integer, VALUE_MAX, VALUE_MIN);
    return value->kind == VALUE_RAW ? NOT_NULL_BIT : 0; /* the decoder's mark of a null */
}

static void check(struct violations *all, const struct shape *shape, const struct path *path,
                  const struct value *value, bool secret);

static void check_structure(struct violations *all, const struct shape *shape,
                            const struct path *path, const struct value *value, bool secret)
{
    size_t at = 0; /* the decoder keeps the model's order, so both advance together */
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[i];
        const struct shape *inner = &api_shapes[member->shape];
        struct path below = {.up = path, .name = member->name};
        if (at < value->count && value->names[at].data == member->name.data)
            check(all, inner, &below, value->items[at++], secret);
        else if (member->required)
            report(all, inner, &below, NULL, secret, NOT_NULL_BIT);
    }
}

static void check_list(struct violations *all, const struct shape *shape, const struct path *path,
                       const struct value *value, bool secret)
{
    const struct shape *element = &api_shapes[shape->element];
    unsigned failed = 0;
    for (size_t i = 0; i < value->count; i++) {
        const struct value *item = value->items[i];
        struct path below = {.up = path, .number = i + 1};
        if (element->type != SHAPE_STRUCTURE)
            failed |= check_scalar(element, item, secret);
        else if (item->kind == VALUE_RAW)
            report(all, element, &below, NULL, secret, NOT_NULL_BIT);
        else
            check(all, element, &below, item, secret);
    }
    report_elements(all, "Member", element, path, value, secret || element->sensitive, failed);
}

static void check_map(struct violations *all, const struct shape *shape, const struct path *path,
                      const struct value *value, bool secret)
{
    const struct shape *key = &api_shapes[shape->key];
    const struct shape *element = &api_shapes[shape->element];
    unsigned bad_keys = 0, bad_values = 0;
    for (size_t i = 0; i < value->count; i++) {
        bad_keys |= check_string(key, value->names[i]);
        bad_values |= check_scalar(element, value->items[i], secret);
    }
    secret = secret || key->sensitive || element->sensitive;
    report_elements(all, "Map keys", key, path, value, secret, bad_keys);
    report_elements(all, "Map value", element, path, value, secret, bad_values);
}

static void check(struct violations *all, const struct shape *shape, const struct path *path,
                  const struct value *value, bool secret)
{
    secret = secret || shape->sensitive;
    switch (shape->type) {
    case SHAPE_STRUCTURE:
        check_structure(all, shape, path, value, secret);
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
        report(all, shape, path, value, secret,
               check_number(shape, (int64_t)value->count, LENGTH_MAX, LENGTH_MIN));
        (shape->type == SHAPE_LIST ? check_list : check_map)(all, shape, path, value, secret);
        break;
    default:
        report(all, shape, path, value, secret, check_scalar(shape, value, secret));
        break;
    }
}

bool validate(const struct shape *shape, const struct value *value, struct arena *arena,
              struct error *error)
{
    struct violations all = {.sentences = buf_in(arena, SENTENCES_MAX + SENTENCE_MAX)};
    const struct path top = {0};
    check(&all, shape, &top, value, false);
    if (all.count == 0)
        return true;
    return fail(error, ERR_VALIDATION, "%zu validation error%s detected: %.*s", all.count,
                all.count == 1 ? "" : "s", STR_ARG(buf_str(&all.sentences)));
}
