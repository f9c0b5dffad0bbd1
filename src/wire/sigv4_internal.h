/* What the files of sigv4 share among themselves. */
#pragma once

#include "wire/sigv4.h"

/* A name as sent against one in lower case. Each header is looked for more than once in a request,
 * and most differ in length or first letter, which this sees without a call. */
static inline bool sigv4_name_is(struct str sent, struct str lower)
{
    if (sent.len != lower.len || sent.len == 0 || (sent.data[0] | 0x20) != (lower.data[0] | 0x20))
        return false;
    return str_eq_nocase(sent, lower);
}

/* The byte of a query that is written at `at` < text.len, "%2D" as well as "-"; a '%' that escapes
 * nothing is itself. Returns how many characters it takes, 1 or 3. */
size_t sigv4_query_byte(struct str text, size_t at, unsigned char *ret_byte);

/* "20150830T123600Z", or with `http` also "Sun, 30 Aug 2015 12:36:00 GMT" (RFC 9110 5.6.7). */
bool sigv4_time_parse(struct str text, bool http, int64_t *ret_ms);
void sigv4_time_format(int64_t ms, char out[SIGV4_TIMESTAMP_SIZE]);

/* As sigv4_parse_authorization; without a date (`dated` false) the text says that it is missing
 * too, since AWS tells everything that is missing in one message. */
_must_use_ bool sigv4_parse_header(struct str header, bool dated,
                                   struct sigv4_authorization *ret_authorization,
                                   struct error *error);

/* False when there is none for this very secret. */
bool sigv4_cache_get(struct sigv4_key_cache *cache, const struct sigv4_authorization *authorization,
                     struct str secret, unsigned char out[SHA256_SIZE]);
void sigv4_cache_put(struct sigv4_key_cache *cache, const struct sigv4_authorization *authorization,
                     struct str secret, const unsigned char key[SHA256_SIZE]);
