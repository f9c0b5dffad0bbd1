/* Texts to make records of: things and places in many scripts, and no names of people. */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct word_list {
    const struct str *items;
    size_t count;
};

extern const struct word_list words_things, words_places, words_odd, words_countries, words_prose;
