/* Verdicts as the states, causes and messages that the API has for private connections. */
#include "profile/provisioning_state.h"

#include "base/buf.h"

#include <assert.h>
#include <string.h>

static const char *const causes[] = {
    [VERDICT_REJECTED] = "CONNECTOR_AUTHENTICATION",
    [VERDICT_FORBIDDEN] = "ACCESS_DENIED",
    [VERDICT_BLOCKED] = "ACCESS_DENIED",
    [VERDICT_THROTTLED] = "CONNECTOR_SERVER",
    [VERDICT_BUSY] = "CONNECTOR_SERVER",
    [VERDICT_UNREACHABLE] = "CONNECTOR_SERVER",
    [VERDICT_MISCONFIGURED] = "VALIDATION",
    [VERDICT_INTERNAL] = "INTERNAL_SERVER",
};

bool provisioning_is_pending(const struct provisioning *provisioning)
{
    return str_eq(provisioning->status, PROVISIONING_PENDING);
}

bool provisioning_check_settled(const struct profile *profile, struct error *error)
{
    return !provisioning_is_pending(&profile->provisioning) ||
           fail(error, ERR_CONFLICT,
                "The private connection of Connector Profile with name %.*s is still being made. "
                "Try again when its privateConnectionProvisioningState is CREATED or FAILED.",
                STR_ARG(profile->key.name));
}

struct provisioning provisioning_of(struct arena *arena, enum verdict_kind verdict,
                                    struct str sentence)
{
    if (verdict == VERDICT_ACCEPTED)
        return (struct provisioning){.status = STR("CREATED")};
    return (struct provisioning){
        .status = STR("FAILED"),
        .cause = str_from(causes[verdict]),
        .message = provisioning_message(arena, sentence),
    };
}

void provisioning_end(struct provisioning *provisioning, const struct provisioning *result)
{
    bool is_created = str_eq(result->status, STR("CREATED"));
    assert(provisioning_is_pending(provisioning) || str_eq(provisioning->status, result->status));
    assert(is_created || str_eq(result->status, STR("FAILED")));
    assert(is_created == !result->cause.data && is_created == !result->message.data);
    (void)is_created;
    *provisioning = *result;
}

/* [\s\w/!@#+=.-]* of the model, in ASCII. */
static bool is_allowed(char c)
{
    return ascii_is_alnum(c) || (c != '\0' && strchr("_/!@#+=.-", c));
}

static void add_blank(struct buf *out)
{
    struct str text = buf_str(out);
    if (text.len > 0 && text.data[text.len - 1] != ' ')
        buf_add_char(out, ' ');
}

/* Colons before blanks become dashes, so that the sentence can still be read; quotes vanish, and
 * what else is not allowed becomes one blank. */
struct str provisioning_message(struct arena *arena, struct str sentence)
{
    struct buf out = buf_in(arena, 4 * PROVISIONING_MESSAGE_MAX);
    for (size_t i = 0; i < sentence.len && out.len + 3 <= PROVISIONING_MESSAGE_MAX; i++) {
        char c = sentence.data[i];
        bool before_blank = i + 1 < sentence.len && sentence.data[i + 1] == ' ';
        if (is_allowed(c)) {
            buf_add_char(&out, c);
        } else if (c == ':' && before_blank) {
            add_blank(&out);
            buf_add_cstr(&out, "- ");
        } else if (c != '"' && c != '\'') {
            add_blank(&out);
        }
    }
    return str_trim(buf_str(&out));
}
