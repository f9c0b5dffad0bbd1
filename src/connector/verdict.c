/* Verdicts as messages. */
#include "connector/verdict.h"

#include "base/buf.h"

enum { DESCRIPTION_MAX = 4096 };

static const char *const kind_names[] = {
    [VERDICT_ACCEPTED] = "accepted",       [VERDICT_REJECTED] = "rejected",
    [VERDICT_FORBIDDEN] = "forbidden",     [VERDICT_BLOCKED] = "blocked",
    [VERDICT_THROTTLED] = "throttled",     [VERDICT_BUSY] = "busy",
    [VERDICT_UNREACHABLE] = "unreachable", [VERDICT_MISCONFIGURED] = "misconfigured",
    [VERDICT_ABSENT] = "absent",           [VERDICT_INTERNAL] = "internal",
};

static const char *const step_names[] = {
    [STEP_NONE] = "none", [STEP_RESOLVE] = "resolve",   [STEP_CONNECT] = "connect",
    [STEP_TLS] = "tls",   [STEP_APP] = "app",           [STEP_TOKEN] = "token",
    [STEP_API] = "api",   [STEP_SETTINGS] = "settings",
};

/* What follows the vendor's name. */
static const char *const sentences[] = {
    [VERDICT_ACCEPTED] = "accepted the credentials",
    [VERDICT_REJECTED] = "rejected the credentials",
    [VERDICT_FORBIDDEN] = "accepted the credentials, but they lack a permission",
    [VERDICT_BLOCKED] = "request blocked",
    [VERDICT_THROTTLED] = "rate limit reached",
    [VERDICT_BUSY] = "is busy with another request",
    [VERDICT_UNREACHABLE] = "gave no usable response",
    [VERDICT_MISCONFIGURED] = "cannot be used with this configuration",
    [VERDICT_ABSENT] = "has no such entity",
    [VERDICT_INTERNAL] = "could not be verified because of an internal error",
};

/* No connection, or a response with a status that says why it is of no use. */
static const char *sentence_for(const struct verdict *verdict)
{
    bool no_connection =
        verdict->step == STEP_RESOLVE || verdict->step == STEP_CONNECT || verdict->step == STEP_TLS;
    if (verdict->kind == VERDICT_UNREACHABLE && no_connection)
        return "is unreachable";
    if (verdict->kind == VERDICT_UNREACHABLE && verdict->status != 0)
        return "returned an unexpected response";
    return sentences[verdict->kind];
}

const char *verdict_kind_name(enum verdict_kind kind)
{
    return kind_names[kind];
}

const char *verdict_step_name(enum verdict_step step)
{
    return step_names[step];
}

struct str verdict_describe(struct arena *arena, struct str connector_type,
                            const struct verdict *verdict)
{
    struct buf out = buf_in(arena, DESCRIPTION_MAX);
    buf_printf(&out, "%.*s %s", STR_ARG(connector_type), sentence_for(verdict));
    if (verdict->step != STEP_NONE)
        buf_printf(&out, " at step %s", verdict_step_name(verdict->step));
    if (verdict->status != 0)
        buf_printf(&out, " (HTTP %d)", verdict->status);
    if (verdict->retry_after_ms > 0)
        buf_printf(&out, ", retry after %lld seconds",
                   (long long)((verdict->retry_after_ms + 999) / 1000));
    if (verdict->message.len > 0) {
        buf_add_cstr(&out, ": ");
        buf_add(&out, verdict->message);
    }
    if (!str_ends(buf_str(&out), STR(".")))
        buf_add_char(&out, '.');
    if (verdict->hint.len > 0) {
        buf_add_char(&out, ' ');
        buf_add(&out, verdict->hint);
    }
    return buf_str(&out);
}
