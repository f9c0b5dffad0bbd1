/* Bodies in the coding aws-chunked without signatures of the chunks, as SDKs send them over https
 * (docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html). */
#pragma once

#include "base/arena.h"
#include "base/str.h"

#include <stdbool.h>

struct s3_chunks {
    struct str body;                        /* decoded, in the arena */
    struct str trailer_name, trailer_value; /* the first trailer; name "": none */
};

/* False: malformed, or not whole. */
bool s3_chunks_decode(struct str coded, struct arena *arena, struct s3_chunks *ret_chunks);
