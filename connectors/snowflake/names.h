/* Identifiers in statements (docs.snowflake.com, "Identifier requirements"): letters, digits, '_'
 * and '$', in any case, or anything in double quotes. */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

/* Whether it needs no quotes. */
bool snowflake_is_plain(struct str name);

/* Whether the text is this many identifiers with dots between them and nothing else, so that it can
 * go into a statement. */
bool snowflake_is_path(struct str text, int parts);

/* The first identifier of a path. */
struct str snowflake_first(struct str path);

/* The identifier that means just this name: in quotes where it would be read in capital letters, or
 * as something else, such as a keyword. In the arena. */
struct str snowflake_identifier(struct arena *arena, struct str name);

/* A literal, with its quotes. In the arena. */
struct str snowflake_literal(struct arena *arena, struct str text);
