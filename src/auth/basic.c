/* HTTP Basic authentication. */
#include "auth/basic.h"

#include "base/encode.h"

struct str auth_basic(struct arena *arena, struct str user, struct str password)
{
    struct str pair = arena_printf(arena, "%.*s:%.*s", STR_ARG(user), STR_ARG(password));
    return arena_printf(arena, "Basic %.*s", STR_ARG(encode_base64(arena, pair)));
}
