/* libarchive, loaded when the first archive is read: servers without such a source do without it
 * (Debian package libarchive13). Its functions have their own names, without "archive_". */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>

#define LIBARCHIVE_FUNCTIONS(_)                                                                    \
    _(read_new)                                                                                    \
    _(read_support_format_zip_streamable)                                                          \
    _(read_open_memory)                                                                            \
    _(read_next_header)                                                                            \
    _(read_data)                                                                                   \
    _(read_free)                                                                                   \
    _(write_new)                                                                                   \
    _(write_set_format_zip)                                                                        \
    _(write_open_memory)                                                                           \
    _(write_header)                                                                                \
    _(write_data)                                                                                  \
    _(write_close)                                                                                 \
    _(write_free)                                                                                  \
    _(error_string)                                                                                \
    _(entry_new)                                                                                   \
    _(entry_free)                                                                                  \
    _(entry_filetype)                                                                              \
    _(entry_set_filetype)                                                                          \
    _(entry_set_pathname)                                                                          \
    _(entry_set_perm)                                                                              \
    _(entry_set_size)

#define LIBARCHIVE_POINTER(name) __typeof__(archive_##name) *name;
struct libarchive {
    LIBARCHIVE_FUNCTIONS(LIBARCHIVE_POINTER)
};

extern struct libarchive libarchive;

/* False: it is not there, or too old. Any thread. */
bool libarchive_load(void);
