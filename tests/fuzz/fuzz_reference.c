/* Any text as a value of credentials: what is read as a reference is the whole text, its parts are
 * pieces of it that a path, a variable or an ARN may have, and a refusal repeats nothing of it. */
#include "auth/reference.h"
#include "auth/reference_rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct reference_rules *rules;

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void is_part(const struct reference *reference, struct str part)
{
    const char *end = reference->text.data + reference->text.len;
    must(!part.data || part.len == 0 ||
         (part.data > reference->text.data && part.data + part.len <= end - 2));
    for (size_t i = 0; i < part.len; i++)
        must(part.data[i] > ' ' && part.data[i] <= '~' && part.data[i] != '{' &&
             part.data[i] != '}');
}

static void check_name(const struct reference *reference)
{
    struct str name = reference->name;
    must(name.len > 0);
    if (reference->kind == REFERENCE_FILE)
        must(name.data[0] == '/' && !str_contains(name, STR("/../")) &&
             !str_ends(name, STR("/..")) && !str_contains(name, STR("//")));
    else
        must(!memchr(name.data, ':', name.len));
    if (reference->kind == REFERENCE_ENV)
        must(!memchr(name.data, '=', name.len) && !memchr(name.data, '/', name.len));
}

/* The other account has no rule. */
static void check_grant(const struct reference *reference)
{
    struct reference_grant grant;
    must(!reference_allowed(rules, STR("111122223333"), reference, &grant, NULL));
    if (!reference_allowed(rules, STR("123456789012"), reference, &grant, NULL))
        return;
    must(reference->kind != REFERENCE_ENV); /* of which there is no rule */
    must(!reference->arn.data || str_eq(reference->account, STR("123456789012")));
    if (reference->kind == REFERENCE_FILE)
        must(str_eq(grant.directory, STR("/run/secrets")) && grant.path.len > 0 &&
             grant.path.data[0] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {"123456789012=file:/run/secrets",
                                        "123456789012=secretsmanager:app/*"};
    struct str text = {(const char *)data, size};
    struct reference reference;
    struct error error = {0};
    if (!rules)
        must(reference_rules_new(texts, 2, &rules, NULL));
    if (!reference_read(text, &reference, &error)) {
        must(error.code == ERR_VALIDATION);
        return 0;
    }
    must(reference_is_meant(text) && str_eq(reference.text, text) && size <= REFERENCE_MAX);
    const struct str parts[] = {reference.name,   reference.arn, reference.account,
                                reference.region, reference.key, reference.stage,
                                reference.version};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        is_part(&reference, parts[i]);
    check_name(&reference);
    check_grant(&reference);
    return 0;
}
