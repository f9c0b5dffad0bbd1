/* CompleteMultipartUpload: checks the parts that the client names, and puts them together. */
#include "sandbox/s3/upload_files.h"

#include "base/fd.h"
#include "wire/xml.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { COPY_SIZE = 1024 * 1024 }; /* bytes at a time */

struct asked_part {
    int number;
    char etag[S3_ETAG_SIZE];
};

struct completion {
    struct asked_part *parts;
    size_t count;
    struct buf text;
    bool bad; /* a part is malformed */
};

static bool on_start(void *context, struct str name, const char **attributes)
{
    struct completion *completion = context;
    (void)attributes;
    buf_clear(&completion->text);
    if (str_eq(name, STR("Part")) && completion->count++ == S3_PART_NUMBER_MAX)
        return false;
    return true;
}

static bool on_text(void *context, struct str text)
{
    struct completion *completion = context;
    buf_add(&completion->text, text);
    return !completion->text.overflow;
}

static bool on_end(void *context, struct str name)
{
    struct completion *completion = context;
    struct str text = str_trim(buf_str(&completion->text));
    unsigned long long number = 0;
    if (completion->count == 0)
        return true;
    struct asked_part *part = &completion->parts[completion->count - 1];
    if (str_eq(name, STR("PartNumber"))) {
        completion->bad |= !str_to_u64(text, S3_PART_NUMBER_MAX, &number);
        part->number = (int)number;
    } else if (str_eq(name, STR("ETag"))) {
        text = s3_etag_bare(text);
        completion->bad |= text.len >= sizeof(part->etag);
        snprintf(part->etag, sizeof(part->etag), "%.*s", STR_ARG(text));
    }
    buf_clear(&completion->text);
    return true;
}

static bool read_completion(struct s3_exchange *exchange, struct completion *ret_completion)
{
    *ret_completion = (struct completion){
        .parts = arena_array(exchange->arena, struct asked_part, S3_PART_NUMBER_MAX),
        .text = buf_on_heap(UPLOAD_KEY_FILE_MAX),
    };
    const struct xml_events events = {
        .start = on_start, .end = on_end, .text = on_text, .context = ret_completion};
    struct xml_reader *reader = xml_reader_new(&events);
    bool good = xml_reader_push(reader, exchange->body) && xml_reader_end(reader) &&
                !ret_completion->bad && ret_completion->count > 0;
    xml_reader_free(reader);
    buf_done(&ret_completion->text);
    return good || s3_refuse(exchange, 400, "MalformedXML",
                             "The XML you provided was not well-formed or did not validate against "
                             "our published schema");
}

static const struct part_file *find_part(const struct upload *upload,
                                         const struct asked_part *asked)
{
    for (size_t i = 0; i < upload->count; i++) {
        if (upload->parts[i].number == asked->number)
            return strcmp(upload->parts[i].etag, asked->etag) == 0 ? &upload->parts[i] : NULL;
    }
    return NULL;
}

static bool check_order(struct s3_exchange *exchange, const struct completion *completion)
{
    for (size_t i = 1; i < completion->count; i++) {
        if (completion->parts[i].number <= completion->parts[i - 1].number)
            return s3_refuse(exchange, 400, "InvalidPartOrder",
                             "The list of parts was not in ascending order. Parts must be ordered "
                             "by part number.");
    }
    return true;
}

/* The parts in the order that was asked for. */
static bool check_parts(struct s3_exchange *exchange, const struct upload *upload,
                        const struct completion *completion, const struct part_file **ret_parts)
{
    for (size_t i = 0; i < completion->count; i++) {
        const struct asked_part *asked = &completion->parts[i];
        ret_parts[i] = find_part(upload, asked);
        if (!ret_parts[i])
            return s3_refuse(exchange, 400, "InvalidPart",
                             "One or more of the specified parts could not be found.  The part may "
                             "not have been uploaded, or the specified entity tag may not match "
                             "the part's entity tag.");
        if (i + 1 < completion->count && ret_parts[i]->size < S3_PART_BYTES_MIN)
            return s3_refuse(exchange, 400, "EntityTooSmall",
                             "Your proposed upload is smaller than the minimum allowed size");
    }
    return true;
}

static bool append(int root, const struct upload *upload, const struct part_file *part,
                   struct draft *draft, char *space)
{
    char path[UPLOAD_PATH_SIZE + 64];
    snprintf(path, sizeof(path), "%s/%s", upload->path, part->name);
    _cleanup_close_ int fd = fd_open_at(root, path, O_RDONLY, 0);
    for (uint64_t at = 0; fd >= 0 && at < part->size;) {
        size_t size = part->size - at < COPY_SIZE ? (size_t)(part->size - at) : COPY_SIZE;
        if (!read_all(fd, at, space, size) || !draft_write(draft, (struct str){space, size}))
            return false;
        at += size;
    }
    return fd >= 0;
}

static bool put_together(struct s3_exchange *exchange, const struct upload *upload,
                         const struct part_file **parts, size_t count, char etag[S3_ETAG_SIZE])
{
    char *space = arena_alloc(exchange->arena, COPY_SIZE);
    struct str *etags = arena_array(exchange->arena, struct str, count);
    _cleanup_(draft_done) struct draft draft = {.fd = -1};
    if (!draft_begin(exchange->files, exchange->bucket, exchange->key, &draft))
        return false;
    for (size_t i = 0; i < count; i++) {
        etags[i] = str_from(parts[i]->etag);
        if (!append(exchange->files->root, upload, parts[i], &draft, space))
            return false;
    }
    return s3_etag_of_parts(etags, count, etag) && draft_finish(&draft, etag, upload->type);
}

void s3_complete_upload(struct s3_exchange *exchange)
{
    struct upload upload;
    struct completion completion;
    char etag[S3_ETAG_SIZE];
    if (!upload_find(exchange, &upload) || !read_completion(exchange, &completion))
        return;
    const struct part_file **parts =
        arena_array(exchange->arena, const struct part_file *, completion.count);
    upload_read_parts(exchange->files->root, &upload, exchange->arena);
    if (!check_order(exchange, &completion) ||
        !check_parts(exchange, &upload, &completion, parts) || !s3_may_create(exchange))
        return;
    if (!put_together(exchange, &upload, parts, completion.count, etag)) {
        s3_refuse_disk(exchange);
        return;
    }
    upload_remove(exchange->files->root, &upload);
    struct buf xml = s3_begin_xml(exchange, "CompleteMultipartUploadResult");
    s3_xml_text(&xml, "Bucket", exchange->bucket);
    s3_xml_text(&xml, "Key", exchange->key);
    s3_xml_text(&xml, "ETag", arena_printf(exchange->arena, "\"%s\"", etag));
    s3_end_xml(exchange, &xml, "CompleteMultipartUploadResult");
}
