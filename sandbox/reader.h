/* What all readers of a sandbox file share: telling where something is wrong, and the strict
 * reading of objects whose members are known. */
#pragma once

#include "sandbox/vendor.h"

struct reader {
    struct str file;
    struct arena *arena;
    struct error *error;
    struct vendor *vendor; /* being filled */
};

/* "FILE: WHERE: …" */
_printf_(3, 4) bool reader_fail(const struct reader *reader, struct str where, const char *format,
                                ...);

struct member_rule {
    const char *name;
    enum value_kind kind;
    bool required;
};

/* `value` is an object that has these members of these kinds, and no other. */
bool reader_check(const struct reader *reader, struct str where, const struct value *value,
                  const struct member_rule *rules, size_t rule_count);
#define READER_CHECK(reader, where, value, rules)                                                  \
    reader_check(reader, where, value, rules, sizeof(rules) / sizeof((rules)[0]))

/* An object of at most VENDOR_ITEMS_MAX members whose items are all of one kind. */
bool reader_check_map(const struct reader *reader, struct str where, const struct value *value,
                      enum value_kind kind);

/* A list of texts, none empty or past VENDOR_PATTERN_MAX. NULL gives an empty list. */
bool reader_texts(const struct reader *reader, struct str where, const struct value *list,
                  const struct str **ret_items, size_t *ret_count);

/* "WHERE.NAME" and "WHERE[INDEX]" */
struct str reader_in(const struct reader *reader, struct str where, struct str name);
struct str reader_at(const struct reader *reader, struct str where, size_t index);

/* The outcome of that name, added when it is new. */
bool reader_outcome(const struct reader *reader, struct str where, struct str name,
                    uint8_t *ret_outcome);
bool reader_response(const struct reader *reader, struct str where, struct str name,
                     const struct sandbox_response **ret_response);

/* load_response.c */
bool load_responses(struct reader *reader, const struct value *map);

/* load_rules.c */
bool load_rules(struct reader *reader, struct str where, const struct value *map,
                struct vendor_rules *ret_rules);
bool load_part(const struct reader *reader, struct str where, struct str text,
               struct request_part *ret_part);
/* Fills `answers` for the outcomes that `map` (outcome to response name) names. NULL: none. */
bool load_answers(struct reader *reader, struct str where, const struct value *map,
                  const struct sandbox_response *answers[OUTCOMES_MAX]);
/* Every outcome that the rules can have is in `answers`. */
bool check_answered(const struct reader *reader, struct str where, const struct vendor_rules *rules,
                    const struct sandbox_response *const answers[OUTCOMES_MAX]);

/* load_route.c */
bool load_routes(struct reader *reader, const struct value *list, const struct vendor_rules *rules,
                 const struct sandbox_response *const defaults[OUTCOMES_MAX]);

/* load_oauth.c */
bool load_oauth(struct reader *reader, const struct value *value,
                const struct sandbox_response *const defaults[OUTCOMES_MAX]);

/* profile.c */
bool load_profiles(struct reader *reader, const struct value *map);
