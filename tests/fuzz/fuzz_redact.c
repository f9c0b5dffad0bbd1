/* Any bytes as a vendor's message around a secret that it repeats, and any as secret: after the
 * redaction the secret is in none of its forms, and the message is valid UTF-8 of a bounded length.
 * The first byte chooses the form, the second the secret's length. */
#include "connector/http/normal_form.h"
#include "connector/http/vendor_message.h"
#include "unit/secret_forms.h"

#include "base/encode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ALNUM_MIN = 8 };

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* The property is promised for secrets with enough letters and digits of their own, that is, also
 * when what looks like an escape in them is taken for one. "[" and "]" could make a secret out of
 * what it is replaced by. */
static bool is_promised(struct arena *arena, struct str secret)
{
    struct normal_text decoded = {.bytes = (char *)secret.data, .len = secret.len};
    size_t alnum = 0;
    (void)normal_decode(arena, secret, false, &decoded);
    for (size_t i = 0; i < decoded.len; i++)
        alnum += ascii_is_alnum(decoded.bytes[i]);
    return alnum >= ALNUM_MIN && utf8_is_valid(secret) && !memchr(secret.data, '[', secret.len) &&
           !memchr(secret.data, ']', secret.len);
}

static void check(struct arena *arena, struct str secret, const struct secret_form *form,
                  struct str before, struct str after)
{
    struct redaction redaction = {.arena = arena};
    struct str sent = secret_in_form(arena, secret, form);
    struct str text =
        arena_printf(arena, "%.*s %.*s %.*s", STR_ARG(before), STR_ARG(sent), STR_ARG(after));
    redact_add(&redaction, secret);
    struct str message = vendor_message_clean(&redaction, text);
    must(message.len <= VERDICT_MESSAGE_MAX && utf8_is_valid(message));
    if (text.len > REDACT_TEXT_MAX || !is_promised(arena, secret))
        return;
    struct str clean = redact(&redaction, text);
    for (size_t i = 0; i < secret_form_count; i++) {
        if (secret_forms[i].cut)
            continue;
        struct str found = secret_in_form(arena, secret, &secret_forms[i]);
        must(!str_contains(clean, found) && !str_contains(message, found));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    if (size < 2 || memchr(data + 2, '\0', size - 2))
        return 0;
    struct str rest = {(const char *)data + 2, size - 2}, before, after;
    const struct secret_form *form = &secret_forms[data[0] % secret_form_count];
    size_t secret_len = data[1] < rest.len ? data[1] : rest.len;
    struct str secret = {rest.data, secret_len};
    rest = (struct str){rest.data + secret_len, rest.len - secret_len};
    if (!str_cut(rest, '\n', &before, &after)) {
        before = rest;
        after = STR("");
    }
    check(&arena, secret, form, before, after);
    arena_done(&arena);
    return 0;
}
