/* JSON pointers (RFC 6901, without ~ escapes: no name we look for needs one). */
#pragma once

#include "base/arena.h"
#include "base/str.h"
#include "wire/value.h"

/* "" is the whole; NULL when there is nothing at `pointer`. Members that are null are absent. */
const struct value *pointer_find(const struct value *json, const char *pointer);

/* A scalar spelled out; STR_NULL for anything else. */
struct str pointer_text(struct arena *arena, const struct value *json, const char *pointer);

/* What holds it is there, it is not. */
bool pointer_is_missing(struct arena *arena, const struct value *json, const char *pointer);
