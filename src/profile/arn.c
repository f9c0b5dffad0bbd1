/* The model knows only the partition "aws". */
#include "profile/arn.h"

#include "base/random.h"

#include <inttypes.h>

struct str profile_arn(struct arena *arena, const struct profile_key *key)
{
    return arena_printf(arena, "arn:aws:appflow:%.*s:%.*s:connectorprofile/%.*s",
                        STR_ARG(key->region), STR_ARG(key->account), STR_ARG(key->name));
}

struct str credentials_arn(struct arena *arena, const struct profile_key *key, struct str label,
                           int64_t now_ms)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char random[6];
    char suffix[7] = "";
    random_bytes(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        suffix[i] = letters[random[i] % (sizeof(letters) - 1)];
    struct str name = label.len > 0
                          ? arena_printf(arena, "%.*s-%.*s", STR_ARG(label), STR_ARG(key->name))
                          : arena_printf(arena, "%.*s-%" PRId64, STR_ARG(key->name), now_ms);
    return arena_printf(arena, "arn:aws:secretsmanager:%.*s:%.*s:secret:appflow!%.*s-%.*s-%s",
                        STR_ARG(key->region), STR_ARG(key->account), STR_ARG(key->account),
                        STR_ARG(name), suffix);
}
