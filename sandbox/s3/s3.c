/* From a request to an operation: host, bucket, key, parameters, signature, table. */
#include "sandbox/s3/s3.h"

#include "base/alloc.h"
#include "base/encode.h"
#include "base/random.h"
#include "sandbox/s3/exchange.h"
#include "sandbox/s3/signature.h"
#include "sandbox/s3/upload_files.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct s3_storage {
    pthread_mutex_t lock; /* guards the files: two listeners use them */
    struct files files;
    const struct signers *signers;
};

struct s3_storage *s3_storage_new(const char *dir, const struct signers *signers)
{
    struct s3_storage *storage = xcalloc(1, sizeof(*storage));
    pthread_mutex_init(&storage->lock, NULL);
    storage->files = (struct files){.root = -1, .dir = dir};
    storage->signers = signers;
    return storage;
}

void s3_storage_free(struct s3_storage *storage)
{
    if (!storage)
        return;
    files_close(&storage->files);
    pthread_mutex_destroy(&storage->lock);
    free(storage);
}

/* --- hosts --- */

static struct str without_end(struct str text, struct str end)
{
    return (struct str){text.data, text.len - end.len};
}

/* "s3" or "s3.REGION"; with a bucket before it "BUCKET.s3…", whose own labels may be any. */
static bool split_amazon(struct str name, struct str *ret_bucket)
{
    struct str region;
    *ret_bucket = STR_NULL;
    if (str_eq(name, STR("s3")) ||
        (str_starts(name, STR("s3.")) &&
         !str_contains((struct str){name.data + 3, name.len - 3}, STR("."))))
        return true;
    for (size_t i = name.len; i-- > 1;) {
        struct str rest = {name.data + i, name.len - i};
        if (!str_starts(rest, STR(".s3.")) && !str_eq(rest, STR(".s3")))
            continue;
        region = str_behind(rest, '.', 2);
        *ret_bucket = (struct str){name.data, i};
        return !str_contains(region, STR("."));
    }
    return false;
}

/* ret_bucket STR_NULL: it is the path's first segment. */
static bool split_host(struct str host, struct str *ret_bucket)
{
    static const struct str amazon = STR(".amazonaws.com"), local = STR(".localhost");
    *ret_bucket = STR_NULL;
    if (request_host_is_own(host))
        return true;
    if (str_ends(host, local)) {
        *ret_bucket = without_end(host, local);
        return ret_bucket->len > 0;
    }
    return str_ends(host, amazon) && split_amazon(without_end(host, amazon), ret_bucket);
}

bool s3_storage_takes(struct str host)
{
    struct str bucket;
    return split_host(host, &bucket);
}

/* --- operations --- */

enum level { LEVEL_SERVICE, LEVEL_BUCKET, LEVEL_OBJECT };

/* The first row that fits. */
static const struct s3_operation {
    enum level level;
    const char *method;
    const char *parameter; /* must be there; NULL: none */
    void (*run)(struct s3_exchange *exchange);
} operations[] = {
    {LEVEL_SERVICE, "GET", NULL, s3_list_buckets},
    {LEVEL_BUCKET, "PUT", NULL, s3_create_bucket},
    {LEVEL_BUCKET, "HEAD", NULL, s3_head_bucket},
    {LEVEL_BUCKET, "DELETE", NULL, s3_delete_bucket},
    {LEVEL_BUCKET, "GET", "location", s3_bucket_location},
    {LEVEL_BUCKET, "GET", "uploads", s3_list_uploads},
    {LEVEL_BUCKET, "GET", NULL, s3_list_objects},
    {LEVEL_OBJECT, "GET", "uploadId", s3_list_parts},
    {LEVEL_OBJECT, "GET", NULL, s3_get_object},
    {LEVEL_OBJECT, "HEAD", NULL, s3_get_object},
    {LEVEL_OBJECT, "PUT", "uploadId", s3_upload_one_part},
    {LEVEL_OBJECT, "PUT", NULL, s3_put_object},
    {LEVEL_OBJECT, "DELETE", "uploadId", s3_abort_upload},
    {LEVEL_OBJECT, "DELETE", NULL, s3_delete_object},
    {LEVEL_OBJECT, "POST", "uploads", s3_create_upload},
    {LEVEL_OBJECT, "POST", "uploadId", s3_complete_upload},
};

/* A parameter that is not here makes the request another operation. */
static const char *const parameter_names[] = {
    "location",           "uploads",
    "uploadId",           "partNumber",
    "list-type",          "prefix",
    "delimiter",          "max-keys",
    "start-after",        "continuation-token",
    "fetch-owner",        "encoding-type",
    "key-marker",         "max-uploads",
    "upload-id-marker",   "max-parts",
    "part-number-marker", "x-id",
    "max-buckets",        "bucket-region",
};

static bool is_known(struct str name)
{
    for (size_t i = 0; i < sizeof(parameter_names) / sizeof(*parameter_names); i++) {
        if (str_eq(name, str_from(parameter_names[i])))
            return true;
    }
    return false;
}

static const struct s3_operation *find_operation(const struct s3_exchange *exchange)
{
    enum level level = !exchange->bucket.data ? LEVEL_SERVICE
                       : !exchange->key.data  ? LEVEL_BUCKET
                                              : LEVEL_OBJECT;
    for (size_t i = 0; i < exchange->parameters->count; i++) {
        if (!is_known(exchange->parameters->names[i]))
            return NULL;
    }
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
        const struct s3_operation *each = &operations[i];
        if (each->level == level &&
            str_eq(exchange->request->head->method, str_from(each->method)) &&
            (!each->parameter || s3_parameter(exchange, each->parameter).data))
            return each;
    }
    return NULL;
}

/* Bucket and key of host and path. False: the path is malformed, which was refused. */
static bool read_place(struct s3_exchange *exchange)
{
    struct str path = exchange->request->path, key = STR_NULL;
    if (path.len > 0)
        path = (struct str){path.data + 1, path.len - 1};
    if (exchange->bucket.data)
        key = path;
    else if (!str_cut(path, '/', &exchange->bucket, &key))
        exchange->bucket = path;
    if (exchange->bucket.len == 0)
        exchange->bucket = STR_NULL;
    if (key.len == 0)
        return true;
    if (!decode_percent(exchange->arena, key, &exchange->key))
        return s3_refuse(exchange, 400, "InvalidURI", "Couldn't parse the specified URI.");
    if (exchange->key.len > S3_KEY_MAX)
        return s3_refuse(exchange, 400, "KeyTooLongError", "Your key is too long");
    return s3_key_is_valid(exchange->key) ||
           s3_refuse(exchange, 400, "InvalidArgument", "A key is UTF-8 without NUL.");
}

static bool read_parameters(struct s3_exchange *exchange)
{
    struct parameters *parameters = arena_new(exchange->arena, struct parameters);
    exchange->parameters = parameters;
    return parameters_parse(exchange->request->query, exchange->arena, parameters) ||
           s3_refuse(exchange, 400, "InvalidArgument", "The query cannot be read.");
}

static bool check_bucket(struct s3_exchange *exchange, const struct s3_operation *operation)
{
    return !exchange->bucket.data || operation->run == s3_create_bucket ||
           bucket_exists(exchange->files, exchange->bucket) ||
           s3_refuse(exchange, 404, "NoSuchBucket", "The specified bucket does not exist");
}

static bool open_storage(struct s3_storage *storage)
{
    if (storage->files.root >= 0)
        return true;
    if (!files_open(&storage->files, S3_DEMO_BUCKET))
        return false;
    uploads_clean(&storage->files);
    return true;
}

static void run(struct s3_storage *storage, struct s3_exchange *exchange)
{
    if (!read_place(exchange) || !read_parameters(exchange) ||
        !s3_check_signature(storage->signers, exchange))
        return;
    const struct s3_operation *operation = find_operation(exchange);
    if (!operation || s3_header(exchange, "x-amz-copy-source").data)
        s3_refuse(exchange, 501, "NotImplemented",
                  "The sandbox's S3 does not have this operation.");
    else if (!open_storage(storage))
        s3_refuse_disk(exchange);
    else if (check_bucket(exchange, operation))
        operation->run(exchange);
}

void s3_storage_answer(struct s3_storage *storage, const struct sandbox_request *request,
                       struct http_exchange *exchange)
{
    char *id = arena_alloc(&exchange->arena, UUID_SIZE);
    random_uuid(id);
    struct s3_exchange own = {
        .files = &storage->files,
        .request = request,
        .arena = &exchange->arena,
        .request_id = str_from(id),
    };
    ignore_failure(split_host(request->host, &own.bucket)); /* s3_storage_takes has asked */
    pthread_mutex_lock(&storage->lock);
    run(storage, &own);
    pthread_mutex_unlock(&storage->lock);
    s3_add_header(&own, "x-amz-request-id", own.request_id);
    const struct http_response response = {.status = own.status,
                                           .headers = own.headers,
                                           .header_count = own.header_count,
                                           .body = own.reply};
    http_respond(exchange, &response);
}
