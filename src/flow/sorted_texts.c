/* The C library's sort and search over str_compare. */
#include "flow/sorted_texts.h"

#include <stdlib.h>

static int compare(const void *left, const void *right)
{
    return str_compare(*(const struct str *)left, *(const struct str *)right);
}

void sort_texts(struct str *texts, size_t count)
{
    if (count > 0)
        qsort(texts, count, sizeof(*texts), compare);
}

bool sorted_texts_have(const struct str *texts, size_t count, struct str text)
{
    return count > 0 && bsearch(&text, texts, count, sizeof(*texts), compare);
}
