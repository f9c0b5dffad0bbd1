/* CreateMultipartUpload, UploadPart, AbortMultipartUpload, and the lists of uploads and parts. */
#include "sandbox/s3/upload_files.h"

#include "base/fd.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- making one --- */

static bool make_folder(int root, const char *path)
{
    return mkdirat(root, path, 0700) == 0 || errno == EEXIST;
}

static bool write_file(int root, const char *path, struct str first, struct str second)
{
    _cleanup_close_ int fd = fd_open_at(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return fd >= 0 && write_all(fd, first) && write_all(fd, second);
}

void s3_create_upload(struct s3_exchange *exchange)
{
    struct upload upload;
    char id[UPLOAD_ID_LEN + 1], path[UPLOAD_PATH_SIZE + 8];
    int root = exchange->files->root;
    struct str type = s3_header(exchange, "Content-Type");
    random_text(RANDOM_ID_LETTERS, id, UPLOAD_ID_LEN);
    upload_place(&upload, exchange->bucket, str_from(id));
    snprintf(path, sizeof(path), ".uploads/%.*s", STR_ARG(exchange->bucket));
    bool made =
        make_folder(root, ".uploads") && make_folder(root, path) && make_folder(root, upload.path);
    snprintf(path, sizeof(path), "%s/key", upload.path);
    struct str line = arena_printf(exchange->arena, "%.*s\n",
                                   STR_ARG(type.data ? type : STR("binary/octet-stream")));
    if (!made || !write_file(root, path, line, exchange->key)) {
        s3_refuse_disk(exchange);
        return;
    }
    struct buf xml = s3_begin_xml(exchange, "InitiateMultipartUploadResult");
    s3_xml_text(&xml, "Bucket", exchange->bucket);
    s3_xml_text(&xml, "Key", exchange->key);
    s3_xml_text(&xml, "UploadId", str_from(id));
    s3_end_xml(exchange, &xml, "InitiateMultipartUploadResult");
}

/* A part that is sent again takes the other one's place. */
static bool write_part(const struct s3_exchange *exchange, struct upload *upload, int number,
                       const char *etag)
{
    char temporary[UPLOAD_PATH_SIZE + 8], path[UPLOAD_PATH_SIZE + 64];
    int root = exchange->files->root;
    snprintf(temporary, sizeof(temporary), "%s/new", upload->path);
    snprintf(path, sizeof(path), "%s/%05d.%s", upload->path, number, etag);
    if (!write_file(root, temporary, exchange->body, STR("")) ||
        renameat(root, temporary, root, path) != 0)
        return false;
    upload_read_parts(root, upload, exchange->arena);
    for (size_t i = 0; i < upload->count; i++) {
        const struct part_file *part = &upload->parts[i];
        if (part->number != number || strcmp(part->etag, etag) == 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", upload->path, part->name);
        if (unlinkat(root, path, 0) != 0)
            return false;
    }
    return true;
}

void s3_upload_one_part(struct s3_exchange *exchange)
{
    struct upload upload;
    char etag[S3_ETAG_SIZE];
    unsigned long long number;
    if (!str_to_u64(s3_parameter(exchange, "partNumber"), S3_PART_NUMBER_MAX, &number) ||
        number == 0) {
        s3_refuse(exchange, 400, "InvalidArgument",
                  "Part number must be an integer between 1 and 10000, inclusive");
        return;
    }
    if (!upload_find(exchange, &upload))
        return;
    if (!s3_etag(exchange->body, etag) || !write_part(exchange, &upload, (int)number, etag)) {
        s3_refuse_disk(exchange);
        return;
    }
    s3_add_etag(exchange, etag);
    exchange->status = 200;
}

void s3_abort_upload(struct s3_exchange *exchange)
{
    struct upload upload;
    if (!upload_find(exchange, &upload))
        return;
    upload_remove(exchange->files->root, &upload);
    exchange->status = 204;
}

/* --- lists --- */

/* Whether an upload is behind the markers: another upload of the key as well, when both are
 * given. */
static bool is_listed(const struct s3_exchange *exchange, const struct upload *upload)
{
    struct str prefix = s3_parameter(exchange, "prefix");
    struct str key = s3_parameter(exchange, "key-marker");
    struct str id = s3_parameter(exchange, "upload-id-marker");
    if (prefix.data && !str_starts(upload->key, prefix))
        return false;
    int order = key.data ? str_compare(upload->key, key) : 1;
    return order > 0 || (order == 0 && id.len > 0 && str_compare(upload->id, id) > 0);
}

static void add_upload(struct s3_exchange *exchange, struct buf *xml, const struct upload *upload)
{
    struct stat facts = {0};
    (void)fstatat(exchange->files->root, upload->path, &facts, 0); /* else of 1970 */
    buf_add_cstr(xml, "<Upload>");
    s3_xml_key(exchange, xml, "Key", upload->key);
    s3_xml_text(xml, "UploadId", upload->id);
    s3_xml_time(xml, "Initiated", facts.st_mtim);
    buf_add_cstr(xml, "</Upload>");
}

static bool read_limit(struct s3_exchange *exchange, const char *name, unsigned long long *ret_most)
{
    struct str text = s3_parameter(exchange, name);
    *ret_most = S3_LIST_ITEMS_MAX;
    return !text.data || str_to_u64(text, S3_LIST_ITEMS_MAX, ret_most) ||
           s3_refuse(exchange, 400, "InvalidArgument", "A limit must be a number up to 1000");
}

void s3_list_uploads(struct s3_exchange *exchange)
{
    unsigned long long most, count = 0;
    struct upload *uploads = arena_array(exchange->arena, struct upload, UPLOADS_LISTED_MAX);
    const struct upload *last = NULL;
    bool truncated = false;
    if (!read_limit(exchange, "max-uploads", &most))
        return;
    size_t all = upload_read_all(exchange, uploads);
    struct buf xml = s3_begin_xml(exchange, "ListMultipartUploadsResult");
    s3_xml_text(&xml, "Bucket", exchange->bucket);
    if (str_eq(s3_parameter(exchange, "encoding-type"), STR("url")))
        s3_xml_text(&xml, "EncodingType", STR("url"));
    for (size_t i = 0; i < all && !truncated; i++) {
        if (!is_listed(exchange, &uploads[i]))
            continue;
        truncated = count++ == most;
        if (truncated)
            break;
        add_upload(exchange, &xml, &uploads[i]);
        last = &uploads[i];
    }
    s3_xml_text(&xml, "IsTruncated", truncated ? STR("true") : STR("false"));
    if (truncated && last) {
        s3_xml_key(exchange, &xml, "NextKeyMarker", last->key);
        s3_xml_text(&xml, "NextUploadIdMarker", last->id);
    }
    s3_end_xml(exchange, &xml, "ListMultipartUploadsResult");
}

static void add_part(struct s3_exchange *exchange, struct buf *xml, const struct part_file *part)
{
    buf_add_cstr(xml, "<Part>");
    s3_xml_number(xml, "PartNumber", (uint64_t)part->number);
    s3_xml_time(xml, "LastModified", part->changed);
    s3_xml_text(xml, "ETag", arena_printf(exchange->arena, "\"%s\"", part->etag));
    s3_xml_number(xml, "Size", part->size);
    buf_add_cstr(xml, "</Part>");
}

void s3_list_parts(struct s3_exchange *exchange)
{
    struct upload upload;
    unsigned long long most, after = 0, count = 0;
    struct str marker = s3_parameter(exchange, "part-number-marker");
    int last = 0;
    bool truncated = false;
    if (!upload_find(exchange, &upload) || !read_limit(exchange, "max-parts", &most))
        return;
    if (marker.data && !str_to_u64(marker, S3_PART_NUMBER_MAX, &after)) {
        s3_refuse(exchange, 400, "InvalidArgument", "part-number-marker must be a part's number");
        return;
    }
    upload_read_parts(exchange->files->root, &upload, exchange->arena);
    struct buf xml = s3_begin_xml(exchange, "ListPartsResult");
    s3_xml_text(&xml, "Bucket", exchange->bucket);
    s3_xml_key(exchange, &xml, "Key", exchange->key);
    s3_xml_text(&xml, "UploadId", upload.id);
    for (size_t i = 0; i < upload.count && !truncated; i++) {
        if ((unsigned long long)upload.parts[i].number <= after)
            continue;
        truncated = count++ == most;
        if (truncated)
            break;
        add_part(exchange, &xml, &upload.parts[i]);
        last = upload.parts[i].number;
    }
    s3_xml_text(&xml, "IsTruncated", truncated ? STR("true") : STR("false"));
    if (truncated)
        s3_xml_number(&xml, "NextPartNumberMarker", (uint64_t)last);
    s3_end_xml(exchange, &xml, "ListPartsResult");
}
