/* Secrets go out of a recording value by value, so that the JSON around them stays as it is. */
#include "cli/connector_recording.h"

#include "base/buf.h"
#include "connector/http/redact.h"
#include "wire/json_value.h"

#include <errno.h>
#include <string.h>

static const char *const outcomes[] = {
    [FUNCTION_ANSWERED] = "answered",       [FUNCTION_FAILED] = "failed",
    [FUNCTION_TIMED_OUT] = "timed out",     [FUNCTION_CRASHED] = "crashed",
    [FUNCTION_TOO_LARGE] = "too large",     [FUNCTION_THROTTLED] = "throttled",
    [FUNCTION_DENIED] = "denied",           [FUNCTION_NOT_FOUND] = "not found",
    [FUNCTION_UNREACHABLE] = "unreachable",
};

/* Rewrites every string of a tree. */
static void rewrite(struct value *value,
                    struct str (*change)(const void *context, struct str text, struct arena *arena),
                    const void *context, struct arena *arena)
{
    if (value->kind == VALUE_STRING)
        value->text = change(context, value->text, arena);
    for (size_t i = 0; i < value->count; i++)
        rewrite(value->items[i], change, context, arena);
}

static struct str replaced(struct str text, struct str from, struct str to, struct arena *arena)
{
    struct buf out = buf_in(arena, FUNCTION_PAYLOAD_MAX);
    if (!str_contains(text, from))
        return text;
    buf_add_replaced(&out, text, from, to);
    return buf_str(&out);
}

static struct str name_of(const struct value *secret, size_t i, struct arena *arena)
{
    return arena_printf(arena, "{secret:%.*s}", STR_ARG(secret->names[i]));
}

/* --- out of requests, and back --- */

static struct str take_out(const void *context, struct str text, struct arena *arena)
{
    const struct value *secret = context;
    for (size_t i = 0; secret && i < secret->count; i++) {
        const struct value *item = secret->items[i];
        if (item->kind == VALUE_STRING && item->text.len >= REDACT_LEN_MIN)
            text = replaced(text, item->text, name_of(secret, i, arena), arena);
    }
    return text;
}

static struct str put_back(const void *context, struct str text, struct arena *arena)
{
    const struct value *secret = context;
    for (size_t i = 0; secret && i < secret->count; i++) {
        if (secret->items[i]->kind == VALUE_STRING)
            text = replaced(text, name_of(secret, i, arena), secret->items[i]->text, arena);
    }
    return text;
}

/* --- parts and encodings of a secret --- */

static struct str remove_secrets(const void *context, struct str text, struct arena *arena)
{
    if (text.len > REDACT_TEXT_MAX)
        return arena_printf(arena, "[removed: %zu bytes]", text.len);
    return redact(context, text);
}

/* Cursors and ids stay, which look like secrets: what is secret is known here. */
static void remove_all(struct value *value, const struct value *secret, struct arena *arena)
{
    struct redaction redaction = {.arena = arena, .only_known = true};
    redact_add_value(&redaction, secret);
    if (redaction.count > 0)
        rewrite(value, remove_secrets, &redaction, arena);
}

/* --- answers --- */

struct value *recording_answer(const struct connector_host_call *call, const struct value *secret,
                               struct arena *arena)
{
    struct value *answer;
    bool json = call->answer.outcome == FUNCTION_ANSWERED &&
                json_parse(call->answer.payload, arena, &answer);
    if (!json) {
        answer = value_structure(arena);
        value_put_text(arena, answer, "outcome", str_from(outcomes[call->answer.outcome]));
        value_put_text(arena, answer, "message",
                       call->answer.outcome == FUNCTION_ANSWERED ? STR("The answer is not JSON.")
                                                                 : call->answer.message);
    }
    remove_all(answer, secret, arena);
    return answer;
}

struct str recording_text(struct str text, const struct value *secret, struct arena *arena)
{
    struct value *itself = value_string(arena, text);
    remove_all(itself, secret, arena);
    return itself->text;
}

/* --- lines --- */

bool recording_write(FILE *file, const struct connector_host_call *call, const struct value *secret,
                     struct error *error)
{
    _cleanup_(arena_done) struct arena arena = {0};
    struct value *line = value_structure(&arena), *request;
    struct value *answer = recording_answer(call, secret, &arena);
    struct buf json = buf_in(&arena, RECORDING_LINE_MAX);
    if (!json_parse(call->request, &arena, &request))
        return fail(error, ERR_VALIDATION, "The request is not JSON.");
    rewrite(request, take_out, secret, &arena);
    remove_all(request, secret, &arena);
    value_put(&arena, line, "request", request);
    if (call->answer.outcome == FUNCTION_ANSWERED) {
        value_put_text(&arena, line, "outcome", STR("answered"));
        value_put(&arena, line, "answer", answer);
    } else {
        value_put_text(&arena, line, "outcome", value_text(answer, "outcome"));
        value_put_text(&arena, line, "message", value_text(answer, "message"));
    }
    value_encode(&json, line);
    buf_add_char(&json, '\n');
    if (json.overflow)
        return fail(error, ERR_TOO_LARGE, "A line of the recording is longer than 18 MB.");
    if (fwrite(json.data, 1, json.len, file) != json.len || fflush(file) != 0)
        return fail(error, ERR_UNAVAILABLE, "The recording cannot be written: %s.",
                    strerror(errno));
    return true;
}

bool recording_read(struct str text, const struct value *secret, struct arena *arena,
                    struct str *ret_request, struct value **ret_answer, struct error *error)
{
    struct value *line;
    struct buf json = buf_in(arena, FUNCTION_PAYLOAD_MAX);
    if (!json_parse(text, arena, &line))
        return fail(error, ERR_VALIDATION, "it is not JSON");
    struct value *request = (struct value *)value_get(line, "request");
    const struct value *answer = value_get(line, "answer");
    if (!request || request->kind != VALUE_STRUCTURE || !value_text(line, "outcome").data)
        return fail(error, ERR_VALIDATION, "it has no request, or no outcome");
    rewrite(request, put_back, secret, arena);
    value_encode(&json, request);
    if (json.overflow)
        return fail(error, ERR_VALIDATION, "its request is longer than 6 MB");
    *ret_request = buf_str(&json);
    *ret_answer = (struct value *)answer;
    if (!answer) {
        *ret_answer = value_structure(arena);
        value_put_text(arena, *ret_answer, "outcome", value_text(line, "outcome"));
        value_put_text(arena, *ret_answer, "message", value_text(line, "message"));
    }
    return true;
}
