/* The header of a dry run's answer. */
#include "api/dry_run.h"

#include "base/buf.h"
#include "base/encode.h"

enum { MESSAGE_CUT = 200 }; /* bytes of the vendor's message where all of it has no room */

/* In ASCII, as headers are: other characters as UTF-16 code units (RFC 8259, 7). */
static void add_ascii(struct buf *out, struct str json)
{
    uint32_t code;
    for (size_t len; (len = utf8_next(json, &code)) > 0;
         json = (struct str){json.data + len, json.len - len}) {
        if (code < 0x80)
            buf_add_char(out, (char)code);
        else if (code < 0x10000)
            buf_printf(out, "\\u%04x", code);
        else
            buf_printf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                       0xdc00 + ((code - 0x10000) & 0x3ff));
    }
}

/* With one decimal: a step may take less than a millisecond. */
static void put_ms(struct arena *arena, struct value *structure, int64_t us)
{
    value_put_raw(
        arena, structure, "ms",
        arena_printf(arena, "%lld.%lld", (long long)(us / 1000), (long long)(us % 1000 / 100)));
}

static struct value *steps_of(struct arena *arena, const struct profile_verification *verification)
{
    struct value *steps = value_list(arena);
    for (int step = 0; step < STEP_COUNT; step++) {
        int64_t us = verification->times.us[step];
        if (us == 0)
            continue;
        struct value *row = value_structure(arena);
        value_put_text(arena, row, "step", str_from(verdict_step_name((enum verdict_step)step)));
        put_ms(arena, row, us);
        value_append(arena, steps, row);
    }
    return steps;
}

static struct str report_of(struct arena *arena, const struct profile_verification *verification)
{
    const struct verdict *verdict = &verification->verdict;
    struct value *report = value_structure(arena);
    struct buf json = buf_in(arena, 8 * DRY_RUN_REPORT_MAX);
    struct buf ascii = buf_in(arena, 8 * DRY_RUN_REPORT_MAX);
    value_put_text(arena, report, "verdict", str_from(verdict_kind_name(verdict->kind)));
    put_ms(arena, report, verification->took_us);
    value_put(arena, report, "steps", steps_of(arena, verification));
    if (verdict->kind != VERDICT_ACCEPTED && verdict->step != STEP_NONE)
        value_put_text(arena, report, "step", str_from(verdict_step_name(verdict->step)));
    if (verdict->status != 0)
        value_put_integer(arena, report, "status", verdict->status);
    if (verdict->retry_after_ms > 0)
        value_put_integer(arena, report, "retryAfterMs", verdict->retry_after_ms);
    if (verdict->message.len > 0)
        value_put_text(arena, report, "message", verdict->message);
    if (verdict->hint.len > 0)
        value_put_text(arena, report, "hint", verdict->hint);
    value_encode(&json, report);
    add_ascii(&ascii, buf_str(&json));
    return buf_str(&ascii);
}

void request_report_verification(struct api_request *request,
                                 const struct profile_verification *verification)
{
    struct profile_verification shown = *verification;
    struct verdict *verdict = &shown.verdict;
    if (!verification->is_made)
        return;
    const struct str messages[] = {verdict->message, utf8_cut(verdict->message, MESSAGE_CUT),
                                   STR_NULL};
    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        verdict->message = messages[i];
        request->report = report_of(request->arena, &shown);
        if (request->report.len <= DRY_RUN_REPORT_MAX)
            return;
    }
    verdict->hint = STR_NULL;
    request->report = report_of(request->arena, &shown);
}
