/* Records as a vendor's call has them: the members of a record are passed on as they are, and only
 * the one that it is found by is looked at. */
#include "connector/http/write_source.h"

#include "wire/json_members.h"

static const char no_object[] = "the record is no JSON object";
static const char no_key[] = "the record has no value of the field that it is found by";
static const char two_keys[] = "the record has two values of the field that it is found by";

static bool is_key(const struct write_item *item, struct str name)
{
    return item->key.data && (item->source->key == WRITE_KEY_OWN ? str_eq_nocase(name, item->key)
                                                                 : str_eq(name, item->key));
}

static bool is_empty(struct str value)
{
    return str_eq(value, STR("null")) || str_eq(value, STR("\"\""));
}

static void begin_member(struct buf *out, bool *is_first)
{
    if (!*is_first)
        buf_add_char(out, ',');
    *is_first = false;
}

static void add_member(const struct write_item *item, const struct json_text_member *member,
                       struct buf *out)
{
    bool renamed = is_key(item, member->name) && item->source->key_member;
    buf_add_char(out, '"');
    buf_add(out, renamed ? str_from(item->source->key_member) : member->name);
    buf_add_cstr(out, "\":");
    buf_add(out, member->value);
}

static const char *add_members(const struct write_item *item, struct str record, struct buf *out)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    bool is_first = true, has_key = false;
    if (item->members.len > 0) {
        begin_member(out, &is_first);
        buf_add(out, item->members);
    }
    while (json_members_next(&members, &member)) {
        if (connector_texts_have(&item->source->no_members, member.name))
            return "the record has a field with a name that is the vendor's own";
        if (is_key(item, member.name) && (has_key || is_empty(member.value)))
            return has_key ? two_keys : no_key;
        has_key = has_key || is_key(item, member.name);
        begin_member(out, &is_first);
        add_member(item, &member, out);
    }
    if (members.fault)
        return no_object;
    return has_key || !item->key.data ? NULL : no_key;
}

const char *write_item_add(const struct write_item *item, struct str record, struct buf *out)
{
    buf_add_char(out, '{');
    const char *fault = add_members(item, record, out);
    buf_add_char(out, '}');
    return fault;
}

static bool is_word(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_alnum(text.data[i]))
            return false;
    }
    return text.len > 0 && text.len <= WRITE_ID_MAX;
}

const char *write_item_key(const struct write_item *item, struct str record, struct str *ret_key)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    *ret_key = STR_NULL;
    while (json_members_next(&members, &member)) {
        struct str value = member.value;
        if (!is_key(item, member.name))
            continue;
        if (ret_key->data)
            return two_keys;
        if (str_starts(value, STR("\"")) && value.len > 1)
            value = (struct str){value.data + 1, value.len - 2};
        *ret_key = value;
    }
    if (members.fault)
        return no_object;
    if (ret_key->len == 0 || is_empty(*ret_key))
        return no_key;
    return is_word(*ret_key) ? NULL : "the field that the record is found by has no id in it";
}
