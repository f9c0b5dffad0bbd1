/* Names as statements have them. */
#include "connectors/snowflake/names.h"

#include "base/buf.h"

#include <string.h>

bool snowflake_is_plain(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool letter = ascii_is_lower(c) || ascii_is_upper(c) || c == '_';
        if (!letter && (i == 0 || !(ascii_is_digit(c) || c == '$')))
            return false;
    }
    return name.len > 0;
}

/* The length of the name at the start of `text`, plain or in double quotes; 0: there is none. */
static size_t name_len(struct str text)
{
    size_t len = 0;
    if (!str_starts(text, STR("\""))) {
        while (len < text.len && text.data[len] != '.')
            len++;
        return snowflake_is_plain((struct str){text.data, len}) ? len : 0;
    }
    for (len = 1; len < text.len; len++) {
        if (text.data[len] != '"')
            continue;
        if (len + 1 == text.len || text.data[len + 1] != '"')
            return len > 1 ? len + 1 : 0;
        len++; /* a doubled quote stands for one */
    }
    return 0;
}

bool snowflake_is_path(struct str text, int parts)
{
    for (int part = 0; part < parts; part++) {
        bool last = part == parts - 1;
        size_t len = name_len(text);
        text.data += len;
        text.len -= len;
        if (len == 0 || (!last && !str_starts(text, STR("."))))
            return false;
        text.data += !last;
        text.len -= !last;
    }
    return text.len == 0;
}

struct str snowflake_first(struct str path)
{
    return (struct str){path.data, name_len(path)};
}

/* Between marks, each of which is doubled inside, as is a backslash if it escapes there. */
static struct str quote(struct arena *arena, struct str text, char mark, bool escapes)
{
    struct buf out = buf_in(arena, 2 * text.len + 2);
    buf_add_char(&out, mark);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == mark || (escapes && c == '\\'))
            buf_add_char(&out, c);
        buf_add_char(&out, c);
    }
    buf_add_char(&out, mark);
    return buf_str(&out);
}

/* "Reserved & limited keywords" (docs.snowflake.com/en/sql-reference/reserved-keywords): what is no
 * identifier without quotes, at all or in some statements. */
static const char reserved[] =
    " ACCOUNT ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONNECTION "
    "CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP "
    "CURRENT_USER DATABASE DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING FOR FROM FULL "
    "GRANT GROUP GSCLUSTER HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS ISSUE "
    "JOIN LATERAL LEFT LIKE LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER "
    "ORGANIZATION QUALIFY REGEXP REVOKE RIGHT RLIKE ROW ROWS SAMPLE SCHEMA SELECT SET SOME "
    "START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE USING VALUES "
    "VIEW WHEN WHENEVER WHERE WITH ";

/* Of a plain name, which has no blanks. */
static bool is_reserved(struct arena *arena, struct str name)
{
    return str_contains(str_from(reserved), arena_printf(arena, " %.*s ", STR_ARG(name)));
}

struct str snowflake_identifier(struct arena *arena, struct str name)
{
    bool same = snowflake_is_plain(name) && !is_reserved(arena, name);
    for (size_t i = 0; i < name.len; i++)
        same = same && !ascii_is_lower(name.data[i]);
    return same ? name : quote(arena, name, '"', false);
}

struct str snowflake_literal(struct arena *arena, struct str text)
{
    return quote(arena, text, '\'', true);
}
