/* Extracting and sanitizing vendors' messages. Secrets are redacted first, then characters that can
 * disguise text are replaced, then the length is cut: in another order a secret could survive in
 * two halves. */
#include "connector/http/vendor_message.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/url.h"
#include "wire/json_pointer.h"

#include <string.h>

/* Where messages usually are: RFC 6749, then the habits of JSON APIs, then bare codes. */
static const char *const usual[] = {
    "/error_description", "/error/message", "/message", "/errors/0/message",
    "/0/message",         "/description",   "/error",   "/errors/0",
};

/* C1 controls, zero-width and direction marks, line separators: nothing a message needs, and able
 * to disguise what a person reads. */
static bool is_unfit(unsigned long c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* Bytes of the character at the start of `text`, and its code point; 0 when it is none. */
static size_t next_character(struct str text, unsigned long *ret_code)
{
    for (size_t width = 1; width <= 4 && width <= text.len; width++) {
        if (!utf8_is_valid((struct str){text.data, width}))
            continue;
        unsigned char first = (unsigned char)text.data[0];
        unsigned long code = width == 1 ? first : first & (0xFFU >> (width + 1));
        for (size_t i = 1; i < width; i++)
            code = code << 6 | ((unsigned char)text.data[i] & 0x3F);
        *ret_code = code;
        return width;
    }
    return 0;
}

static bool add_character(struct buf *out, struct str character, bool fit)
{
    if (!fit)
        character = STR(" ");
    if (out->len + character.len > VERDICT_MESSAGE_MAX)
        return false;
    bool doubled = str_eq(character, STR(" ")) && (out->len == 0 || out->data[out->len - 1] == ' ');
    if (!doubled)
        buf_add(out, character);
    return true;
}

struct str vendor_message_clean(const struct redaction *redaction, struct str text)
{
    if (!text.data || text.len == 0 || text.len > VENDOR_MESSAGE_RAW_MAX)
        return STR_NULL;
    struct str left = redact(redaction, text);
    struct buf out = buf_in(redaction->arena, VERDICT_MESSAGE_MAX);
    while (left.len > 0) {
        unsigned long code = 0;
        size_t width = next_character(left, &code);
        bool fit = width > 0 && !is_unfit(code);
        width += width == 0;
        if (!add_character(&out, (struct str){left.data, width}, fit))
            break;
        left = (struct str){left.data + width, left.len - width};
    }
    struct str message = str_trim(buf_str(&out));
    return message.len > 0 ? message : STR_NULL;
}

static struct str first_of(struct arena *arena, const struct value *json,
                           const struct connector_texts *pointers)
{
    for (size_t i = 0; i < pointers->count; i++) {
        struct str text = pointer_text(arena, json, pointers->rows[i]);
        if (text.len > 0)
            return text;
    }
    return STR_NULL;
}

/* Where a redirect leads, but for path and query, which may hold anything: a login page elsewhere
 * tells what is wrong. STR_NULL when it names no host. */
static struct str redirect_message(struct arena *arena, const struct vendor_response *response)
{
    const struct str *location = client_header(&response->http, STR("Location"));
    struct url_parts parts;
    struct url url;
    if (!location || !url_split(*location, &parts))
        return STR_NULL;
    if (!url_parse(arena, url_without_path(*location), NULL, &url, NULL))
        return STR_NULL;
    return arena_printf(arena, "it leads to %.*s", STR_ARG(url_text(arena, &url)));
}

struct str vendor_message_find(const struct redaction *redaction, const struct connector *connector,
                               const struct vendor_response *response)
{
    static const struct connector_texts usual_list = LIST(usual);
    struct str text = STR_NULL;
    if (response->http.outcome != CLIENT_OK)
        return vendor_message_clean(redaction, str_from(response->http.detail));
    if (response->json)
        text = first_of(redaction->arena, response->json, &connector->http->messages);
    if (response->json && !text.data)
        text = first_of(redaction->arena, response->json, &usual_list);
    if (!text.data && response->http.status / 100 == 3)
        text = redirect_message(redaction->arena, response);
    if (!response->json && !response->html && response->http.status >= 400)
        text = response->http.body; /* but not of a success: half a token may be in it */
    return vendor_message_clean(redaction, text);
}
