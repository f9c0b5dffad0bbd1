/* Reading a file piece by piece, so that no copy of a secret is left in a buffer of the library's.
 */
#include "cli/option_file.h"

#include "base/buf.h"
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_SIZE = 16 * 1024 };

bool option_file_read(const char *name, const char *path, size_t size_max, struct arena *arena,
                      struct str *ret_text, struct error *error)
{
    struct buf text = buf_in(arena, size_max);
    char piece[PIECE_SIZE];
    ssize_t size;
    _cleanup_close_ int opened =
        strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (opened < 0)
        return fail(error, ERR_VALIDATION, "--%s: cannot open %.200s: %s.", name, path,
                    strerror(errno));
    while ((size = read(opened, piece, sizeof(piece))) > 0 && !text.overflow)
        buf_add(&text, (struct str){piece, (size_t)size});
    explicit_bzero(piece, sizeof(piece));
    if (size < 0)
        return fail(error, ERR_VALIDATION, "--%s: cannot read %.200s: %s.", name, path,
                    strerror(errno));
    if (text.overflow)
        return fail(error, ERR_VALIDATION, "--%s: %.200s is longer than %zu bytes.", name, path,
                    size_max);
    *ret_text = buf_str(&text);
    return true;
}
