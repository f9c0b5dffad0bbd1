/* One buffer that is filled, given away, and filled again. */
#include "record/pieces.h"

#include "base/alloc.h"

#include <stdlib.h>

void pieces_init(struct pieces *pieces, const struct record_output *output)
{
    char *data = xmalloc(PIECES_BYTES + PIECES_SLACK);
    *pieces =
        (struct pieces){.output = *output, .next = data, .full = data + PIECES_BYTES, .data = data};
}

void pieces_done(struct pieces *pieces)
{
    free(pieces->data);
    *pieces = (struct pieces){0};
}

bool pieces_flush(struct pieces *pieces, struct error *error)
{
    size_t len = (size_t)(pieces->next - pieces->data);
    pieces->given += len;
    pieces->next = pieces->data;
    return len == 0 ||
           pieces->output.take(pieces->output.context, (struct str){pieces->data, len}, error);
}

uint64_t pieces_size(const struct pieces *pieces)
{
    return pieces->given + (uint64_t)(pieces->next - pieces->data);
}

bool pieces_add_long(struct pieces *pieces, struct str text, struct error *error)
{
    while (text.len > 0) {
        if (pieces->next == pieces->full && !pieces_flush(pieces, error))
            return false;
        size_t room = (size_t)(pieces->full - pieces->next);
        size_t len = text.len < room ? text.len : room;
        copy_text(pieces->next, text.data, len);
        pieces->next += len;
        text = (struct str){text.data + len, text.len - len};
    }
    return true;
}
