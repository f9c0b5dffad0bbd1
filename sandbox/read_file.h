/* Files of the sandbox, which it reads whole. */
#pragma once

#include "base/buf.h"

/* Adds what is left of the file. False: it could not be read, or the buffer is full. */
_must_use_ bool file_read_rest(int fd, struct buf *out);
