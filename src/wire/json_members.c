/* A walk along an object's members, by quotes and brackets alone. */
#include "wire/json_members.h"

#include <string.h>

static struct str from(struct str text, size_t start)
{
    return (struct str){text.data + start, text.len - start};
}

static struct str skip_blanks(struct str text)
{
    while (text.len > 0 && memchr(" \t\r\n", text.data[0], 4))
        text = from(text, 1);
    return text;
}

static bool take(struct str *text, char c)
{
    *text = skip_blanks(*text);
    if (text->len == 0 || text->data[0] != c)
        return false;
    *text = from(*text, 1);
    return true;
}

/* How long the string at the beginning is, quotes included; 0: it does not end. */
static size_t string_len(struct str text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] == '\\')
            i++;
        else if (text.data[i] == '"')
            return i + 1;
    }
    return 0;
}

/* The same of a list or an object. */
static size_t nested_len(struct str text)
{
    size_t depth = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"') {
            size_t len = string_len(from(text, i));
            if (len == 0)
                return 0;
            i += len - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t value_len(struct str text)
{
    if (text.len == 0)
        return 0;
    if (text.data[0] == '"')
        return string_len(text);
    if (text.data[0] == '{' || text.data[0] == '[')
        return nested_len(text);
    size_t len = 0;
    while (len < text.len && !memchr(",}] \t\r\n", text.data[len], 7))
        len++;
    return len;
}

static bool stop(struct json_members *members)
{
    members->fault = true;
    members->rest.len = 0;
    return false;
}

struct json_members json_members_of(struct str object)
{
    struct json_members members = {.rest = object, .is_first = true};
    if (!take(&members.rest, '{'))
        stop(&members);
    return members;
}

bool json_members_next(struct json_members *members, struct json_text_member *ret_member)
{
    if (members->fault)
        return false;
    if (take(&members->rest, '}')) {
        members->fault = skip_blanks(members->rest).len > 0;
        members->rest = STR("}"); /* where every later call ends, too */
        return false;
    }
    if (!members->is_first && !take(&members->rest, ','))
        return stop(members);
    members->is_first = false;
    struct str text = skip_blanks(members->rest);
    size_t len = text.len > 0 && text.data[0] == '"' ? string_len(text) : 0;
    if (len == 0)
        return stop(members);
    ret_member->name = (struct str){text.data + 1, len - 2};
    text = from(text, len);
    if (!take(&text, ':'))
        return stop(members);
    text = skip_blanks(text);
    len = value_len(text);
    if (len == 0)
        return stop(members);
    ret_member->value = (struct str){text.data, len};
    members->rest = from(text, len);
    return true;
}
