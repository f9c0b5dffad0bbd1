/* Any bytes as an answer of S3: what was read keeps to its limits. */
#include "aws/s3_answer.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct s3_answer *answer)
{
    size_t count = 0;
    must(answer->root.data && answer->code.len <= S3_TEXT_MAX);
    for (const struct s3_element *each = answer->elements; each; each = each->next) {
        must(each->name.data && each->key.len <= S3_TEXT_MAX && each->etag.len <= S3_TEXT_MAX);
        count++;
    }
    must(count == answer->count && count <= S3_ELEMENTS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {.kind = ARENA_PLAIN};
    struct s3_answer answer;
    if (s3_answer_read((struct str){(const char *)data, size}, &arena, &answer))
        check(&answer);
    arena_done(&arena);
    return 0;
}
