/* Lists what the sandbox knows: configurations that are ready to send, and what each shows. */
#include "base/encode.h"
#include "base/log.h"
#include "sandbox/catalog.h"
#include "sandbox/profile.h"
#include "sandbox/sandbox.h"

static const struct catalog *catalog_or_log(void)
{
    struct error error = {0};
    const struct catalog *catalog = catalog_builtin(&error);
    if (!catalog)
        log_error("%s", error.message);
    return catalog;
}

static void list_vendor(struct buf *out, const struct vendor *vendor)
{
    struct arena arena = {0};
    buf_add_char(out, '{');
    for (size_t i = 0; i < vendor->profile_count; i++) {
        const struct value *config = profile_config(vendor, &vendor->profiles[i], &arena);
        if (i > 0)
            buf_add_char(out, ',');
        encode_json_string(out, vendor->profiles[i].name);
        buf_add_char(out, ':');
        if (config)
            value_encode(out, config);
        else
            buf_add_cstr(out, "null");
    }
    buf_add_char(out, '}');
    arena_done(&arena);
}

void sandbox_list_json(struct buf *out)
{
    const struct catalog *catalog = catalog_or_log();
    bool first = true;
    buf_add_char(out, '{');
    for (size_t i = 0; catalog && i < catalog->count; i++) {
        if (catalog->vendors[i]->profile_count == 0)
            continue;
        if (!first)
            buf_add_char(out, ',');
        first = false;
        encode_json_string(out, catalog->vendors[i]->name);
        buf_add_char(out, ':');
        list_vendor(out, catalog->vendors[i]);
    }
    buf_add_char(out, '}');
}

void sandbox_list_text(struct buf *out)
{
    const struct catalog *catalog = catalog_or_log();
    for (size_t i = 0; catalog && i < catalog->count; i++) {
        const struct vendor *vendor = catalog->vendors[i];
        for (size_t k = 0; k < vendor->profile_count; k++)
            buf_printf(out, "%-16.*s %-28.*s %.*s\n", STR_ARG(vendor->name),
                       STR_ARG(vendor->profiles[k].name), STR_ARG(vendor->profiles[k].shows));
    }
}

/* "connectorProfileCredentials.Vendor.apiKey = text", one line per member that has a value. */
static void list_members(struct buf *out, struct arena *arena, struct str path,
                         const struct value *value)
{
    bool has_members = value->kind == VALUE_STRUCTURE || value->kind == VALUE_MAP;
    for (size_t i = 0; has_members && i < value->count; i++)
        list_members(out, arena,
                     arena_printf(arena, "%.*s%s%.*s", STR_ARG(path), path.len > 0 ? "." : "",
                                  STR_ARG(value->names[i])),
                     value->items[i]);
    if (has_members)
        return;
    buf_printf(out, "    %.*s = ", STR_ARG(path));
    if (value->kind == VALUE_STRING)
        buf_add(out, value->text);
    else
        value_encode(out, value);
    buf_add_char(out, '\n');
}

void sandbox_list_values(struct str connector_type, struct str outcome, struct buf *out)
{
    size_t index;
    struct arena arena = {0};
    const struct catalog *catalog = catalog_or_log();
    const struct vendor *vendor = catalog ? catalog_by_name(catalog, connector_type, &index) : NULL;
    for (size_t i = 0; vendor && i < vendor->profile_count; i++) {
        const struct vendor_profile *profile = &vendor->profiles[i];
        if (outcome.data && !str_eq(profile->name, outcome))
            continue;
        const struct value *config = profile_config(vendor, profile, &arena);
        buf_printf(out, "%.*s: %.*s\n", STR_ARG(profile->name), STR_ARG(profile->shows));
        if (config)
            list_members(out, &arena, STR(""), config);
        buf_add_char(out, '\n');
    }
    arena_done(&arena);
}

void sandbox_oauth_app(struct str connector_type, struct str *ret_client_id,
                       struct str *ret_client_secret)
{
    size_t index;
    const struct catalog *catalog = catalog_or_log();
    const struct vendor *vendor = catalog ? catalog_by_name(catalog, connector_type, &index) : NULL;
    if (vendor && !vendor->oauth) /* who shares a login has its app there */
        vendor = catalog_by_name(catalog, vendor->issuer, &index);
    bool has_app = vendor && vendor->oauth;
    *ret_client_id = has_app ? vendor->oauth->clients[0].id : STR_NULL;
    *ret_client_secret = has_app ? vendor->oauth->clients[0].secret : STR_NULL;
}
