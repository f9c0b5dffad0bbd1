/* Members are passed on in the forms of their properties' types; the key's are the URL's, too. */
#include "connectors/sapodata/write.h"

#include "connectors/sapodata/value.h"

#include "base/encode.h"
#include "wire/json_members.h"

enum { KEY_MAX = 8 * 1024 }; /* bytes of all key values in a URL */

static const char no_object[] = "the record is no JSON object";
static const char no_key[] = "the record has no value of a key of the entity set";
static const char bad_key[] = "a key of the record is no value of its type";
static const char two_keys[] = "the record has two values of a key of the entity set";

static bool is_key(const struct sapodata_target *target, struct str name)
{
    for (size_t i = 0; i < target->key_count; i++) {
        if (str_eq(target->keys[i].name, name))
            return true;
    }
    return false;
}

const char *sapodata_record_add(const struct sapodata_target *target, struct str record,
                                bool is_update, struct buf *out)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    bool is_first = true;
    buf_add_char(out, '{');
    while (json_members_next(&members, &member)) {
        const struct sapodata_property *property = sapodata_property_find(target, member.name);
        if (is_update && is_key(target, member.name))
            continue;
        if (!is_first)
            buf_add_char(out, ',');
        is_first = false;
        buf_add_char(out, '"');
        buf_add(out, member.name);
        buf_add_cstr(out, "\":");
        sapodata_value_add(property ? property->type : STR_NULL, target->is_v4, member.value, out);
    }
    buf_add_char(out, '}');
    return members.fault ? no_object : NULL;
}

/* The value of one key. NULL, else why there is none. */
static const char *find_value(struct str record, struct str key, struct str *ret_value)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    *ret_value = STR_NULL;
    while (json_members_next(&members, &member)) {
        if (!str_eq(member.name, key))
            continue;
        if (ret_value->data)
            return two_keys;
        *ret_value = member.value;
    }
    if (members.fault)
        return no_object;
    bool is_empty =
        !ret_value->data || str_eq(*ret_value, STR("null")) || str_eq(*ret_value, STR("\"\""));
    return is_empty ? no_key : NULL;
}

const char *sapodata_record_key(const struct sapodata_target *target, struct str record,
                                struct arena *scratch, struct buf *out)
{
    struct buf key = buf_in(scratch, KEY_MAX);
    const char *fault = NULL;
    buf_add_char(&key, '(');
    for (size_t i = 0; i < target->key_count && !fault; i++) {
        const struct sapodata_property *property = &target->keys[i];
        struct str value;
        fault = find_value(record, property->name, &value);
        if (i > 0)
            buf_add_char(&key, ',');
        if (target->key_count > 1)
            buf_printf(&key, "%.*s=", STR_ARG(property->name));
        if (!fault && !sapodata_literal_add(property->type, target->is_v4, value, scratch, &key))
            fault = bad_key;
    }
    buf_add_char(&key, ')');
    if (!fault && key.overflow)
        fault = bad_key;
    if (!fault)
        encode_percent(out, buf_str(&key), "(),='");
    return fault;
}
