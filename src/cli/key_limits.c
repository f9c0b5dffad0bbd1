/* The options for the usual limits are written as a policy, so that a key has one kind of limit. */
#include "cli/key_limits.h"

#include "api/access_limits.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/time_text.h"
#include "wire/restjson.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { DAY_S = 24 * 60 * 60, HOUR_S = 60 * 60, MINUTE_S = 60, DAYS_MAX = 36500 };

/* --- the end --- */

bool read_span(struct str text, int64_t *ret_s)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'d', DAY_S}, {'h', HOUR_S}, {'m', MINUTE_S}, {'s', 1}};
    unsigned long long count;
    if (text.len < 2 || !str_to_u64((struct str){text.data, text.len - 1}, INT32_MAX, &count))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (text.data[text.len - 1] == units[i].unit) {
            *ret_s = (int64_t)count * units[i].seconds;
            return count > 0 && *ret_s <= (int64_t)DAYS_MAX * DAY_S;
        }
    }
    return false;
}

static bool read_expiry(const char *text, int64_t *ret_ms)
{
    int64_t span_s;
    struct time_text time;
    if (read_span(str_from(text), &span_s)) {
        *ret_ms = clock_wall_ms() + 1000 * span_s;
        return true;
    }
    bool ok = time_text_read(str_from(text), 0, &time);
    *ret_ms = time.us / 1000;
    return ok && *ret_ms > clock_wall_ms();
}

bool check_expiry(const char *text, struct error *expected)
{
    int64_t ms;
    return read_expiry(text, &ms) ||
           fail(expected, ERR_VALIDATION,
                "a time to come such as 2027-01-31T00:00:00Z, or how long from now: 90d, 12h, 30m");
}

/* --- the policy --- */

bool check_name_pattern(const char *text, struct error *expected)
{
    for (const char *c = text; *c; c++) {
        if (!ascii_is_alnum(*c) && !strchr("_.-*?!@#/", *c))
            return fail(expected, ERR_VALIDATION, "a name with * and ?, such as team-a-*");
    }
    return *text != '\0' || fail(expected, ERR_VALIDATION, "a name with * and ?");
}

static void add_list(struct buf *out, const char *before, const struct option_value *list,
                     const char *after)
{
    for (int i = 0; i < list->count; i++) {
        buf_printf(out, "%s\"%s", i > 0 ? "," : "", before);
        buf_printf(out, "%s%s\"", list->texts[i], after);
    }
}

static void add_conditions(struct buf *out, const struct options *options)
{
    const struct option_value *connectors = options_list(options, "connectors");
    bool sandbox = options_flag(options, "sandbox-only");
    if (connectors->count == 0 && !sandbox)
        return;
    buf_add(out, STR(",\"Condition\":{"));
    if (connectors->count > 0) {
        buf_add(out, STR("\"StringEquals\":{\"headgate:ConnectorType\":["));
        add_list(out, "", connectors, "");
        buf_printf(out, "]}%s", sandbox ? "," : "");
    }
    if (sandbox)
        buf_add(out, STR("\"Bool\":{\"headgate:Sandbox\":\"true\"}"));
    buf_add(out, STR("}"));
}

/* STR_NULL: none of the options is set. */
static struct str policy_of_options(const struct options *options, const char *account,
                                    struct arena *arena)
{
    const struct option_value *names = options_list(options, "names");
    bool reads = options_flag(options, "read-only");
    if (!reads && names->count == 0 && options_list(options, "connectors")->count == 0 &&
        !options_flag(options, "sandbox-only"))
        return STR_NULL;
    struct buf text = buf_in(arena, POLICY_TEXT_MAX);
    buf_printf(&text,
               "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
               "\"Action\":%s,\"Resource\":[",
               reads ? "[\"appflow:Describe*\",\"appflow:List*\"]" : "\"appflow:*\"");
    if (names->count > 0) {
        struct str before = arena_printf(arena, "arn:aws:appflow:*:%s:connectorprofile/", account);
        add_list(&text, before.data, names, "");
    } else {
        buf_add(&text, STR("\"*\""));
    }
    buf_add(&text, STR("]"));
    add_conditions(&text, options);
    buf_add(&text, STR("}]}"));
    return buf_str(&text);
}

static bool read_policy_file(const char *path, struct arena *arena, struct str *ret_text,
                             struct error *error)
{
    struct buf text = buf_in(arena, POLICY_TEXT_MAX + 1);
    char piece[1024];
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        while ((got = read(fd, piece, sizeof(piece))) > 0)
            buf_add(&text, (struct str){piece, (size_t)got});
    }
    int why = errno;
    if (fd >= 0)
        close(fd);
    *ret_text = str_trim(buf_str(&text));
    return got == 0 ||
           fail(error, ERR_VALIDATION, "The policy in %s cannot be read: %s.", path, strerror(why));
}

bool key_policy_read(const struct options *options, const char *account, struct arena *arena,
                     struct str *ret_text, struct error *error)
{
    const char *path = options_text(options, "policy");
    const struct policy *policy;
    *ret_text = policy_of_options(options, account, arena);
    if (path && ret_text->len > 0)
        return fail(error, ERR_VALIDATION,
                    "--policy excludes --read-only, --connectors, --names and --sandbox-only: say "
                    "it all in the policy.");
    if (path && !read_policy_file(path, arena, ret_text, error))
        return false;
    return ret_text->len == 0 || policy_read(*ret_text, arena, &policy, error);
}

bool key_limits_read(const struct options *options, const char *account, struct arena *arena,
                     struct str *ret_limits, struct error *error)
{
    const char *expires = options_text(options, "expires");
    struct str policy;
    int64_t expires_at_ms = 0;
    if (expires && !read_expiry(expires, &expires_at_ms))
        return fail(error, ERR_VALIDATION, "--expires %s is in the past.", expires);
    if (!key_policy_read(options, account, arena, &policy, error))
        return false;
    *ret_limits = access_limits_text(arena, policy, expires_at_ms);
    return true;
}

/* --- showing --- */

void key_limits_show(const struct access_key *key, struct arena *arena,
                     struct key_limits_shown *ret_limits)
{
    struct value *limits;
    *ret_limits = (struct key_limits_shown){0};
    if (key->limits.len == 0 || !json_parse(key->limits, arena, &limits))
        return;
    const struct value *policy = value_get(limits, "policy");
    ret_limits->expires_at_ms = 1000 * value_integer(limits, "expiresAt", 0);
    if (policy) {
        struct buf text = buf_in(arena, ACCESS_LIMITS_MAX);
        value_encode(&text, policy);
        ret_limits->policy = buf_str(&text);
    }
}
