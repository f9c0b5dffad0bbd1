/* libarchive's streaming reader of ZIP. */
#include "record/zip_in.h"

#include "base/alloc.h"
#include "base/libarchive.h"

#include <stdlib.h>
#include <sys/stat.h>

struct zip_in {
    struct archive *archive;
};

bool zip_in_begins(struct str bytes)
{
    return str_starts(bytes, STR("PK\3\4")) || str_starts(bytes, STR("PK\5\6"));
}

static bool fail_damaged(const struct zip_in *zip, struct error *error)
{
    const char *why = libarchive.error_string(zip->archive);
    return fail(error, ERR_VALIDATION, "The archive cannot be read: %s.",
                why ? why : "it is damaged");
}

bool zip_in_new(struct str bytes, struct zip_in **ret_zip, struct error *error)
{
    *ret_zip = NULL;
    if (!libarchive_load())
        return fail(error, ERR_UNAVAILABLE,
                    "libarchive.so.13 is not there, by which archives are read (Debian package "
                    "libarchive13).");
    struct zip_in *zip = xcalloc(1, sizeof(*zip));
    zip->archive = libarchive.read_new();
    if (!zip->archive)
        out_of_memory(sizeof(*zip)); /* the only reason there is */
    if (libarchive.read_support_format_zip_streamable(zip->archive) == ARCHIVE_OK &&
        libarchive.read_open_memory(zip->archive, bytes.data, bytes.len) == ARCHIVE_OK) {
        *ret_zip = zip;
        return true;
    }
    ignore_failure(fail_damaged(zip, error));
    zip_in_free(zip);
    return false;
}

void zip_in_free(struct zip_in *zip)
{
    if (!zip)
        return;
    libarchive.read_free(zip->archive);
    free(zip);
}

bool zip_in_next(struct zip_in *zip, bool *ret_more, struct error *error)
{
    struct archive_entry *entry;
    int result;
    do {
        result = libarchive.read_next_header(zip->archive, &entry);
    } while (result == ARCHIVE_OK && libarchive.entry_filetype(entry) != S_IFREG);
    *ret_more = result == ARCHIVE_OK;
    return result == ARCHIVE_OK || result == ARCHIVE_EOF || fail_damaged(zip, error);
}

bool zip_in_read(struct zip_in *zip, char *out, size_t room, size_t *ret_len, struct error *error)
{
    la_ssize_t len = libarchive.read_data(zip->archive, out, room);
    *ret_len = len > 0 ? (size_t)len : 0;
    return len >= 0 || fail_damaged(zip, error);
}
