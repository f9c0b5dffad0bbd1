/* A list of short hashes as one text. */
#include "profile/replaced_tokens.h"

#include "base/encode.h"

#include <string.h>

enum { HASH_BYTES = 6 };

static struct str entry_of(struct arena *arena, const unsigned char *digest)
{
    return encode_base64(arena, (struct str){(const char *)digest, HASH_BYTES});
}

static bool has_entry(struct str list, struct str entry)
{
    for (size_t i = 0; i + REPLACED_TOKEN_CHARS <= list.len; i += REPLACED_TOKEN_CHARS) {
        if (memcmp(list.data + i, entry.data, REPLACED_TOKEN_CHARS) == 0)
            return true;
    }
    return false;
}

struct str replaced_tokens_add(struct arena *arena, struct str list, const unsigned char *digest)
{
    struct str entry = entry_of(arena, digest);
    const size_t kept_max = (size_t)(REPLACED_TOKENS_MAX - 1) * REPLACED_TOKEN_CHARS;
    if (has_entry(list, entry))
        return list;
    if (list.len > kept_max) {
        list.data += list.len - kept_max;
        list.len = kept_max;
    }
    return arena_printf(arena, "%.*s%.*s", STR_ARG(list), STR_ARG(entry));
}

bool replaced_tokens_has(struct arena *arena, struct str list, const unsigned char *digest)
{
    return has_entry(list, entry_of(arena, digest));
}
