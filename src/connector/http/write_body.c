/* Records as a vendor's call has them: the members of a record are passed on as they are, and only
 * the one that it is found by is looked at. */
#include "connector/http/write_source.h"

#include "wire/json_members.h"

enum { GROUP_NUMBER_MAX = 18 }; /* digits: fewer than 2^63 */

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

/* --- fields that are one member together --- */

/* The group that a field is in, and the rest of its name. */
static const struct write_group *group_of(const struct write_item *item, struct str name,
                                          struct str *ret_rest)
{
    const struct write_source *source = item->source;
    for (size_t i = 0; i < source->group_count; i++) {
        struct str prefix = str_from(source->groups[i].prefix);
        if (!str_starts(name, prefix))
            continue;
        *ret_rest = (struct str){name.data + prefix.len, name.len - prefix.len};
        return &source->groups[i];
    }
    return NULL;
}

/* A number is one of JSON's: without a zero before it. */
static bool rest_is_fit(const struct write_group *group, struct str rest)
{
    if (group->is_number && (rest.len > GROUP_NUMBER_MAX || str_starts(rest, STR("0"))))
        return false;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.data[i];
        if (!ascii_is_digit(c) &&
            (group->is_number || (!ascii_is_alnum(c) && c != '-' && c != '_' && c != ':')))
            return false;
    }
    return rest.len > 0;
}

static const char *add_group(const struct write_item *item, const struct write_group *group,
                             struct str record, struct buf *out)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    struct str rest;
    bool is_first = true;
    buf_printf(out, "\"%s\":%s", group->member, group->open);
    while (json_members_next(&members, &member)) {
        if (str_eq(member.name, str_from(group->member)))
            return "the record has a member whole, and fields of it";
        if (group_of(item, member.name, &rest) != group)
            continue;
        if (!rest_is_fit(group, rest))
            return "the record has a field whose name cannot be one of the vendor's own fields";
        begin_member(out, &is_first);
        buf_add_cstr(out, group->before);
        buf_add(out, rest);
        buf_add_cstr(out, group->between);
        buf_add(out, member.value);
        buf_add_cstr(out, group->after);
    }
    buf_add_cstr(out, group->close);
    return NULL;
}

/* --- members --- */

static const char *add_groups(const struct write_item *item, struct str record, unsigned seen,
                              bool *is_first, struct buf *out)
{
    for (size_t i = 0; i < item->source->group_count; i++) {
        if (!(seen & 1U << i))
            continue;
        begin_member(out, is_first);
        const char *fault = add_group(item, &item->source->groups[i], record, out);
        if (fault)
            return fault;
    }
    return NULL;
}

static const char *add_members(const struct write_item *item, struct str record, struct buf *out)
{
    struct json_members members = json_members_of(record);
    struct json_text_member member;
    struct str rest;
    bool is_first = true, has_key = false;
    unsigned seen = 0;
    if (item->members.len > 0) {
        begin_member(out, &is_first);
        buf_add(out, item->members);
    }
    while (json_members_next(&members, &member)) {
        const struct write_group *group = group_of(item, member.name, &rest);
        if (connector_texts_have(&item->source->no_members, member.name))
            return "the record has a field with a name that is the vendor's own";
        if (is_key(item, member.name) && (has_key || is_empty(member.value)))
            return has_key ? two_keys : no_key;
        has_key = has_key || is_key(item, member.name);
        if (group) {
            seen |= 1U << (group - item->source->groups);
            continue;
        }
        begin_member(out, &is_first);
        add_member(item, &member, out);
    }
    if (members.fault)
        return no_object;
    if (!has_key && item->key.data)
        return no_key;
    return add_groups(item, record, seen, &is_first, out);
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
