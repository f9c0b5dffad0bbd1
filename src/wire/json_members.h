/* The members of one JSON object as text, for records that are passed on in another object without
 * a change of a single digit. Strings and nesting are followed, nothing is decoded: a name is what
 * stands between its quotes. For text that this server has made; of any other the walk ends, with
 * a fault, no later than the text does. */
#pragma once

#include "base/str.h"

#include <stdbool.h>

struct json_text_member {
    struct str name;  /* without quotes, escapes as they are */
    struct str value; /* the text of a JSON value */
};

struct json_members {
    struct str rest; /* from the next member's name on */
    bool is_first;
    bool fault; /* the text is no object */
};

struct json_members json_members_of(struct str object);

/* False: there are no more, or it is no object. */
bool json_members_next(struct json_members *members, struct json_text_member *ret_member);
