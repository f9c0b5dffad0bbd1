/* What stands around the records of a page of JSON, before the page is decoded: from its beginning
 * and its end alone, which costs next to nothing. It is a guess: what is between the list and the
 * last ']' of the page counts as records. json_in_rest says how it is. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

/* As json_in_rest gives it, of a page that lies in memory as a whole; in the arena. `path` as in
 * json_in_options. False: there is no list at the path, what stands around it is not one JSON value
 * when the list ends at the last ']', or it is longer than JSON_REST_MAX. */
bool json_rest_guess(struct str page, const char *path, struct arena *arena, struct str *ret_rest);
