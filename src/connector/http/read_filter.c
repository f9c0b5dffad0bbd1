/* Filters in a vendor's query language. What cannot be written so that it means the same, or keeps
 * more records, is left out: the flow applies all of its filters to what comes. A value never
 * leaves the literal that it is written as. */
#include "connector/http/read_source.h"

#include "base/buf.h"
#include "base/encode.h"
#include "connector/http/vendor_time.h"

#include <string.h>
#include <time.h>

enum {
    NUMBER_MAX = 32,      /* characters of a number that every vendor reads exactly */
    TIME_DIGITS_MAX = 14, /* of milliseconds: up to the year 5138 */
    SECOND_MS = 1000,
    DAY_MS = 24 * 60 * 60 * 1000,
};

/* Which side of a time keeps more records. */
enum bound { BOUND_NONE, BOUND_LOWER, BOUND_UPPER };

struct writing {
    const struct read_dialect *dialect;
    const char *name_marks;
    int64_t now_ms;
    size_t most; /* bytes of all filters */
    const struct read_literal *literal;
    const struct read_condition *condition;
    struct buf *out;
};

bool read_name_is_fit(const char *marks, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        if (!ascii_is_alnum(c) && (c == '\0' || !marks || !strchr(marks, c)))
            return false;
    }
    return name.len > 0;
}

/* --- texts --- */

static const char *escaped(const struct read_escapes *escapes, char c)
{
    for (size_t i = 0; i < escapes->count; i++) {
        if (escapes->rows[i].character == c)
            return escapes->rows[i].written;
    }
    return NULL;
}

static bool is_fit(const struct read_quoting *texts, struct str text)
{
    if (!utf8_is_valid(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' || c == 0x7F) && !escaped(&texts->escapes, (char)c))
            return false;
        if (texts->unfit && c != '\0' && strchr(texts->unfit, c))
            return false;
    }
    for (size_t i = 0; i < texts->unfit_words.count; i++) {
        if (str_eq_nocase(str_from(texts->unfit_words.rows[i]), text))
            return false;
    }
    return true;
}

static bool write_text(const struct writing *writing, struct str text)
{
    const struct read_quoting *texts = &writing->dialect->texts;
    const char *wildcard = writing->condition->wildcard;
    struct buf *out = writing->out;
    if (!is_fit(texts, text))
        return false;
    buf_add_cstr(out, texts->quote);
    buf_add_cstr(out, wildcard);
    for (size_t i = 0; i < text.len; i++) {
        const char *written = wildcard ? escaped(&texts->in_pattern, text.data[i]) : NULL;
        if (!written)
            written = escaped(&texts->escapes, text.data[i]);
        if (written)
            buf_add_cstr(out, written);
        else
            buf_add_char(out, text.data[i]);
    }
    buf_add_cstr(out, wildcard);
    buf_add_cstr(out, texts->quote);
    return true;
}

/* --- words, numbers, flags --- */

static bool write_word(const struct writing *writing, struct str text)
{
    const struct read_literal *literal = writing->literal;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.data[i]))
            return false;
    }
    return text.len == literal->length && write_text(writing, text);
}

static struct str without_digits(struct str text)
{
    while (text.len > 0 && ascii_is_digit(text.data[0]))
        text = (struct str){text.data + 1, text.len - 1};
    return text;
}

static struct str without_first(struct str text)
{
    return (struct str){text.data + 1, text.len - 1};
}

/* "-12", or "-12.50" where it may have a point. */
static bool write_number(const struct writing *writing, struct str text)
{
    struct str number = str_starts(text, STR("-")) ? without_first(text) : text;
    struct str rest = without_digits(number);
    bool is_number = rest.len < number.len;
    if (writing->literal->form == READ_NUMBER && str_starts(rest, STR("."))) {
        struct str fraction = without_first(rest);
        rest = without_digits(fraction);
        is_number = is_number && rest.len < fraction.len;
    }
    if (!is_number || rest.len > 0 || text.len > NUMBER_MAX)
        return false;
    buf_add(writing->out, text);
    return true;
}

static bool write_flag(const struct writing *writing, struct str text)
{
    bool is_true = str_eq_nocase(text, STR("true"));
    if (!is_true && !str_eq_nocase(text, STR("false")))
        return false;
    buf_add_cstr(writing->out, is_true ? "true" : "false");
    return true;
}

/* --- times --- */

/* Milliseconds since 1970, or RFC 3339, of which digits behind the third of a fraction are not
 * read: it is within the next millisecond, then. */
static bool read_time(struct str text, enum bound bound, struct arena *arena, int64_t *ret_ms)
{
    struct str digits = str_starts(text, STR("-")) ? without_first(text) : text;
    unsigned long long number;
    if (digits.len <= TIME_DIGITS_MAX && str_to_u64(digits, INT64_MAX, &number)) {
        *ret_ms = digits.len < text.len ? -(int64_t)number : (int64_t)number;
        return true;
    }
    bool is_day = text.len == strlen("2026-01-31");
    if (is_day)
        text = arena_printf(arena, "%.*sT00:00:00Z", STR_ARG(text));
    if (!vendor_time_parse(text, ret_ms) || (!is_day && bound == BOUND_NONE))
        return false;
    *ret_ms += !is_day && bound == BOUND_UPPER;
    return true;
}

static int64_t round_down(int64_t ms, int64_t unit_ms)
{
    int64_t rest = ms % unit_ms;
    return ms - (rest < 0 ? rest + unit_ms : rest);
}

static int64_t unit_of(enum read_form form)
{
    bool is_fine = form == READ_TIME_MS || form == READ_UNIX_MS;
    return form == READ_DATE ? DAY_MS : is_fine ? 1 : SECOND_MS;
}

/* The time in the form's unit that keeps what the given one keeps. False: there is none. */
static bool fit_time(const struct writing *writing, enum bound bound, int64_t *ms)
{
    const struct read_dialect *dialect = writing->dialect;
    int64_t unit_ms = unit_of(writing->literal->form);
    int64_t down_ms = round_down(*ms, unit_ms);
    if (bound == BOUND_NONE)
        return down_ms == *ms && dialect->zone_s == 0;
    if (bound == BOUND_LOWER)
        *ms = round_down(*ms - dialect->zone_s * SECOND_MS, unit_ms);
    else
        *ms = (down_ms == *ms ? down_ms : down_ms + unit_ms) + dialect->zone_s * SECOND_MS;
    int64_t newest_ms = writing->now_ms - dialect->newest_s * SECOND_MS;
    if (dialect->newest_s > 0 && *ms > newest_ms)
        *ms = round_down(newest_ms, unit_ms);
    return true;
}

/* Years of four digits, as all vendors read them. */
static bool print_time(enum read_form form, int64_t ms, struct buf *out)
{
    time_t seconds = (time_t)(round_down(ms, SECOND_MS) / SECOND_MS);
    struct tm tm;
    if (form == READ_UNIX_S || form == READ_UNIX_MS) {
        buf_add_i64(out, form == READ_UNIX_S ? (int64_t)seconds : ms);
        return ms >= 0;
    }
    if (!gmtime_r(&seconds, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
        return false;
    buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    if (form != READ_DATE)
        buf_printf(out, "%c%02d:%02d:%02d", form == READ_TIME ? ' ' : 'T', tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
    if (form == READ_TIME_MS)
        buf_printf(out, ".%03dZ", (int)(ms - round_down(ms, SECOND_MS)));
    return true;
}

static enum bound bound_of(struct str operation)
{
    return str_starts(operation, STR("GREATER_")) ? BOUND_LOWER
           : str_starts(operation, STR("LESS_"))  ? BOUND_UPPER
                                                  : BOUND_NONE;
}

static bool write_time(const struct writing *writing, struct str text)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    enum bound bound = bound_of(str_from(writing->condition->operation));
    int64_t ms;
    bool written = read_time(text, bound, &arena, &ms) && fit_time(writing, bound, &ms) &&
                   print_time(writing->literal->form, ms, writing->out);
    arena_done(&arena);
    return written;
}

/* --- filters --- */

static bool write_value(const struct writing *writing, struct str text)
{
    switch (writing->literal->form) {
    case READ_TEXT:
        return write_text(writing, text);
    case READ_WORD:
        return write_word(writing, text);
    case READ_NUMBER:
    case READ_INTEGER:
        return write_number(writing, text);
    case READ_FLAG:
        return write_flag(writing, text);
    case READ_TIME_MS:
    case READ_TIME:
    case READ_TIME_T:
    case READ_UNIX_S:
    case READ_UNIX_MS:
    case READ_DATE:
        return write_time(writing, text);
    }
    return false;
}

/* With what stands around it. */
static bool write_wrapped(const struct writing *writing, struct str text)
{
    const struct read_dialect *dialect = writing->dialect;
    const struct read_wrap *wrap = NULL;
    for (size_t i = 0; i < dialect->wraps.count && !wrap; i++) {
        if (strcmp(dialect->wraps.rows[i].type, writing->literal->type) == 0)
            wrap = &dialect->wraps.rows[i];
    }
    buf_add_cstr(writing->out, wrap ? wrap->before : NULL);
    if (!write_value(writing, text))
        return false;
    buf_add_cstr(writing->out, wrap ? wrap->after : NULL);
    return true;
}

static const struct read_literal *find_literal(const struct read_literals *literals,
                                               struct str type)
{
    for (size_t i = 0; i < literals->count; i++) {
        if (str_eq_nocase(str_from(literals->rows[i].type), type))
            return &literals->rows[i];
    }
    return NULL;
}

/* Forms that the flow and the vendor compare alike. */
static unsigned kind_of(enum read_form form)
{
    static const unsigned kinds[] = {READ_NUMBERS, READ_TIMES, 1 << READ_TEXT | 1 << READ_WORD};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (kinds[i] & 1U << form)
            return kinds[i];
    }
    return 1U << form;
}

/* NULL: it is not known that the vendor compares the field as the flow does. */
static const struct read_literal *choose_literal(const struct read_dialect *dialect,
                                                 const struct read_literals *literals,
                                                 const struct read_filter *filter)
{
    const struct read_literal *compared = find_literal(literals, filter->type);
    if (connector_texts_have(&dialect->fields, filter->field))
        return compared;
    if (dialect->fields_alone || (dialect->fields.count > 0 && dialect->bounds.count == 0))
        return NULL;
    const struct read_literal *described = find_literal(literals, filter->described);
    unsigned kind = compared                                        ? kind_of(compared->form)
                    : str_eq_nocase(filter->type, READ_FILTER_TIME) ? READ_TIMES
                                                                    : 0;
    return described && kind == kind_of(described->form) ? described : NULL;
}

static const struct read_condition *find_condition(const struct read_dialect *dialect,
                                                   struct str operation, enum read_form form)
{
    for (size_t i = 0; i < dialect->conditions.count; i++) {
        const struct read_condition *row = &dialect->conditions.rows[i];
        if (str_eq(str_from(row->operation), operation) && (row->forms & 1U << form))
            return row;
    }
    return NULL;
}

/* One filter with an operator of the dialect, for any of the values. */
static bool write_filter(struct writing *writing, struct str field, struct str operation,
                         const struct str *values, size_t count)
{
    const struct read_dialect *dialect = writing->dialect;
    struct buf *out = writing->out;
    writing->condition = find_condition(dialect, operation, writing->literal->form);
    bool is_single = dialect->is_value || !dialect->or ;
    if (!writing->condition || count == 0 || (is_single && count > 1))
        return false;
    if (count > 1)
        buf_add_cstr(out, dialect->or_before);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_cstr(out, dialect->or);
        if (!dialect->is_value) {
            buf_add(out, field);
            buf_add_cstr(out, writing->condition->sign);
        }
        if (!write_wrapped(writing, values[i]))
            return false;
        buf_add_cstr(out, dialect->close);
    }
    if (count > 1)
        buf_add_cstr(out, dialect->or_after);
    return true;
}

static bool write_between(struct writing *writing, const struct read_filter *filter)
{
    if (writing->dialect->is_value || filter->value_count != 2 ||
        !write_filter(writing, filter->field, STR("GREATER_THAN"), &filter->values[0], 1))
        return false;
    buf_add_cstr(writing->out, writing->dialect->between);
    return write_filter(writing, filter->field, STR("LESS_THAN"), &filter->values[1], 1);
}

/* STR_NULL: it cannot be written. */
static struct str filter_text(const struct writing *all, const struct read_filter *filter,
                              struct arena *arena)
{
    struct buf out = buf_in(arena, all->most);
    struct writing writing = *all;
    writing.out = &out;
    writing.literal = choose_literal(all->dialect, &all->dialect->literals, filter);
    if (!writing.literal || !read_name_is_fit(all->name_marks, filter->field))
        return STR_NULL;
    bool written = str_eq(filter->operation, STR("BETWEEN"))
                       ? write_between(&writing, filter)
                       : write_filter(&writing, filter->field, filter->operation, filter->values,
                                      filter->value_count);
    return written && !out.overflow ? buf_str(&out) : STR_NULL;
}

/* In the order of the vendor's times and numbers no text has its place, unless the vendor alone
 * applies the filter. Without a DATA_TYPE the flow compares digits with numbers, and all else as
 * texts. */
static const struct read_literal *bound_literal(const struct read_where_request *request,
                                                const struct read_filter *filter,
                                                const char *operation, struct str value)
{
    const struct read_dialect *dialect = request->dialect;
    const struct read_literals *literals =
        dialect->bound_literals.count > 0 ? &dialect->bound_literals : &dialect->literals;
    const struct read_literal *literal = choose_literal(dialect, literals, filter);
    bool is_apart = request->apart && connector_texts_have(request->apart, filter->field);
    bool is_order = strcmp(operation, "EQUAL_TO") != 0 && !is_apart;
    bool is_ordered = literal && 1U << literal->form & (READ_TIMES | READ_NUMBERS);
    bool is_said = filter->type.len > 0 || (value.len > 0 && str_is_digits(value));
    return !is_order || (is_ordered && is_said) ? literal : NULL;
}

struct str read_value_text(const struct read_where_request *request,
                           const struct read_filter *filter, const char *operation,
                           struct str value, struct arena *arena)
{
    const struct read_condition condition = {.operation = operation};
    struct buf out = buf_in(arena, request->most);
    const struct writing writing = {
        .dialect = request->dialect,
        .now_ms = request->now_ms,
        .literal = bound_literal(request, filter, operation, value),
        .condition = &condition,
        .out = &out,
    };
    bool written = writing.literal && write_wrapped(&writing, value);
    return written && !out.overflow ? buf_str(&out) : STR_NULL;
}

size_t read_url_len(struct str text)
{
    struct buf escaped = buf_on_heap(3 * text.len);
    encode_percent(&escaped, text, NULL);
    size_t len = escaped.len;
    buf_done(&escaped);
    return len;
}

/* A filter that the flow does not apply must be given to the vendor. */
static void note_left(struct read_where_request *request, const struct read_filter *filter,
                      struct arena *arena)
{
    if (request->apart && connector_texts_have(request->apart, filter->field) &&
        !read_bounds_have(request, filter, arena))
        request->problem = arena_printf(
            arena, "the filter on %.*s cannot be given to the vendor, which alone could apply it",
            STR_ARG(filter->field));
}

struct str read_where(struct read_where_request *request, struct arena *arena)
{
    const struct read_dialect *dialect = request->dialect;
    const struct read_query *query = request->query;
    const struct writing writing = {
        .dialect = dialect,
        .name_marks = request->name_marks,
        .now_ms = request->now_ms,
        .most = request->most,
    };
    struct buf where = buf_in(arena, request->most); /* no text is longer than it is in a URL */
    size_t taken = read_url_len(str_from(dialect->after));
    for (size_t i = 0; i < query->filter_count; i++) {
        bool is_full = dialect->is_value && where.len > 0;
        struct str text = is_full ? STR_NULL : filter_text(&writing, &query->filters[i], arena);
        struct str before = str_from(where.len > 0 ? dialect->between : dialect->before);
        size_t more = read_url_len(before) + read_url_len(text);
        if (!text.data || taken + more > request->most) {
            note_left(request, &query->filters[i], arena);
            continue;
        }
        taken += more;
        buf_add(&where, before);
        buf_add(&where, text);
    }
    if (where.len == 0)
        return dialect->none ? str_from(dialect->none) : STR("");
    buf_add_cstr(&where, dialect->after);
    return buf_str(&where);
}
