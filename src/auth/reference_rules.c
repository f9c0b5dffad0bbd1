/* The rules are few, and looked through one by one. */
#include "auth/reference_rules.h"

#include "auth/aws_call.h"
#include "base/alloc.h"
#include "base/wildcard.h"
#include "vault/secret.h"

#include <stdlib.h>
#include <string.h>

#define FORM                                                                                       \
    "ACCOUNT=env:NAME, ACCOUNT=file:/DIRECTORY or ACCOUNT=secretsmanager:PATTERN with an account " \
    "of 12 digits"

struct rule {
    struct str account;
    enum reference_kind kind;
    struct str what;      /* a variable, a directory, a pattern */
    struct secret *value; /* of the variable; NULL: not taken */
};

struct reference_rules {
    struct arena arena;
    struct rule *rules;
    size_t count;
};

/* --- reading --- */

/* The server's own secrets are no values of others, and are taken elsewhere. */
static bool check_variable(struct str name, struct error *error)
{
    struct reference reference;
    struct arena arena = {0};
    struct str text = arena_printf(&arena, "{{resolve:env:%.*s}}", STR_ARG(name));
    bool good = reference_read(text, &reference, NULL);
    arena_done(&arena);
    if (!good)
        return fail(error, ERR_VALIDATION, FORM);
    return (!str_starts(name, STR("HEADGATE_")) && !str_starts(name, STR("AWS_")) &&
            !str_starts(name, STR("PG"))) ||
           fail(error, ERR_VALIDATION,
                "a variable that does not begin with AWS_, HEADGATE_ or PG: those are the server's "
                "own");
}

static bool check_directory(struct str path, struct error *error)
{
    struct reference reference;
    struct arena arena = {0};
    struct str text = arena_printf(&arena, "{{resolve:file:%.*s}}", STR_ARG(path));
    bool good = reference_read(text, &reference, NULL);
    arena_done(&arena);
    return good || fail(error, ERR_VALIDATION,
                        "the absolute path of a directory below /, without a / at its end");
}

static bool check_pattern(struct str pattern, struct error *error)
{
    bool good = pattern.len > 0 && pattern.len <= REFERENCE_NAME_MAX;
    for (size_t i = 0; good && i < pattern.len; i++)
        good = ascii_is_alnum(pattern.data[i]) || strchr("/_+=.@!-*?", pattern.data[i]);
    return good || fail(error, ERR_VALIDATION,
                        "a pattern of 1 to %d letters, digits and characters of /_+=.@!-*?",
                        REFERENCE_NAME_MAX);
}

static bool read_rule(struct str text, struct rule *ret_rule, struct error *error)
{
    static bool (*const checks[])(struct str what, struct error * error) = {
        [REFERENCE_SECRET] = check_pattern,
        [REFERENCE_ENV] = check_variable,
        [REFERENCE_FILE] = check_directory,
    };
    struct str rest, kind = STR_NULL;
    *ret_rule = (struct rule){0};
    if (!str_cut(text, '=', &ret_rule->account, &rest) ||
        !aws_account_is_valid(ret_rule->account) || !str_cut(rest, ':', &kind, &ret_rule->what))
        return fail(error, ERR_VALIDATION, FORM);
    for (size_t i = 0; i < REFERENCE_KINDS; i++) {
        ret_rule->kind = (enum reference_kind)i;
        if (str_eq(kind, str_from(reference_kind_name(ret_rule->kind))))
            return checks[i](ret_rule->what, error);
    }
    return fail(error, ERR_VALIDATION, FORM);
}

static bool is_same(const struct rule *a, const struct rule *b)
{
    return a->kind == b->kind && str_eq(a->account, b->account) && str_eq(a->what, b->what);
}

static bool add(struct reference_rules *rules, struct str text, struct error *error)
{
    struct rule *rule = &rules->rules[rules->count];
    if (!read_rule(arena_copy(&rules->arena, text), rule, error))
        return false;
    for (size_t i = 0; i < rules->count; i++) {
        if (is_same(&rules->rules[i], rule))
            return fail(error, ERR_VALIDATION, "each rule once; %.*s is given twice",
                        STR_ARG(text));
    }
    rules->count++;
    return true;
}

bool reference_rules_new(const char *const *texts, size_t count, struct reference_rules **ret_rules,
                         struct error *error)
{
    struct reference_rules *rules = xcalloc(1, sizeof(*rules));
    rules->rules = arena_array(&rules->arena, struct rule, count + 1);
    for (size_t i = 0; i < count; i++) {
        if (!add(rules, str_from(texts[i]), error)) {
            reference_rules_free(rules);
            return false;
        }
    }
    *ret_rules = rules;
    return true;
}

void reference_rules_free(struct reference_rules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->count; i++)
        secret_free(rules->rules[i].value);
    arena_done(&rules->arena);
    free(rules);
}

/* --- variables --- */

/* `what` is the end of its rule's text, so the NUL after the text ends it, too. */
static char *variable_of(const struct rule *rule)
{
    return rule->kind == REFERENCE_ENV ? getenv(rule->what.data) : NULL;
}

/* Several accounts may use one variable. */
static bool take(struct reference_rules *rules, struct rule *rule, struct error *error)
{
    const char *text = variable_of(rule);
    if (!text || !*text)
        return fail(error, ERR_VALIDATION,
                    "--reference %.*s=env:%.*s: the environment has no variable %.*s, or it is "
                    "empty.",
                    STR_ARG(rule->account), STR_ARG(rule->what), STR_ARG(rule->what));
    for (struct rule *each = rules->rules; each < rules->rules + rules->count; each++) {
        if (each->kind == REFERENCE_ENV && str_eq(each->what, rule->what))
            each->value = secret_new(str_from(text));
    }
    return true;
}

bool reference_rules_take_variables(struct reference_rules *rules, struct error *error)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct rule *rule = &rules->rules[i];
        if (rule->kind == REFERENCE_ENV && !rule->value && !take(rules, rule, error))
            return false;
    }
    reference_rules_wipe_variables(rules);
    return true;
}

void reference_rules_wipe_variables(const struct reference_rules *rules)
{
    for (size_t i = 0; rules && i < rules->count; i++) {
        char *text = variable_of(&rules->rules[i]);
        if (text)
            explicit_bzero(text, strlen(text));
    }
}

/* --- what is allowed --- */

static bool allows(const struct rule *rule, const struct reference *reference,
                   struct reference_grant *grant)
{
    struct str name = reference->name;
    switch (rule->kind) {
    case REFERENCE_SECRET:
        return wildcard_match(rule->what, name, WILDCARD_EMPTY | WILDCARD_ONE);
    case REFERENCE_ENV:
        if (!rule->value || !str_eq(rule->what, name))
            return false;
        grant->value = secret_reveal(rule->value);
        return true;
    default:
        if (!str_starts(name, rule->what) || name.len <= rule->what.len + 1 ||
            name.data[rule->what.len] != '/')
            return false;
        grant->directory = rule->what;
        grant->path = (struct str){name.data + rule->what.len + 1, name.len - rule->what.len - 1};
        return true;
    }
}

/* What the shortest rule that would allow it names; for a file the directory that it is in. */
static struct str wanted(const struct reference *reference)
{
    struct str name = reference->name;
    if (reference->kind == REFERENCE_FILE) {
        while (name.data[name.len - 1] != '/')
            name.len--;
        name.len -= name.len > 1;
    }
    return name;
}

bool reference_allowed(const struct reference_rules *rules, struct str account,
                       const struct reference *reference, struct reference_grant *ret_grant,
                       struct error *error)
{
    *ret_grant = (struct reference_grant){0};
    if (reference->arn.data && !str_eq(reference->account, account))
        return fail(error, ERR_VALIDATION,
                    "the secret is not of the account %.*s, and an account can use its own only",
                    STR_ARG(account));
    for (size_t i = 0; rules && i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (rule->kind == reference->kind && str_eq(rule->account, account) &&
            allows(rule, reference, ret_grant))
            return true;
    }
    return fail(error, ERR_VALIDATION,
                "the server's operator has not allowed it. The option --reference %.*s=%s:%.*s "
                "would allow it",
                STR_ARG(account), reference_kind_name(reference->kind), STR_ARG(wanted(reference)));
}
