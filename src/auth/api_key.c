/* Keys and tokens in headers. */
#include "auth/api_key.h"

bool auth_key_is_sendable(struct str key)
{
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.data[i];
        if (c < 0x20 || c == 0x7F)
            return false;
    }
    return true;
}

struct str auth_bearer(struct arena *arena, struct str token)
{
    return arena_printf(arena, "Bearer %.*s", STR_ARG(token));
}
