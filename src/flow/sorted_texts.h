/* Arrays of texts that are sorted bytewise, for comparing them and for finding one among many. */
#pragma once

#include "base/str.h"

void sort_texts(struct str *texts, size_t count);
bool sorted_texts_have(const struct str *texts, size_t count, struct str text);
