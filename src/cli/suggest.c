/* Edit distance (Levenshtein): the least number of inserted, deleted and replaced letters. */
#include "cli/suggest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Row by row, keeping one row of the matrix. Upper and lower case count as equal. */
static size_t edit_distance(struct str a, struct str b)
{
    size_t row[SUGGESTION_WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same =
                tolower((unsigned char)a.data[i - 1]) == tolower((unsigned char)b.data[j - 1]);
            size_t replaced = diagonal + !same;
            diagonal = row[j];
            row[j] = least(replaced, 1 + least(row[j], row[j - 1]));
        }
    }
    return row[b.len];
}

void suggestion_offer(struct suggestion *suggestion, const char *known)
{
    struct str word = suggestion->word, other = str_from(known);
    if (word.len > SUGGESTION_WORD_MAX || other.len > SUGGESTION_WORD_MAX)
        return;
    size_t distance = edit_distance(word, other);
    size_t most = least(SUGGESTION_EDITS_MAX, other.len / 2);
    if (distance > most || (suggestion->best && distance >= suggestion->distance))
        return;
    suggestion->best = known;
    suggestion->distance = distance;
}

const char *suggestion_text(const struct suggestion *suggestion, const char *prefix,
                            char out[SUGGESTION_TEXT_SIZE])
{
    out[0] = '\0';
    if (suggestion->best)
        snprintf(out, SUGGESTION_TEXT_SIZE, " Did you mean %s%s?", prefix, suggestion->best);
    return out;
}
