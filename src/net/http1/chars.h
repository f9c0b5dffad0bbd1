/* Which bytes may stand where in a message, for the parser's files only (RFC 9110 5.5 and 5.6.2,
 * RFC 3986 3.3 and 3.4). */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    CHAR_TOKEN = 1,  /* a header's name */
    CHAR_VALUE = 2,  /* a header's value: visible, space, tab, and bytes from 0x80 */
    CHAR_TARGET = 4, /* path and query, with '[' and ']', which vendors use in queries */
    CHAR_HEX = 8,
    CHAR_METHOD = 16,
    CHAR_HOST = 32, /* a host name or IPv4 address */
};

extern const uint8_t http1_chars[256];

static inline bool char_is(char c, int kind)
{
    return (http1_chars[(unsigned char)c] & kind) != 0;
}

static inline bool chars_are(struct str s, int kind)
{
    bool all = true;
    for (size_t i = 0; i < s.len; i++)
        all &= char_is(s.data[i], kind);
    return all;
}
