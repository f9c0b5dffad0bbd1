/* Cutting a text to its first bytes keeps the order (a <= b, then cut(a) <= cut(b)), so the least
 * cut text is a lower bound as it is. The greatest is none for those that were cut: its last
 * character is raised by one. */
#include "record/parquet_statistics.h"

#include "base/encode.h"

enum { CODE_MAX = 0x10ffff, SURROGATES = 0xd800, SURROGATES_END = 0xe000 };

void parquet_statistics_numbers(struct parquet_statistics *statistics, const int64_t *numbers,
                                size_t count)
{
    if (count == 0)
        return;
    int64_t min = statistics->any ? statistics->min : numbers[0];
    int64_t max = statistics->any ? statistics->max : numbers[0];
    for (size_t i = 0; i < count; i++) {
        min = numbers[i] < min ? numbers[i] : min;
        max = numbers[i] > max ? numbers[i] : max;
    }
    statistics->min = min;
    statistics->max = max;
    statistics->any = true;
}

void parquet_statistics_wide(struct parquet_statistics *statistics, __int128 number)
{
    if (!statistics->any || number < statistics->wide_min)
        statistics->wide_min = number;
    if (!statistics->any || number > statistics->wide_max)
        statistics->wide_max = number;
    statistics->any = true;
}

static int compare(const unsigned char *text, size_t len, const struct parquet_bound *bound)
{
    int order = memcmp(text, bound->bytes, len < bound->len ? len : bound->len);
    return order != 0 ? order : (len > bound->len) - (len < bound->len);
}

static void keep(struct parquet_bound *bound, const unsigned char *text, size_t len, bool cut)
{
    memcpy(bound->bytes, text, len);
    bound->len = len;
    bound->cut = cut;
    bound->key = parquet_text_key(text, len);
}

void parquet_statistics_near(struct parquet_statistics *statistics, const unsigned char *text,
                             size_t len)
{
    bool cut = len > PARQUET_BOUND_BYTES, first = !statistics->any;
    len = cut ? PARQUET_BOUND_BYTES : len;
    int low = first ? -1 : compare(text, len, &statistics->low);
    int high = first ? 1 : compare(text, len, &statistics->high);
    if (low < 0)
        keep(&statistics->low, text, len, cut);
    else if (low == 0) /* the shortest of those that begin so is the least */
        statistics->low.cut = statistics->low.cut && cut;
    if (high > 0)
        keep(&statistics->high, text, len, cut);
    else if (high == 0)
        statistics->high.cut = statistics->high.cut || cut;
    statistics->any = true;
}

static size_t character_len(unsigned char lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Where the last character begins; `len` is above 0. */
static size_t last_character(const unsigned char *bytes, size_t len)
{
    size_t at = len - 1;
    while (at > 0 && (bytes[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static size_t whole_characters(const unsigned char *bytes, size_t len)
{
    size_t at = len > 0 ? last_character(bytes, len) : 0;
    return len > 0 && at + character_len(bytes[at]) > len ? at : len;
}

static struct parquet_limit limit_of(const struct parquet_bound *bound, bool utf8)
{
    struct parquet_limit limit = {.exact = !bound->cut};
    limit.len = bound->cut && utf8 ? whole_characters(bound->bytes, bound->len) : bound->len;
    memcpy(limit.bytes, bound->bytes, limit.len);
    return limit;
}

static bool raise_byte(struct parquet_limit *limit)
{
    while (limit->len > 0 && limit->bytes[limit->len - 1] == 0xff)
        limit->len--;
    if (limit->len == 0)
        return false;
    limit->bytes[limit->len - 1]++;
    return true;
}

/* The next text of at most as many characters that is greater than all that begin with this one. */
static bool raise_character(struct parquet_limit *limit)
{
    while (limit->len > 0) {
        size_t at = last_character(limit->bytes, limit->len);
        char *last = (char *)limit->bytes + at;
        uint32_t code;
        if (utf8_next((struct str){last, limit->len - at}, &code) != limit->len - at)
            return raise_byte(limit); /* not UTF-8 */
        limit->len = at;
        if (code == CODE_MAX)
            continue;
        limit->len += utf8_put(code + 1 == SURROGATES ? SURROGATES_END : code + 1, last);
        return true;
    }
    return false;
}

void parquet_statistics_low(const struct parquet_statistics *statistics, bool utf8,
                            struct parquet_limit *ret_limit)
{
    *ret_limit = limit_of(&statistics->low, utf8);
}

bool parquet_statistics_high(const struct parquet_statistics *statistics, bool utf8,
                             struct parquet_limit *ret_limit)
{
    *ret_limit = limit_of(&statistics->high, utf8);
    if (ret_limit->exact)
        return true;
    return utf8 ? raise_character(ret_limit) : raise_byte(ret_limit);
}
