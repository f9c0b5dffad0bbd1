/* Looking things up in the API's tables, and matching their patterns. */
#include "wire/shape.h"

#include "base/encode.h"
#include "wire/api_ids.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    REGEX_MATCH_LIMIT = 1000000, /* steps of backtracking; no value of the model needs a tenth */
};

static _Atomic(pcre2_code *) compiled[API_REGEX_COUNT]; /* NULL: not asked for yet */
static pthread_once_t limits_once = PTHREAD_ONCE_INIT;
static pcre2_match_context *match_limits;
static pthread_key_t match_data_key; /* only so that a thread's end frees it */
static _Thread_local pcre2_match_data *match_data;

static void free_match_data(void *data)
{
    pcre2_match_data_free(data);
}

static _Noreturn void regex_is_bad(struct str regex, int code)
{
    PCRE2_UCHAR text[128] = "";
    pcre2_get_error_message(code, text, sizeof(text));
    fprintf(stderr, "headgate: pattern %.*s of the API model: %s\n", STR_ARG(regex), text);
    abort();
}

/* Neither PCRE2_UCP nor a locale: \w, \s and \d mean ASCII, as in Java. */
static pcre2_code *compile(struct str regex)
{
    const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |
                             PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t offset;
    pcre2_code *made =
        pcre2_compile((PCRE2_SPTR)regex.data, regex.len, options, &code, &offset, NULL);
    if (!made)
        regex_is_bad(regex, code);
    return made;
}

/* Compiled at first use: a command uses few of the patterns, if any. Of two threads that compile
 * the same pattern at once the second one takes the first one's. */
static const pcre2_code *pattern_of(uint16_t regex)
{
    pcre2_code *known = atomic_load_explicit(&compiled[regex], memory_order_acquire);
    if (known)
        return known;
    pcre2_code *made = compile(api_regexes[regex]);
    if (atomic_compare_exchange_strong(&compiled[regex], &known, made))
        return made;
    pcre2_code_free(made);
    return known;
}

static void make_limits(void)
{
    match_limits = pcre2_match_context_create(NULL);
    if (!match_limits || pthread_key_create(&match_data_key, free_match_data) != 0)
        abort();
    pcre2_set_match_limit(match_limits, REGEX_MATCH_LIMIT);
}

static pcre2_match_data *own_match_data(void)
{
    if (match_data)
        return match_data;
    pthread_once(&limits_once, make_limits);
    match_data = pcre2_match_data_create(1, NULL);
    if (!match_data || pthread_setspecific(match_data_key, match_data) != 0)
        abort();
    return match_data;
}

bool shape_pattern_matches(const struct shape *shape, struct str value)
{
    if (!utf8_is_valid(value))
        return false;
    const char *data = value.data ? value.data : "";
    pcre2_match_data *result = own_match_data();
    int matched = pcre2_match(pattern_of(shape->regex), (PCRE2_SPTR)data, value.len, 0,
                              PCRE2_NO_UTF_CHECK, result, match_limits);
    return matched >= 0;
}

const struct shape *shape_by_name(struct str name)
{
    size_t low = 0, high = API_SHAPE_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_compare(name, api_shapes[middle].name);
        if (order == 0)
            return &api_shapes[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct shape_member *shape_find_member(const struct shape *structure, struct str name)
{
    for (size_t i = 0; i < structure->member_count; i++) {
        if (str_eq(structure->members[i].name, name))
            return &structure->members[i];
    }
    for (size_t i = 0; i < structure->member_count; i++) {
        if (str_eq_nocase(structure->members[i].name, name))
            return &structure->members[i];
    }
    return NULL;
}
