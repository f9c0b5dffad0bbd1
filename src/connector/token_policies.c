/* One table of settings, which reading and writing share. */
#include "connector/token_policies.h"

#include "base/buf.h"
#include "connector/http/http_connector.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum {
    POLICIES_MAX = 128, /* methods of authentication whose policy is changed */
    TEXT_MAX = 1024,
};

enum setting_kind { SETTING_WORD, SETTING_FLAG, SETTING_TIME, SETTING_TEXT };

static const char *const rotations[] = {"possible", "never", "always", NULL};
static const char *const reuses[] = {"punished", "refused", NULL};
static const char *const probes[] = {"none", "introspection", "old-access-token", NULL};
static const char *const flags[] = {"no", "yes", NULL};

static const struct setting {
    const char *name;
    enum setting_kind kind;
    size_t at;                /* in struct token_policy */
    const char *const *words; /* by value */
    bool always;              /* it is shown whatever its value is */
} settings[] = {
    {"rotation", SETTING_WORD, offsetof(struct token_policy, rotation), rotations, true},
    {"reuse", SETTING_WORD, offsetof(struct token_policy, reuse), reuses, true},
    {"probe", SETTING_WORD, offsetof(struct token_policy, probe), probes, false},
    {"probe-path", SETTING_TEXT, offsetof(struct token_policy, probe_path), NULL, false},
    {"grace", SETTING_TIME, offsetof(struct token_policy, grace_s), NULL, false},
    {"margin", SETTING_TIME, offsetof(struct token_policy, margin_s), NULL, false},
    {"life", SETTING_TIME, offsetof(struct token_policy, life_s), NULL, false},
    {"idle", SETTING_TIME, offsetof(struct token_policy, idle_s), NULL, false},
    {"absolute", SETTING_TIME, offsetof(struct token_policy, absolute_s), NULL, false},
    {"old-access-ends", SETTING_FLAG, offsetof(struct token_policy, old_access_ends), flags, false},
    {"same-until-end", SETTING_FLAG, offsetof(struct token_policy, same_until_end), flags, false},
    {"busy", SETTING_TEXT, offsetof(struct token_policy, busy), NULL, false},
};

static_assert(sizeof(enum token_rotation) == sizeof(int) &&
                  sizeof(enum token_reuse) == sizeof(int) &&
                  sizeof(enum token_probe) == sizeof(int),
              "a word is an int");

enum { SETTINGS = sizeof(settings) / sizeof(*settings) };

static const struct unit {
    char letter;
    int seconds;
} units[] = {{'d', 24 * 60 * 60}, {'h', 60 * 60}, {'m', 60}, {'s', 1}};

enum { UNITS = sizeof(units) / sizeof(*units) };

/* Written at the start, read by any thread afterwards. */
static struct {
    struct arena arena;
    const struct token_policy *own[POLICIES_MAX];
    struct token_policy in_force[POLICIES_MAX];
    size_t count;
} changed;

/* --- reading --- */

static bool fail_for_words(const struct setting *setting, struct error *error)
{
    struct arena arena = {0};
    struct buf words = buf_in(&arena, TEXT_MAX);
    for (size_t i = 0; setting->words[i]; i++)
        buf_printf(&words, "%s%s",
                   i == 0                  ? ""
                   : setting->words[i + 1] ? ", "
                                           : " or ",
                   setting->words[i]);
    bool ok =
        fail(error, ERR_VALIDATION, "%.*s after \"%s:\"", STR_ARG(buf_str(&words)), setting->name);
    arena_done(&arena);
    return ok;
}

static bool read_word(const struct setting *setting, struct str text, int *ret_value,
                      struct error *error)
{
    for (int i = 0; setting->words[i]; i++) {
        if (str_eq(text, str_from(setting->words[i]))) {
            *ret_value = i;
            return true;
        }
    }
    return fail_for_words(setting, error);
}

static bool read_time(const struct setting *setting, struct str text, int *ret_seconds,
                      struct error *error)
{
    unsigned long long number = 0;
    struct str digits = {text.data, text.len > 0 ? text.len - 1 : 0};
    for (size_t i = 0; digits.len > 0 && i < UNITS; i++) {
        unsigned long long most = TOKEN_POLICY_TIME_MAX_S / (unsigned long long)units[i].seconds;
        if (text.data[text.len - 1] != units[i].letter || !str_to_u64(digits, most, &number))
            continue;
        *ret_seconds = (int)number * units[i].seconds;
        return true;
    }
    return fail(error, ERR_VALIDATION,
                "a time of at most ten years after \"%s:\", such as 30s, 15m, 2h or 30d",
                setting->name);
}

static bool read_text(const struct setting *setting, struct arena *arena, struct str text,
                      const char **ret_text, struct error *error)
{
    bool is_path = strcmp(setting->name, "probe-path") == 0;
    if (text.len == 0 || (is_path && text.data[0] != '/'))
        return fail(error, ERR_VALIDATION, "%s after \"%s:\"",
                    is_path ? "a path that begins with /" : "a text", setting->name);
    *ret_text = arena_cstr(arena, text);
    return true;
}

static bool read_value(const struct setting *setting, struct arena *arena, struct str text,
                       struct token_policy *policy, struct error *error)
{
    char *at = (char *)policy + setting->at;
    int value = 0;
    const char *string = NULL;
    switch (setting->kind) {
    case SETTING_WORD:
        if (!read_word(setting, text, &value, error))
            return false;
        memcpy(at, &value, sizeof(value));
        return true;
    case SETTING_FLAG:
        if (!read_word(setting, text, &value, error))
            return false;
        *(bool *)at = value == 1;
        return true;
    case SETTING_TIME:
        return read_time(setting, text, (int *)(void *)at, error);
    case SETTING_TEXT:
        if (!read_text(setting, arena, text, &string, error))
            return false;
        memcpy(at, &string, sizeof(string));
        return true;
    }
    return false;
}

static bool fail_for_names(struct error *error)
{
    struct arena arena = {0};
    struct buf names = buf_in(&arena, TEXT_MAX);
    for (size_t i = 0; i < SETTINGS; i++)
        buf_printf(&names, "%s%s",
                   i == 0             ? ""
                   : i + 1 < SETTINGS ? ", "
                                      : " or ",
                   settings[i].name);
    bool ok = fail(error, ERR_VALIDATION, "TYPE=SETTING:VALUE,... with a SETTING of %.*s",
                   STR_ARG(buf_str(&names)));
    arena_done(&arena);
    return ok;
}

static bool read_setting(struct arena *arena, struct str text, struct token_policy *policy,
                         struct error *error)
{
    struct str name, value;
    if (!str_cut(text, ':', &name, &value))
        return fail_for_names(error);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (str_eq(name, str_from(settings[i].name)))
            return read_value(&settings[i], arena, value, policy, error);
    }
    return fail_for_names(error);
}

static bool read_settings(struct arena *arena, struct str text, struct token_policy *policy,
                          struct error *error)
{
    bool more = true;
    while (more) {
        struct str setting = text, rest = STR_NULL;
        more = str_cut(text, ',', &setting, &rest);
        if (!read_setting(arena, str_trim(setting), policy, error))
            return false;
        text = rest;
    }
    return true;
}

/* A probe must be able to tell something. */
static bool check_probe(const struct connector_oauth2 *oauth2, const struct token_policy *policy,
                        struct error *error)
{
    if (policy->probe == PROBE_NONE)
        return true;
    if (!policy->probe_path)
        return fail(error, ERR_VALIDATION, "\"probe-path:/...\" where there is a probe");
    if (policy->probe == PROBE_INTROSPECTION && !oauth2->token_path)
        return fail(error, ERR_VALIDATION,
                    "another probe than introspection for this connector type, whose token URL "
                    "says nothing of other endpoints");
    return policy->probe != PROBE_OLD_ACCESS_TOKEN || policy->old_access_ends ||
           fail(error, ERR_VALIDATION,
                "\"old-access-ends:yes\" where the probe is old-access-token");
}

/* Calls `put` for each method of authentication of the connector that has a policy. */
static bool read_all(struct arena *arena, const char *text,
                     bool (*put)(const struct token_policy *own, const struct token_policy *policy,
                                 struct error *error),
                     struct error *error)
{
    struct str type, rest;
    if (!str_cut(str_from(text), '=', &type, &rest))
        return fail_for_names(error);
    const struct connector *connector = connector_by_type(type);
    size_t found = 0;
    for (size_t i = 0; connector && connector->http && i < connector->http->auth.count; i++) {
        const struct connector_oauth2 *oauth2 = connector->http->auth.rows[i].oauth2;
        if (!oauth2)
            continue;
        struct token_policy policy = *token_policy_in_force(&oauth2->policy);
        if (!read_settings(arena, rest, &policy, error) || !check_probe(oauth2, &policy, error) ||
            !put(&oauth2->policy, &policy, error))
            return false;
        found++;
    }
    return found > 0 ||
           fail(error, ERR_VALIDATION,
                "a connector type with OAuth tokens before \"=\", not \"%.*s\"", STR_ARG(type));
}

/* --- what holds --- */

static size_t find(const struct token_policy *own)
{
    size_t i = 0;
    while (i < changed.count && changed.own[i] != own)
        i++;
    return i;
}

static bool put(const struct token_policy *own, const struct token_policy *policy,
                struct error *error)
{
    size_t i = find(own);
    if (i == POLICIES_MAX)
        return fail(error, ERR_VALIDATION, "at most %d policies", POLICIES_MAX);
    changed.own[i] = own;
    changed.in_force[i] = *policy;
    changed.in_force[i].is_changed = true;
    if (i == changed.count)
        changed.count++;
    return true;
}

static bool put_nothing(const struct token_policy *own, const struct token_policy *policy,
                        struct error *error)
{
    (void)own, (void)policy, (void)error;
    return true;
}

bool token_policies_add(const char *text, struct error *error)
{
    return read_all(&changed.arena, text, put, error);
}

bool token_policy_check(const char *text, struct error *expected)
{
    struct arena arena = {0};
    bool ok = read_all(&arena, text, put_nothing, expected);
    arena_done(&arena);
    return ok;
}

void token_policies_clear(void)
{
    changed.count = 0;
    arena_done(&changed.arena);
}

const struct token_policy *token_policy_in_force(const struct token_policy *own)
{
    size_t i = find(own);
    return i < changed.count ? &changed.in_force[i] : own;
}

/* --- writing --- */

static struct str time_text(struct arena *arena, int seconds)
{
    size_t i = 0;
    while (seconds % units[i].seconds != 0)
        i++;
    return arena_printf(arena, "%d%c", seconds / units[i].seconds, units[i].letter);
}

/* What it is in the policy, as a word, time or text; empty: not set. */
static struct str value_of(struct arena *arena, const struct setting *setting,
                           const struct token_policy *policy)
{
    const char *at = (const char *)policy + setting->at, *string = NULL;
    int value = 0;
    switch (setting->kind) {
    case SETTING_TEXT:
        memcpy(&string, at, sizeof(string));
        return str_from(string ? string : "");
    case SETTING_FLAG:
        return str_from(*(const bool *)at ? setting->words[1] : "");
    case SETTING_WORD:
        memcpy(&value, at, sizeof(value));
        return str_from(value != 0 || setting->always ? setting->words[value] : "");
    case SETTING_TIME:
        memcpy(&value, at, sizeof(value));
        return value != 0 ? time_text(arena, value) : STR("");
    }
    return STR("");
}

struct str token_policy_text(struct arena *arena, const struct token_policy *policy)
{
    struct buf text = buf_in(arena, TEXT_MAX);
    for (size_t i = 0; i < SETTINGS; i++) {
        struct str value = value_of(arena, &settings[i], policy);
        if (value.len > 0)
            buf_printf(&text, "%s%s:%.*s", text.len > 0 ? ", " : "", settings[i].name,
                       STR_ARG(value));
    }
    return buf_str(&text);
}
