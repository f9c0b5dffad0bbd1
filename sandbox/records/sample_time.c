/* Times are written part by part; base/time_text.h reads them. */
#include "sandbox/records/sample_time.h"

#include "base/time_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { MS_US = 1000, TIME_LEN_MAX = 64 };

static void print_part(struct buf *out, char part, const struct tm *civil, int64_t ms)
{
    if (part == 'Y')
        buf_printf(out, "%04d", civil->tm_year + 1900);
    else if (part == 'm')
        buf_printf(out, "%02d", civil->tm_mon + 1);
    else if (part == 'd')
        buf_printf(out, "%02d", civil->tm_mday);
    else if (part == 'H')
        buf_printf(out, "%02d", civil->tm_hour);
    else if (part == 'M')
        buf_printf(out, "%02d", civil->tm_min);
    else if (part == 'S')
        buf_printf(out, "%02d", civil->tm_sec);
    else if (part == 'L')
        buf_printf(out, "%03d", (int)(ms % 1000));
    else if (part == 's')
        buf_add_i64(out, ms / 1000);
    else
        buf_printf(out, "%" PRId64, ms);
}

void sample_time_print(struct buf *out, struct str form, int64_t ms)
{
    struct tm civil;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &civil);
    for (size_t i = str_starts(form, STR("#")); i < form.len; i++) {
        if (form.data[i] == '%' && i + 1 < form.len)
            print_part(out, form.data[++i], &civil, ms);
        else
            buf_add_char(out, form.data[i]);
    }
}

bool sample_time_form_is_fit(struct str form)
{
    for (size_t i = 0; i < form.len; i++) {
        if (form.data[i] != '%')
            continue;
        i++;
        if (i == form.len || !memchr("YmdHMSLQs", form.data[i], 9))
            return false;
    }
    return form.len > 0;
}

bool sample_day_parse(struct str text, int64_t *ret_days)
{
    struct time_text time;
    bool is_day = time_text_read(text, TIME_TEXT_DAY, &time) && !time.has_clock;
    *ret_days = time.us / TIME_TEXT_DAY_US; /* its midnight */
    return is_day;
}

/* A text that ends with "+0100", with "+01:00" instead, as RFC 3339 has it. */
static struct str with_colon(struct str text, char out[TIME_LEN_MAX])
{
    enum { OFFSET_LEN = 5, MINUTES_LEN = 2 };
    if (text.len < OFFSET_LEN || text.len >= TIME_LEN_MAX ||
        !memchr("+-", text.data[text.len - OFFSET_LEN], 2))
        return text;
    size_t minutes_at = text.len - MINUTES_LEN;
    memcpy(out, text.data, minutes_at);
    out[minutes_at] = ':';
    memcpy(out + minutes_at + 1, text.data + minutes_at, MINUTES_LEN);
    return (struct str){out, text.len + 1};
}

bool sample_time_parse(struct str text, bool bare, int64_t *ret_ms)
{
    char space[TIME_LEN_MAX];
    struct time_text time;
    bool is_time = time_text_read(with_colon(text, space), bare ? TIME_TEXT_NO_ZONE : 0, &time) &&
                   !time.is_leap_second;
    *ret_ms = time.us / MS_US - (time.us % MS_US < 0);
    return is_time;
}
