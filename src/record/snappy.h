/* Compresses to Snappy's format, in which Parquet's pages are.
 * https://github.com/google/snappy/blob/main/format_description.txt
 *
 * An encoder of our own and not the library: the same input gives the same bytes on every node,
 * whichever version of the library is installed there, so that a run which another node continues
 * writes the same object; and the library would bring the C++ runtime into the process. There is no
 * decoder: nothing here reads Parquet. */
#pragma once

#include <stddef.h>

enum { SNAPPY_INPUT_MAX = 1 << 30 }; /* bytes */

/* Bytes that the output of `len` bytes can have at most. */
size_t snappy_bound(size_t len);

/* `out` has room for snappy_bound(len) bytes. Returns the bytes written. */
size_t snappy_compress(const unsigned char *in, size_t len, unsigned char *out);
