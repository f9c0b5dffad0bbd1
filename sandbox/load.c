/* Reads one vendor's sandbox file as a whole. */
#include "sandbox/reader.h"
#include "sandbox/records/load_records.h"
#include "wire/restjson.h"

static const struct member_rule vendor_members[] = {
    {"name", VALUE_STRING, true},        {"issuer", VALUE_STRING, false},
    {"hosts", VALUE_LIST, true},         {"responses", VALUE_STRUCTURE, true},
    {"not_found", VALUE_STRING, true},   {"credentials", VALUE_STRUCTURE, false},
    {"answers", VALUE_STRUCTURE, false}, {"routes", VALUE_LIST, true},
    {"oauth", VALUE_STRUCTURE, false},   {"profiles", VALUE_STRUCTURE, false},
    {"records", VALUE_STRUCTURE, false},
};

static const struct str outcome_names[OUTCOME_OWN] = {
    [OUTCOME_ACCEPTED] = STR("accepted"),
    [OUTCOME_REJECTED] = STR("rejected"),
    [OUTCOME_ANONYMOUS] = STR("anonymous"),
    [OUTCOME_ROTATING] = STR("rotating"),
    [OUTCOME_BAD_REQUEST] = STR("bad-request"),
    [OUTCOME_UNKNOWN_GRANT] = STR("unknown-grant"),
    [OUTCOME_UNKNOWN_CLIENT] = STR("unknown-client"),
    [OUTCOME_WRONG_SECRET] = STR("wrong-secret"),
    [OUTCOME_WRONG_CLIENT] = STR("wrong-client"),
    [OUTCOME_UNKNOWN_CODE] = STR("unknown-code"),
    [OUTCOME_USED_CODE] = STR("used-code"),
    [OUTCOME_EXPIRED_CODE] = STR("expired-code"),
    [OUTCOME_WRONG_VERIFIER] = STR("wrong-verifier"),
    [OUTCOME_WRONG_REDIRECT_URI] = STR("wrong-redirect-uri"),
    [OUTCOME_UNKNOWN_REFRESH_TOKEN] = STR("unknown-refresh-token"),
    [OUTCOME_USED_REFRESH_TOKEN] = STR("used-refresh-token"),
    [OUTCOME_BAD_ASSERTION] = STR("bad-assertion"),
    [OUTCOME_EXPIRED_ASSERTION] = STR("expired-assertion"),
    [OUTCOME_WRONG_AUDIENCE] = STR("wrong-audience"),
    [OUTCOME_UNKNOWN_SUBJECT] = STR("unknown-subject"),
    [OUTCOME_UNKNOWN_USER] = STR("unknown-user"),
    [OUTCOME_WRONG_HOST] = STR("wrong-host"),
};

static struct vendor *vendor_new(struct arena *arena)
{
    struct vendor *vendor = arena_new(arena, struct vendor);
    for (size_t i = 0; i < OUTCOME_OWN; i++)
        vendor->outcomes[i] = outcome_names[i];
    vendor->outcome_count = OUTCOME_OWN;
    return vendor;
}

static bool is_host_pattern(struct str host)
{
    for (size_t at = 0; at < host.len; at++) {
        char c = host.data[at];
        if (!ascii_is_lower_alnum(c) && c != '-' && c != '.' && c != '*')
            return false;
    }
    return true;
}

/* What stands after the last '*' is ".DOMAIN.TLD" at least. */
static bool leaves_a_domain(struct str host)
{
    struct str before, after = host, label, rest;
    while (str_cut(after, '*', &before, &after))
        ;
    if (after.len == host.len)
        return true;
    return str_cut(after, '.', &before, &rest) && before.len == 0 &&
           str_cut(rest, '.', &label, &rest) && label.len > 0 && rest.len > 0;
}

static bool check_hosts(const struct reader *reader, const struct vendor *vendor)
{
    struct str where = STR("hosts");
    for (size_t i = 0; i < vendor->host_count; i++) {
        struct str at = reader_at(reader, where, i);
        if (!is_host_pattern(vendor->hosts[i]))
            return reader_fail(reader, at, "must be a host name in lower case, '*' allowed.");
        if (!leaves_a_domain(vendor->hosts[i]))
            return reader_fail(reader, at, "takes in too much: end it in \".DOMAIN.TLD\".");
    }
    return vendor->host_count > 0 || reader_fail(reader, where, "is empty.");
}

static bool load_heading(struct reader *reader, const struct value *file)
{
    struct vendor *vendor = reader->vendor;
    if (!READER_CHECK(reader, STR("file"), file, vendor_members))
        return false;
    vendor->name = value_text(file, "name");
    vendor->issuer = value_text(file, "issuer");
    if (!vendor->issuer.data)
        vendor->issuer = vendor->name;
    if (vendor->name.len == 0 || vendor->name.len > 64)
        return reader_fail(reader, STR("name"), "must have 1 to 64 bytes.");
    return reader_texts(reader, STR("hosts"), value_get(file, "hosts"), &vendor->hosts,
                        &vendor->host_count) &&
           check_hosts(reader, vendor);
}

bool vendor_load(struct str file, struct str json, struct arena *arena, struct vendor **ret_vendor,
                 struct error *error)
{
    const struct sandbox_response *defaults[OUTCOMES_MAX] = {0};
    struct vendor_rules rules = {0};
    struct value *value;
    struct reader reader = {file, arena, error, vendor_new(arena)};
    if (json.len > VENDOR_FILE_MAX)
        return reader_fail(&reader, STR("file"), "is larger than %d bytes.", VENDOR_FILE_MAX);
    if (!json_parse(json, arena, &value))
        return reader_fail(&reader, STR("file"), "is not JSON.");
    if (!load_heading(&reader, value) || !load_responses(&reader, value_get(value, "responses")) ||
        !reader_response(&reader, STR("not_found"), value_text(value, "not_found"),
                         &reader.vendor->not_found) ||
        !load_rules(&reader, STR("credentials"), value_get(value, "credentials"), &rules) ||
        !load_answers(&reader, STR("answers"), value_get(value, "answers"), defaults) ||
        !load_routes(&reader, value_get(value, "routes"), &rules, defaults) ||
        !load_records(&reader, value_get(value, "records")) ||
        !load_oauth(&reader, value_get(value, "oauth"), defaults) ||
        !load_profiles(&reader, value_get(value, "profiles")))
        return false;
    *ret_vendor = reader.vendor;
    return true;
}
