/* Bytes as text and back: hex, base64, percent. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

void encode_hex(const void *bytes, size_t size, char *out); /* lower case, 2 * size chars and NUL */
bool decode_hex(struct str text, void *out, size_t size);   /* exactly `size` bytes or false */

struct str encode_base64(struct arena *arena, struct str bytes);    /* RFC 4648 4, padded */
struct str encode_base64url(struct arena *arena, struct str bytes); /* RFC 4648 5, no padding */
/* Strict: no blanks, no line breaks, right padding (base64) or none (base64url), no stray bits. */
bool decode_base64(struct arena *arena, struct str text, struct str *ret_bytes);
bool decode_base64url(struct arena *arena, struct str text, struct str *ret_bytes);

/* RFC 3986: everything but unreserved characters becomes %XX, upper case. `keep` names further
 * characters that stay as they are ("/" for paths); may be NULL. */
void encode_percent(struct buf *out, struct str text, const char *keep);
/* Refuses a '%' that is not followed by two hex digits. '+' is left alone. */
bool decode_percent(struct arena *arena, struct str text, struct str *ret_text);

/* HTML's text, also inside of an attribute's quotes. */
void encode_html(struct buf *out, struct str text);

/* A JSON string with its quotes. The text must be valid UTF-8. */
void encode_json_string(struct buf *out, struct str text);

bool utf8_is_valid(struct str text); /* RFC 3629: no overlong forms, no surrogates */

/* The first `most` bytes of UTF-8, less what would be a part of a character. */
struct str utf8_cut(struct str text, size_t most);

/* Bytes of the character that `text` begins with, and its code point. 0, and no code, when `text`
 * is empty or does not begin with a character. */
size_t utf8_next(struct str text, uint32_t *ret_code);
enum { UTF8_WIDTH_MAX = 4 }; /* bytes of a character */
/* Writes the character and returns its bytes. `code` is at most U+10FFFF. */
size_t utf8_put(uint32_t code, char *out);
