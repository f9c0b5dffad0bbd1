/* Reads the profiles of a sandbox file, and fills in what must be fresh each time. */
#include "sandbox/profile.h"

#include "base/clock.h"
#include "base/encode.h"
#include "base/random.h"
#include "sandbox/jwt.h"
#include "sandbox/reader.h"
#include "sandbox/template.h"

enum { FRESH_SIZE = 8, TTL_S_MAX = 24 * 3600 };

static const struct member_rule profile_members[] = {
    {"shows", VALUE_STRING, true},
    {"properties", VALUE_STRUCTURE, true},
    {"credentials", VALUE_STRUCTURE, true},
};

static struct str make_fresh(struct arena *arena)
{
    unsigned char random[FRESH_SIZE];
    char hex[2 * FRESH_SIZE + 1];
    random_bytes(random, sizeof(random));
    encode_hex(random, sizeof(random), hex);
    return arena_copy(arena, str_from(hex));
}

static bool read_ttl(struct str text, int64_t *ret_ttl_s)
{
    unsigned long long size;
    bool negative = str_starts(text, STR("-"));
    if (negative)
        text = (struct str){text.data + 1, text.len - 1};
    if (!str_to_u64(text, TTL_S_MAX, &size))
        return false;
    *ret_ttl_s = negative ? -(int64_t)size : (int64_t)size;
    return true;
}

/* "sub=… aud=… ttl_s=…", in any order. A negative time to live: expired already. */
static bool make_jwt(const struct vendor *vendor, struct str arguments, struct arena *arena,
                     struct str *ret_text)
{
    struct jwt_claims claims = {0};
    int64_t ttl_s = 0;
    bool more = true;
    if (!vendor->oauth)
        return false;
    claims.issuer = vendor->oauth->clients[0].id;
    while (more) {
        struct str word = arguments, name, value;
        more = str_cut(arguments, ' ', &word, &arguments);
        if (!str_cut(word, '=', &name, &value))
            return false;
        if (str_eq(name, STR("sub")))
            claims.subject = value;
        else if (str_eq(name, STR("aud")))
            claims.audience = value;
        else if (!str_eq(name, STR("ttl_s")) || !read_ttl(value, &ttl_s))
            return false;
    }
    claims.expires_at_s = clock_wall_ms() / 1000 + ttl_s;
    *ret_text = jwt_make(arena, &claims);
    return ret_text->data != NULL;
}

static bool look_up(void *context, struct str name, struct arena *arena, struct str *ret_text)
{
    struct str word, arguments;
    if (str_eq(name, STR("fresh"))) {
        *ret_text = make_fresh(arena);
        return true;
    }
    return str_cut(name, ' ', &word, &arguments) && str_eq(word, STR("jwt")) &&
           make_jwt(context, arguments, arena, ret_text);
}

static struct template profile_template(const struct vendor *vendor, struct arena *arena)
{
    union {
        const struct vendor *read_only;
        void *context;
    } pass = {vendor};
    return (struct template){.arena = arena, .lookup = look_up, .context = pass.context};
}

struct value *profile_config(const struct vendor *vendor, const struct vendor_profile *profile,
                             struct arena *arena)
{
    struct template template = profile_template(vendor, arena);
    return template_expand(&template, profile->config);
}

static struct value *wrap(struct arena *arena, const char *key, struct value *value)
{
    struct value *structure = value_structure(arena);
    value_put(arena, structure, key, value);
    return structure;
}

static struct value *copy_of(struct arena *arena, const struct value *value)
{
    struct value *copy = value_new(arena, value->kind);
    *copy = *value;
    return copy;
}

static bool load_profile(struct reader *reader, struct str where, const struct value *value,
                         struct str key, struct vendor_profile *profile)
{
    struct arena *arena = reader->arena;
    if (!READER_CHECK(reader, where, value, profile_members))
        return false;
    const char *member = arena_cstr(arena, key);
    struct value *config = value_structure(arena);
    value_put(arena, config, "connectorProfileProperties",
              wrap(arena, member, copy_of(arena, value_get(value, "properties"))));
    value_put(arena, config, "connectorProfileCredentials",
              wrap(arena, member, copy_of(arena, value_get(value, "credentials"))));
    profile->shows = value_text(value, "shows");
    profile->config = config;
    struct arena scratch = {0};
    struct template template = profile_template(reader->vendor, &scratch);
    bool fills = template_expand(&template, config) != NULL;
    arena_done(&scratch);
    return fills || reader_fail(reader, where, "the placeholder {%.*s} cannot be filled.",
                                STR_ARG(template.unknown));
}

static const struct member_rule profiles_members[] = {
    {"key", VALUE_STRING, true},
    {"outcomes", VALUE_STRUCTURE, true},
};

bool load_profiles(struct reader *reader, const struct value *value)
{
    if (!value)
        return true;
    struct str where = STR("profiles.outcomes");
    if (!READER_CHECK(reader, STR("profiles"), value, profiles_members) ||
        !reader_check_map(reader, where, value_get(value, "outcomes"), VALUE_STRUCTURE))
        return false;
    const struct value *map = value_get(value, "outcomes");
    struct vendor_profile *profiles = arena_array(reader->arena, struct vendor_profile, map->count);
    for (size_t i = 0; i < map->count; i++) {
        profiles[i].name = map->names[i];
        if (!load_profile(reader, reader_in(reader, where, map->names[i]), map->items[i],
                          value_text(value, "key"), &profiles[i]))
            return false;
    }
    reader->vendor->profiles = profiles;
    reader->vendor->profile_count = map->count;
    return true;
}
