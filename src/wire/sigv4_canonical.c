/* The canonical request: one text for all the ways in which one request can be written. */
#include "wire/sigv4_internal.h"

#include <stdlib.h>

static bool is_unreserved(char c)
{
    return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void add_escaped(struct buf *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};
    buf_add(out, (struct str){escaped, sizeof(escaped)});
}

/* As encode_percent, but a run of plain characters is one step: this is the hot path. */
static void add_encoded(struct buf *out, struct str text)
{
    size_t start = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (is_unreserved(text.data[i]))
            continue;
        buf_add(out, (struct str){text.data + start, i - start});
        add_escaped(out, (unsigned char)text.data[i]);
        start = i + 1;
    }
    if (start < text.len)
        buf_add(out, (struct str){text.data + start, text.len - start});
}

/* --- path --- */

/* Takes back the last "/segment" of what was added since `base`; no segment holds a '/'. */
static void drop_segment(struct buf *out, size_t base)
{
    while (out->len > base) {
        out->len--;
        if (out->data[out->len] == '/')
            return;
    }
}

enum path_form {
    PATH_NORMALIZED = 1, /* without empty and dot segments */
    PATH_ENCODED = 2,
};

static void add_segment(struct buf *out, struct str segment, size_t base, enum path_form form)
{
    bool normalize = form & PATH_NORMALIZED;
    if (normalize && (segment.len == 0 || str_eq(segment, STR("."))))
        return;
    if (normalize && str_eq(segment, STR(".."))) {
        drop_segment(out, base);
        return;
    }
    buf_add_char(out, '/');
    if (form & PATH_ENCODED)
        add_encoded(out, segment);
    else
        buf_add(out, segment);
}

static void add_path(struct buf *out, struct str path, enum path_form form)
{
    size_t base = out->len;
    struct str segment, rest = path;
    if (str_starts(path, STR("/")))
        rest = (struct str){path.data + 1, path.len - 1};
    while (str_cut(rest, '/', &segment, &rest))
        add_segment(out, segment, base, form);
    add_segment(out, rest, base, form);
    bool ends_in_slash = str_ends(path, STR("/"));
    if (out->len == base || ((form & PATH_NORMALIZED) && ends_in_slash))
        buf_add_char(out, '/');
}

struct str sigv4_normalized_target(struct arena *arena, struct str target)
{
    struct str path = target, query = STR_NULL;
    (void)str_cut(target, '?', &path, &query);
    if (!str_starts(path, STR("/")) ||
        (!str_contains(path, STR("//")) && !str_contains(path, STR("/."))))
        return target;
    struct buf out = buf_in(arena, target.len + 1);
    add_path(&out, path, PATH_NORMALIZED);
    if (query.data) {
        buf_add_char(&out, '?');
        buf_add(&out, query);
    }
    return buf_str(&out);
}

/* --- query --- */

struct parameter {
    struct str name;  /* encoded */
    struct str value; /* encoded */
};

size_t sigv4_query_byte(struct str text, size_t at, unsigned char *ret_byte)
{
    unsigned char byte = (unsigned char)text.data[at];
    int high = byte == '%' && text.len - at > 2 ? ascii_hex_digit(text.data[at + 1]) : -1;
    int low = high >= 0 ? ascii_hex_digit(text.data[at + 2]) : -1;
    *ret_byte = low >= 0 ? (unsigned char)(high << 4 | low) : byte;
    return low >= 0 ? 3 : 1;
}

/* Decodes and encodes again, so that "%2d" and "-" are one. */
static void add_recoded(struct buf *out, struct str text)
{
    unsigned char byte;
    for (size_t i = 0; i < text.len;) {
        i += sigv4_query_byte(text, i, &byte);
        if (is_unreserved((char)byte))
            buf_add_char(out, (char)byte);
        else
            add_escaped(out, byte);
    }
}

/* S3's form: "/a%2Fb" and "/a/b" are the same key. */
static void add_key_path(struct buf *out, struct str path)
{
    unsigned char byte;
    if (path.len == 0)
        buf_add_char(out, '/');
    for (size_t i = 0; i < path.len;) {
        i += sigv4_query_byte(path, i, &byte);
        if (is_unreserved((char)byte) || byte == '/')
            buf_add_char(out, (char)byte);
        else
            add_escaped(out, byte);
    }
}

/* "name=value&" for each parameter, in the order sent. */
static void recode_query(struct buf *out, struct str query)
{
    struct str piece, name, value, rest = query;
    while (rest.len > 0) {
        piece = rest;
        rest.len = 0;
        (void)str_cut(piece, '&', &piece, &rest);
        if (piece.len == 0)
            continue;
        name = piece;
        value = STR("");
        (void)str_cut(piece, '=', &name, &value);
        add_recoded(out, name);
        buf_add_char(out, '=');
        add_recoded(out, value);
        buf_add_char(out, '&');
    }
}

static bool split_recoded(struct str recoded, struct parameter *parameters, size_t *ret_count)
{
    size_t count = 0;
    struct str piece, rest = recoded;
    while (str_cut(rest, '&', &piece, &rest)) {
        if (count == SIGV4_QUERY_PARTS_MAX)
            return false;
        (void)str_cut(piece, '=', &parameters[count].name, &parameters[count].value);
        count++;
    }
    *ret_count = count;
    return true;
}

static int compare_parameters(const void *a, const void *b)
{
    const struct parameter *left = a, *right = b;
    int order = str_compare(left->name, right->name);
    return order != 0 ? order : str_compare(left->value, right->value);
}

static void add_query(struct buf *out, struct str query)
{
    if (query.len == 0)
        return;
    struct parameter parameters[SIGV4_QUERY_PARTS_MAX];
    size_t count = 0;
    _cleanup_(buf_done) struct buf recoded = buf_on_heap(SIGV4_CANONICAL_MAX);
    recode_query(&recoded, query);
    if (recoded.overflow || !split_recoded(buf_str(&recoded), parameters, &count)) {
        out->overflow = true;
        return;
    }
    qsort(parameters, count, sizeof(*parameters), compare_parameters);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_add_char(out, '&');
        buf_add(out, parameters[i].name);
        buf_add_char(out, '=');
        buf_add(out, parameters[i].value);
    }
}

/* --- headers --- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without blanks at both ends, and with each run of them inside as one. */
static void add_folded(struct buf *out, struct str value)
{
    size_t i = 0;
    bool first = true;
    while (i < value.len) {
        size_t start = i;
        while (i < value.len && !is_space(value.data[i]))
            i++;
        if (i > start && !first)
            buf_add_char(out, ' ');
        if (i > start) {
            buf_add(out, (struct str){value.data + start, i - start});
            first = false;
        }
        while (i < value.len && is_space(value.data[i]))
            i++;
    }
}

static void add_header(struct buf *out, const struct sigv4_request *request, struct str name)
{
    bool first = true;
    buf_add(out, name);
    buf_add_char(out, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        if (!sigv4_name_is(request->headers[i].name, name))
            continue;
        if (!first)
            buf_add_char(out, ',');
        add_folded(out, request->headers[i].value);
        first = false;
    }
    buf_add_char(out, '\n');
}

void sigv4_canonical_request(const struct sigv4_request *request, struct str signed_list,
                             const struct str *signed_headers, size_t signed_count,
                             struct str payload_hash, bool normalize_path, struct buf *out)
{
    buf_add(out, request->method);
    buf_add_char(out, '\n');
    if (request->s3)
        add_key_path(out, request->path);
    else
        add_path(out, request->path, PATH_ENCODED | (normalize_path ? PATH_NORMALIZED : 0));
    buf_add_char(out, '\n');
    add_query(out, request->query);
    buf_add_char(out, '\n');
    for (size_t i = 0; i < signed_count; i++)
        add_header(out, request, signed_headers[i]);
    buf_add_char(out, '\n');
    buf_add(out, signed_list);
    buf_add_char(out, '\n');
    buf_add(out, payload_hash);
}
