/* Extracting and sanitizing vendors' messages. Characters that can disguise text are dropped first,
 * then secrets are redacted, then the length is cut: in another order a secret could survive with
 * something invisible in it, or in two halves. */
#include "connector/http/vendor_message.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/url.h"
#include "connector/http/normal_form.h"
#include "wire/json_pointer.h"

#include <string.h>

/* Where messages usually are: RFC 6749, then the habits of JSON APIs, then bare codes. */
static const char *const usual[] = {
    "/error_description", "/error/message", "/message", "/errors/0/message",
    "/0/message",         "/description",   "/error",   "/errors/0",
};

/* Visible characters and single blanks, in valid UTF-8. */
static struct str printable(struct arena *arena, struct str text)
{
    struct buf out = buf_in(arena, VENDOR_MESSAGE_RAW_MAX);
    while (text.len > 0) {
        uint32_t code = ' ';
        size_t width = utf8_next(text, &code);
        enum char_kind kind = char_kind(code);
        width += width == 0;
        if (kind == CHAR_SEEN)
            buf_add(&out, (struct str){text.data, width});
        else if (kind == CHAR_BLANK && out.len > 0 && out.data[out.len - 1] != ' ')
            buf_add_char(&out, ' ');
        text = (struct str){text.data + width, text.len - width};
    }
    return buf_str(&out);
}

struct str vendor_message_clean(const struct redaction *redaction, struct str text)
{
    if (!text.data || text.len == 0 || text.len > VENDOR_MESSAGE_RAW_MAX)
        return STR_NULL;
    struct str clean = redact(redaction, printable(redaction->arena, text));
    struct str message = str_trim(utf8_cut(clean, VERDICT_MESSAGE_MAX));
    return message.len > 0 ? message : STR_NULL;
}

struct str vendor_message_clean_in(struct arena *arena, const struct redaction *redaction,
                                   struct str text)
{
    struct redaction there = *redaction;
    there.arena = arena;
    return vendor_message_clean(&there, text);
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
                               const struct vendor_response *response, bool is_private)
{
    static const struct connector_texts usual_list = LIST(usual);
    struct str text = STR_NULL;
    if (response->http.outcome != CLIENT_OK)
        return vendor_message_clean(redaction, str_from(response->http.detail));
    if (response->json)
        text = first_of(redaction->arena, response->json, &connector->http->messages);
    if (response->json && !text.data)
        text = first_of(redaction->arena, response->json, &usual_list);
    if (!text.data && response->http.status / 100 == 3 && !is_private)
        text = redirect_message(redaction->arena, response);
    if (!response->json && !response->html && response->http.status >= 400 && !is_private)
        text = response->http.body; /* but not of a success: half a token may be in it */
    return vendor_message_clean(redaction, text);
}
