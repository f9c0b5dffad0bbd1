/* Searching for secrets and removing them. All normal forms of the text are put one behind the
 * other into one text, "the views", with a map back to the original. It is indexed once; then each
 * form of each secret is looked for in it. */
#include "connector/http/redact.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/encode.h"
#include "connector/http/gram_index.h"
#include "connector/http/normal_form.h"
#include "connector/http/secret_shape.h"

#include <string.h>

static const struct str removed = STR("[removed]");

enum {
    VIEWS = 4,            /* as it is and decoded, each folded in two ways */
    ALNUM_MIN = GRAM_LEN, /* letters and digits of a secret that FOLD_ALNUM may be used for */
    ENCODED_MIN = 5,      /* characters of an encoded form: fewer may be a part of a word */
    PIECE_SURE = 16,      /* characters of a piece that is longer than words */
    PIECE_CHANGES = 2,    /* of a shorter one that looks like no word */
    KNOWN_MAX = 8 * 1024, /* bytes of the properties that are compared */
};

/* What the GRAM_LEN bytes that begin at a byte of the views are a part of. */
enum secret_piece { PIECE_PLAIN = 1, PIECE_ENCODED = 2 };

struct search {
    struct arena *arena; /* for the search alone */
    struct arena *forms; /* for the forms of one secret */
    struct str text;
    struct normal_text decoded; /* or as it is, when nothing was encoded */
    struct normal_text views;   /* VIEWS at most, each with a NUL after it */
    size_t alnum_from;          /* in the views: where those of FOLD_ALNUM begin */
    struct gram_index grams;
    unsigned char *pieces; /* of enum secret_piece: a byte for each of the views */
    bool *marks;           /* a byte for each of the text: it goes */
};

/* --- what is known --- */

static void add(struct redaction *redaction, struct str text, bool whole)
{
    if (text.len < REDACT_LEN_MIN)
        return;
    for (size_t i = 0; i < redaction->count; i++) {
        struct redact_secret *known = &redaction->secrets[i];
        if (str_eq(known->text, text)) {
            known->whole = known->whole && whole;
            return;
        }
    }
    if (redaction->count == redaction->capacity) {
        size_t capacity = redaction->capacity ? redaction->capacity * 2 : 16;
        struct redact_secret *grown = arena_array(redaction->arena, struct redact_secret, capacity);
        if (redaction->count > 0)
            memcpy(grown, redaction->secrets, redaction->count * sizeof(*grown));
        redaction->secrets = grown;
        redaction->capacity = capacity;
    }
    redaction->secrets[redaction->count++] =
        (struct redact_secret){arena_copy(redaction->arena, text), whole};
}

void redact_add(struct redaction *redaction, struct str secret)
{
    add(redaction, secret, false);
}

void redact_add_whole(struct redaction *redaction, struct str text)
{
    add(redaction, text, true);
}

/* Members of credentials that name somebody or something; everything else there is a secret. A
 * piece of them may be an ordinary word or a part of an address. */
static bool is_identifier(const struct shape *shape)
{
    static const struct str names[] = {
        STR("ClientId"),
        STR("ClientCredentialsArn"),
        STR("CustomAuthenticationType"),
        STR("RedirectUri"),
        STR("String"),
        STR("Username"),
    };
    for (size_t i = 0; shape && i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq(shape->name, names[i]))
            return true;
    }
    return false;
}

/* The API's structures nest a few levels, so this does, too. */
void redact_add_value(struct redaction *redaction, const struct value *value)
{
    if (!value)
        return;
    if (value->kind == VALUE_STRING && !(value->shape && value->shape->enum_count > 0))
        add(redaction, value->text, is_identifier(value->shape));
    for (size_t i = 0; i < value->count; i++)
        redact_add_value(redaction, value->items[i]);
}

/* --- the views --- */

static void add_view(struct search *search, const struct normal_text *text, enum normal_fold fold)
{
    struct normal_text *views = &search->views;
    normal_fold(text, fold, views);
    views->starts[views->len] = views->ends[views->len] = 0;
    views->bytes[views->len++] = '\0'; /* folding leaves none, so nothing is found across it */
}

static void make_views(struct search *search)
{
    struct normal_text plain;
    normal_plain(search->arena, search->text, &plain);
    bool encoded = normal_decode(search->arena, search->text, true, &search->decoded);
    if (!encoded)
        search->decoded = plain;
    search->views = normal_text_new(search->arena, VIEWS * (search->text.len + 1), true);
    add_view(search, &plain, FOLD_BLANKS);
    if (encoded)
        add_view(search, &search->decoded, FOLD_BLANKS);
    search->alnum_from = search->views.len;
    add_view(search, &plain, FOLD_ALNUM);
    if (encoded)
        add_view(search, &search->decoded, FOLD_ALNUM);
    struct str views = {search->views.bytes, search->views.len};
    gram_index_make(search->arena, views, &search->grams);
    search->pieces = arena_array(search->arena, unsigned char, views.len);
    search->marks = arena_array(search->arena, bool, search->text.len);
}

/* The original of views[from, to) goes; of an encoded secret the rest of its run, too, which has
 * some of its bits. */
static void mark(struct search *search, size_t from, size_t to, bool encoded)
{
    struct str text = search->text;
    size_t start = search->views.starts[from], end = search->views.ends[to - 1];
    while (encoded && start > 0 && !search->marks[start - 1] &&
           (ascii_is_alnum(text.data[start - 1]) || strchr("+-_", text.data[start - 1])))
        start--;
    while (encoded && end < text.len && !search->marks[end] &&
           (ascii_is_alnum(text.data[end]) || strchr("+-_=", text.data[end])))
        end++;
    memset(search->marks + start, true, end - start);
}

/* --- forms of secrets --- */

static void find_whole(struct search *search, struct str form, enum normal_fold fold, bool encoded)
{
    const char *views = search->views.bytes, *at;
    const char *from = views + (fold == FOLD_ALNUM ? search->alnum_from : 0);
    const char *end = views + (fold == FOLD_ALNUM ? search->views.len : search->alnum_from);
    if (form.len >= GRAM_LEN && !gram_index_has(&search->grams, form.data))
        return;
    for (; from < end; from = at + form.len) {
        at = memmem(from, (size_t)(end - from), form.data, form.len);
        if (!at)
            return;
        mark(search, (size_t)(at - views), (size_t)(at - views) + form.len, encoded);
    }
}

/* A form of a secret. What is encoded is looked for in letters and digits only, and may be shorter,
 * since it is no word. */
static void find(struct search *search, struct str form, enum normal_fold fold, bool whole,
                 enum secret_piece piece)
{
    bool encoded = piece == PIECE_ENCODED;
    size_t least = encoded ? ENCODED_MIN : fold == FOLD_ALNUM ? ALNUM_MIN : REDACT_LEN_MIN;
    if (form.len < least)
        return;
    find_whole(search, form, fold, encoded);
    for (size_t i = 0; !whole && i + GRAM_LEN <= form.len; i++)
        gram_index_mark(&search->grams, form.data + i, (unsigned char)piece, search->pieces);
}

static struct str folded(struct search *search, const struct normal_text *text,
                         enum normal_fold fold)
{
    struct normal_text out = normal_text_new(search->forms, text->len, false);
    normal_fold(text, fold, &out);
    return str_trim((struct str){out.bytes, out.len});
}

static void find_folded(struct search *search, const struct normal_text *text, bool whole)
{
    find(search, folded(search, text, FOLD_BLANKS), FOLD_BLANKS, whole, PIECE_PLAIN);
    find(search, folded(search, text, FOLD_ALNUM), FOLD_ALNUM, whole, PIECE_PLAIN);
}

/* In base64 with `offset` bytes before it: the characters that only the secret decides. */
static struct str base64_core(struct search *search, struct str bytes, size_t offset)
{
    static const size_t shared[] = {0, 2, 3}; /* characters at the start that other bytes decide */
    char *shifted = arena_alloc(search->forms, offset + bytes.len);
    memcpy(shifted + offset, bytes.data, bytes.len);
    struct str core = encode_base64url(search->forms, (struct str){shifted, offset + bytes.len});
    size_t end = (offset + bytes.len) * 8 / 6;
    return (struct str){core.data + shared[offset], end - shared[offset]};
}

static void find_base64(struct search *search, struct str bytes, bool whole)
{
    for (size_t offset = 0; offset < 3; offset++) {
        struct str core = base64_core(search, bytes, offset);
        const struct normal_text text = {.bytes = (char *)core.data, .len = core.len};
        find(search, folded(search, &text, FOLD_ALNUM), FOLD_ALNUM, whole, PIECE_ENCODED);
    }
}

static void find_hex(struct search *search, struct str bytes, bool whole)
{
    char *hex = arena_take(search->forms, 2 * bytes.len + 1);
    encode_hex(bytes.data, bytes.len, hex);
    find(search, (struct str){hex, 2 * bytes.len}, FOLD_ALNUM, whole, PIECE_ENCODED);
}

/* Bodies and headers hold a secret percent-encoded or as JSON, and may be repeated in base64. */
static void find_base64_of_parts(struct search *search, struct str secret)
{
    struct buf percent = buf_in(search->forms, 3 * secret.len);
    struct buf json = buf_in(search->forms, 6 * secret.len + 2);
    encode_percent(&percent, secret, NULL);
    encode_json_string(&json, secret);
    if (percent.len != secret.len)
        find_base64(search, buf_str(&percent), false);
    if (json.len != secret.len + 2)
        find_base64(search, (struct str){json.data + 1, json.len - 2}, false);
}

/* Letters and digits that every form has: of a percent escape in it, a form may have one character.
 */
static size_t least_len(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ascii_is_alnum(text.data[i]);
        i += text.data[i] == '%' ? 2 : 0;
    }
    return count;
}

static void find_secret(struct search *search, const struct redact_secret *secret)
{
    struct normal_text plain = {.bytes = (char *)secret->text.data, .len = secret->text.len};
    struct normal_text decoded;
    if (secret->whole && least_len(secret->text) > search->text.len)
        return; /* no form of it is as short as the text */
    find_folded(search, &plain, secret->whole);
    if (normal_decode(search->forms, secret->text, false, &decoded))
        find_folded(search, &decoded, secret->whole);
    find_base64(search, secret->text, secret->whole);
    find_hex(search, secret->text, secret->whole);
    if (!secret->whole)
        find_base64_of_parts(search, secret->text);
}

/* --- pieces, and what looks like a secret --- */

/* Not letters alone, with blanks between and anything at the ends: those may be words of the
 * message that a password contains. */
static bool is_no_word(struct str piece)
{
    while (piece.len > 0 && !ascii_is_alnum(piece.data[0]))
        piece = (struct str){piece.data + 1, piece.len - 1};
    while (piece.len > 0 && !ascii_is_alnum(piece.data[piece.len - 1]))
        piece.len--;
    for (size_t i = 0; i < piece.len; i++) {
        if (!ascii_is_lower(piece.data[i]) && piece.data[i] != ' ')
            return true;
    }
    return false;
}

static bool tells_something(const struct search *search, size_t from, size_t to)
{
    size_t start = search->views.starts[from], end = search->views.ends[to - 1];
    return to - from >= PIECE_SURE ||
           is_no_word((struct str){search->views.bytes + from, to - from}) ||
           secret_shape_changes((struct str){search->text.data + start, end - start}) >=
               PIECE_CHANGES;
}

/* A piece is as long as grams of secrets begin at one byte after the other. */
static void mark_pieces(struct search *search)
{
    for (size_t from = 0, to; from < search->views.len; from = to + 1) {
        unsigned kinds = 0;
        for (to = from; search->pieces[to] != 0; to++)
            kinds |= search->pieces[to];
        if (kinds == 0)
            continue;
        size_t end = to - 1 + GRAM_LEN;
        from += search->views.bytes[from] == ' ';
        end -= search->views.bytes[end - 1] == ' ';
        if (kinds & PIECE_ENCODED || tells_something(search, from, end))
            mark(search, from, end, kinds & PIECE_ENCODED);
    }
}

static void add_known(struct buf *out, const struct value *value)
{
    if (value->kind == VALUE_STRING) {
        buf_add(out, value->text);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < value->count; i++)
        add_known(out, value->items[i]);
}

static struct str known_text(struct arena *arena, const struct value *properties)
{
    struct buf known = buf_in(arena, KNOWN_MAX);
    if (properties)
        add_known(&known, properties);
    return arena_lower(arena, buf_str(&known));
}

static void mark_unknown(struct search *search, const struct value *properties)
{
    struct str text = {search->decoded.bytes, search->decoded.len}, part, known = STR_NULL;
    for (size_t at = 0; secret_shape_next(text, &at, &part);) {
        size_t from = (size_t)(part.data - text.data);
        if (!known.data)
            known = known_text(search->arena, properties);
        if (str_contains(known, arena_lower(search->arena, part)))
            continue;
        size_t start = search->decoded.starts[from];
        memset(search->marks + start, true, search->decoded.ends[from + part.len - 1] - start);
    }
}

static struct str without_marked(const struct search *search, struct arena *arena)
{
    struct buf out = buf_in(arena, (search->text.len + 1) * removed.len);
    for (size_t i = 0; i < search->text.len; i++) {
        if (!search->marks[i])
            buf_add_char(&out, search->text.data[i]);
        else if (i == 0 || !search->marks[i - 1])
            buf_add(&out, removed);
    }
    return buf_str(&out);
}

struct str redact(const struct redaction *redaction, struct str text)
{
    _cleanup_(arena_done) struct arena arena = {0}, forms = {0};
    struct search search = {.arena = &arena, .forms = &forms, .text = text};
    if (text.len > REDACT_TEXT_MAX)
        return removed;
    make_views(&search);
    for (size_t i = 0; i < redaction->count; i++) {
        find_secret(&search, &redaction->secrets[i]);
        arena_reset(&forms);
    }
    mark_pieces(&search);
    if (!redaction->only_known)
        mark_unknown(&search, redaction->properties);
    return without_marked(&search, redaction->arena);
}
