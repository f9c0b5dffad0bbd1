/* Splits a query into tokens. */
#include "sandbox/records/soql_token.h"

#include "base/encode.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
    return ascii_is_alnum(c) || c == '_' || c == '.';
}

static bool is_literal(char c)
{
    return ascii_is_alnum(c) || c == '.' || c == ':' || c == '+' || c == '-';
}

static size_t run(struct str query, size_t at, bool (*belongs)(char c))
{
    while (at < query.len && belongs(query.data[at]))
        at++;
    return at;
}

/* The character that a backslash and `c` stand for; '\0': none. */
static char escaped(char c)
{
    static const char from[] = "nNrRtTbBfF\"'\\%_", to[] = "\n\n\r\r\t\t\b\b\f\f\"'\\%_";
    const char *found = c ? strchr(from, c) : NULL;
    return found ? to[found - from] : '\0';
}

static bool read_string(struct str query, size_t *at, struct arena *arena, struct soql_token *token)
{
    char *text = arena_alloc(arena, query.len - *at + 1);
    char *pattern = arena_alloc(arena, query.len - *at + 1);
    size_t len = 0, pattern_len = 0, i = *at + 1;
    for (; i < query.len && query.data[i] != '\''; i++) {
        char c = query.data[i];
        if (c == '\\' && i + 1 < query.len) {
            c = escaped(query.data[++i]);
            if (!c)
                return false;
            if (c == '%' || c == '_' || c == '\\')
                pattern[pattern_len++] = '\\';
        }
        text[len++] = c;
        pattern[pattern_len++] = c;
    }
    if (i == query.len)
        return false;
    *at = i + 1;
    token->text = (struct str){text, len};
    token->pattern = (struct str){pattern, pattern_len};
    return true;
}

static size_t mark_length(struct str rest)
{
    static const struct str marks[] = {STR("!="), STR("<>"), STR("<="), STR(">="), STR("<"),
                                       STR(">"),  STR("="),  STR("("),  STR(")"),  STR(",")};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (str_starts(rest, marks[i]))
            return marks[i].len;
    return 0;
}

bool soql_token_next(struct str query, size_t *at, struct arena *arena,
                     struct soql_token *ret_token)
{
    size_t start = run(query, *at, is_space), end = start;
    struct soql_token token = {.kind = SOQL_END, .at = start, .source = STR("<EOF>")};
    char first = start < query.len ? query.data[start] : '\0';
    uint32_t code;
    bool good = true;
    if (start == query.len) {
        end = start;
    } else if (first == '\'') {
        token.kind = SOQL_STRING;
        good = read_string(query, &end, arena, &token);
    } else if (ascii_is_digit(first) || first == '+' || first == '-') {
        token.kind = SOQL_LITERAL;
        end = run(query, start, is_literal);
    } else if (is_word(first)) {
        token.kind = SOQL_WORD;
        end = run(query, start, is_word);
    } else {
        token.kind = SOQL_MARK;
        end = start + mark_length((struct str){query.data + start, query.len - start});
        good = end > start;
    }
    struct str rest = {query.data + start, query.len - start};
    if (start < query.len) /* what is no token is shown by its first character */
        token.source = (struct str){rest.data, good ? end - start : utf8_next(rest, &code)};
    if (token.kind != SOQL_STRING)
        token.text = token.source;
    *at = end;
    *ret_token = token;
    return good;
}
