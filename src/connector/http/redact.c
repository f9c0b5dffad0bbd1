/* Removing secrets from text. */
#include "connector/http/redact.h"

#include "base/buf.h"
#include "base/encode.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FORMS = 5, FORM_MAX = 256 * 1024, REDACTED_MAX = 16 * 1024 * 1024 };

void redact_add(struct redaction *redaction, struct str secret)
{
    if (secret.len < REDACT_LEN_MIN)
        return;
    if (redaction->count == redaction->capacity) {
        size_t capacity = redaction->capacity ? redaction->capacity * 2 : 16;
        struct str *grown = arena_array(redaction->arena, struct str, capacity);
        if (redaction->count > 0)
            memcpy(grown, redaction->secrets, redaction->count * sizeof(*grown));
        redaction->secrets = grown;
        redaction->capacity = capacity;
    }
    redaction->secrets[redaction->count++] = secret;
}

/* The API's structures nest a few levels, so this does, too. */
void redact_add_value(struct redaction *redaction, const struct value *value)
{
    if (!value)
        return;
    if (value->kind == VALUE_STRING && !(value->shape && value->shape->enum_count > 0))
        redact_add(redaction, value->text);
    for (size_t i = 0; i < value->count; i++)
        redact_add_value(redaction, value->items[i]);
}

static int longer_first(const void *a, const void *b)
{
    const struct str *left = a, *right = b;
    return (left->len < right->len) - (left->len > right->len);
}

static struct str percent_form(struct arena *arena, struct str secret)
{
    struct buf out = buf_in(arena, FORM_MAX);
    encode_percent(&out, secret, NULL);
    return buf_str(&out);
}

static struct str json_form(struct arena *arena, struct str secret)
{
    struct buf out = buf_in(arena, FORM_MAX);
    encode_json_string(&out, secret);
    struct str quoted = buf_str(&out);
    return (struct str){quoted.data + 1, quoted.len - 2};
}

/* Without the padding: what stands before it is the secret already. */
static struct str base64_form(struct arena *arena, struct str secret)
{
    struct str form = encode_base64(arena, secret);
    while (str_ends(form, STR("=")))
        form.len--;
    return form;
}

static struct str *all_forms(const struct redaction *redaction)
{
    struct arena *arena = redaction->arena;
    struct str *forms = arena_array(arena, struct str, redaction->count * FORMS);
    for (size_t i = 0; i < redaction->count; i++) {
        struct str secret = redaction->secrets[i];
        forms[i * FORMS] = secret;
        forms[i * FORMS + 1] = percent_form(arena, secret);
        forms[i * FORMS + 2] = json_form(arena, secret);
        forms[i * FORMS + 3] = base64_form(arena, secret);
        forms[i * FORMS + 4] = encode_base64url(arena, secret);
    }
    qsort(forms, redaction->count * FORMS, sizeof(*forms), longer_first);
    return forms;
}

static bool starts_with(struct str text, struct str form)
{
    return text.len >= form.len && strncasecmp(text.data, form.data, form.len) == 0;
}

struct str redact(const struct redaction *redaction, struct str text)
{
    struct buf out = buf_in(redaction->arena, REDACTED_MAX);
    struct str *forms = all_forms(redaction);
    size_t count = redaction->count * FORMS;
    while (text.len > 0) {
        size_t skip = 0;
        for (size_t i = 0; i < count && skip == 0; i++) {
            if (starts_with(text, forms[i]))
                skip = forms[i].len;
        }
        if (skip > 0)
            buf_add(&out, STR("[removed]"));
        else
            buf_add_char(&out, text.data[0]);
        skip += skip == 0;
        text = (struct str){text.data + skip, text.len - skip};
    }
    return buf_str(&out);
}
