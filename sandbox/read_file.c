/* In pieces, as a file may grow meanwhile. */
#include "sandbox/read_file.h"

#include <unistd.h>

bool file_read_rest(int fd, struct buf *out)
{
    char piece[64 * 1024];
    ssize_t count = 1;
    while (count > 0 && !out->overflow) {
        count = read(fd, piece, sizeof(piece));
        if (count > 0)
            buf_add(out, (struct str){piece, (size_t)count});
    }
    return count == 0 && !out->overflow;
}
