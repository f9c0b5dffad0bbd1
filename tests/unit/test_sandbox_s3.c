/* The S3 stand-in below its protocol: keys as paths, objects as files, bodies in chunks. What it
 * does over HTTP is tested with AWS's clients (tests/clients/test_s3_sandbox.py). */
#include "cmocka_all.h"

#include "base/buf.h"
#include "base/encode.h"
#include "base/random.h"
#include "sandbox/s3/chunks.h"
#include "sandbox/s3/files.h"
#include "sandbox/s3/path.h"
#include "sandbox/s3/upload_files.h"
#include "temporary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct str path_of(struct arena *arena, struct str key)
{
    struct buf out = buf_in(arena, KEY_PATH_MAX);
    key_add_path(&out, key);
    assert_false(out.overflow);
    return buf_str(&out);
}

/* The way back, name by name, as a walk of the folders goes it. */
static bool key_of(struct arena *arena, struct str path, struct str *ret_key)
{
    struct buf key = buf_in(arena, KEY_PATH_MAX);
    struct str name;
    buf_add(&key, STR(""));
    while (str_cut(path, '/', &name, &path)) {
        if (!key_add_name(&key, name, true))
            return false;
    }
    bool good = key_add_name(&key, path, false);
    *ret_key = buf_str(&key);
    return good;
}

static void keys_have_readable_paths(void **unused)
{
    (void)unused;
    static const struct {
        const char *key, *path;
    } rows[] = {
        {"year=2024/a b+c.csv", "year=2024/a b+c.csv"},
        {"\xC3\xBC/\xE2\x82\xAC", "\xC3\xBC/\xE2\x82\xAC"},
        {"../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"},
        {"./..a/...", "%2E/..a/..."},
        {"/a", "%e/a"},
        {"a//b/", "a/%e/b/%e"},
        {"50%/\n\x7F", "50%25/%0A%7F"},
        {"a%f", "a%25f"},
    };
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct str key, path = path_of(&arena, str_from(rows[i].key));
        if (!str_eq(path, str_from(rows[i].path)))
            fail_msg("%s: %.*s", rows[i].key, STR_ARG(path));
        assert_true(key_of(&arena, path, &key) && str_eq(key, str_from(rows[i].key)));
    }
    arena_done(&arena);
}

/* Any key: its path stays within its folder, its names fit a file system, and it is its key's
 * alone, since the key is read back from it. */
static void any_key_has_a_path_of_its_own(void **unused)
{
    (void)unused;
    static const char *const pieces[] = {"/",
                                         "//",
                                         ".",
                                         "..",
                                         "%",
                                         "%2E",
                                         "%f",
                                         "%-",
                                         "%e",
                                         "%t",
                                         "a",
                                         "\n",
                                         "\xC3\xBC",
                                         "=",
                                         "+",
                                         " ",
                                         "0123456789012345678901234567890123456789"};
    for (int round = 0; round < 3000; round++) {
        struct arena arena = {0};
        struct buf text = buf_in(&arena, S3_KEY_MAX);
        uint32_t count = 1 + random_u32() % (round % 10 == 0 ? 40 : 8);
        for (uint32_t i = 0; i < count; i++)
            buf_add_cstr(&text, pieces[random_u32() % (sizeof(pieces) / sizeof(*pieces))]);
        struct str key, name, rest, path = path_of(&arena, buf_str(&text));
        assert_true(key_of(&arena, path, &key));
        if (!str_eq(key, buf_str(&text)))
            fail_msg("%.*s became %.*s", STR_ARG(path), STR_ARG(key));
        for (bool more = true; more; path = rest) {
            name = path;
            more = str_cut(path, '/', &name, &rest);
            assert_true(name.len > 0 && name.len <= 255 && !str_eq(name, STR(".")) &&
                        !str_eq(name, STR("..")));
        }
        arena_done(&arena);
    }
}

static void other_spellings_of_a_name_are_no_keys(void **unused)
{
    (void)unused;
    static const char *const paths[] = {"%41", "%2e%2E", "a%", "%t12AB", "x%-/y", "%2F", "a%e", ""};
    struct arena arena = {0};
    struct str key;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        if (key_of(&arena, str_from(paths[i]), &key))
            fail_msg("\"%s\" is read as %.*s", paths[i], STR_ARG(key));
    }
    arena_done(&arena);
}

/* --- files --- */

struct fixture {
    char directory[TEMPORARY_SIZE];
    struct files files;
    struct arena arena;
};

static void open_files(struct fixture *f)
{
    *f = (struct fixture){.files = {.root = -1}};
    assert_non_null(mkdtemp(temporary_template(f->directory, "s3")));
    f->files.dir = f->directory;
    assert_true(files_open(&f->files, "bucket"));
}

static void close_files(struct fixture *f)
{
    char command[TEMPORARY_SIZE + 16];
    files_close(&f->files);
    arena_done(&f->arena);
    snprintf(command, sizeof(command), "rm -r '%s'", f->directory);
    assert_int_equal(system(command), 0);
}

static const struct str bucket = STR("bucket");

static void put(struct fixture *f, const char *key, const char *body)
{
    struct draft draft;
    char etag[S3_ETAG_SIZE];
    assert_true(s3_etag(str_from(body), etag));
    if (!draft_begin(&f->files, bucket, str_from(key), &draft) ||
        !draft_write(&draft, str_from(body)) || !draft_finish(&draft, etag, STR("text/x")))
        fail_msg("\"%.60s\" cannot be put", key);
    draft_done(&draft);
}

static void assert_object(struct fixture *f, const char *key, const char *body)
{
    struct file_facts facts;
    char bytes[64] = "", etag[S3_ETAG_SIZE];
    int fd = object_open(&f->files, bucket, str_from(key));
    if (fd < 0)
        fail_msg("there is no \"%.60s\"", key);
    assert_true(read_all(fd, 0, bytes, strlen(body)));
    close(fd);
    assert_string_equal(bytes, body);
    assert_true(object_facts(&f->files, bucket, str_from(key), &f->arena, &facts));
    assert_int_equal(facts.size, strlen(body));
    assert_true(s3_etag(str_from(body), etag));
    assert_string_equal(facts.etag, etag);
}

static bool exists(struct fixture *f, const char *key)
{
    struct file_facts facts;
    return object_facts(&f->files, bucket, str_from(key), &f->arena, &facts);
}

static void assert_keys(struct fixture *f, size_t expected)
{
    struct str *keys;
    size_t count;
    assert_true(object_keys(&f->files, bucket, STR(""), STR(""), &f->arena, &keys, &count));
    assert_int_equal(count, expected);
}

static void an_object_may_be_a_folder_too(void **unused)
{
    (void)unused;
    struct fixture f;
    static const char *const orders[][3] = {{"a", "a/b", "a/b/c"}, {"a/b/c", "a/b", "a"}};
    for (size_t i = 0; i < 2; i++) {
        open_files(&f);
        for (size_t k = 0; k < 3; k++)
            put(&f, orders[i][k], orders[i][k]);
        for (size_t k = 0; k < 3; k++)
            assert_object(&f, orders[i][k], orders[i][k]);
        put(&f, "a", "new");
        assert_object(&f, "a", "new");
        assert_true(object_remove(&f.files, bucket, STR("a/b/c")));
        assert_object(&f, "a/b", "a/b");
        assert_true(object_remove(&f.files, bucket, STR("a/b")));
        assert_object(&f, "a", "new");
        put(&f, "a", "newer");
        assert_object(&f, "a", "newer");
        assert_keys(&f, 1); /* not where it stepped aside, too */
        assert_true(object_remove(&f.files, bucket, STR("a")));
        assert_false(exists(&f, "a"));
        assert_int_equal(bucket_remove(&f.files, bucket), 0); /* nothing was left in it */
        close_files(&f);
    }
}

static void no_key_leads_out_of_its_bucket(void **unused)
{
    (void)unused;
    struct fixture f;
    char outside[TEMPORARY_SIZE + 32];
    struct stat facts;
    open_files(&f);
    put(&f, "../escaped", "x");
    put(&f, "../../escaped", "x");
    put(&f, "/tmp/headgate-escaped", "x");
    snprintf(outside, sizeof(outside), "%s/escaped", f.directory);
    assert_int_not_equal(stat(outside, &facts), 0);
    assert_int_not_equal(stat("/tmp/headgate-escaped", &facts), 0);
    assert_object(&f, "../escaped", "x");
    close_files(&f);
}

static void keys_are_listed_in_the_order_of_their_bytes(void **unused)
{
    (void)unused;
    static const char *const sorted[] = {"a", "a-b", "a/", "a/b", "a0", "b", "\xC3\xBC"};
    static const char *const put_order[] = {"b", "a0", "a/b", "\xC3\xBC", "a", "a-b", "a/"};
    struct fixture f;
    struct str *keys;
    size_t count;
    char long_key[S3_KEY_MAX + 1];
    open_files(&f);
    for (size_t i = 0; i < 7; i++)
        put(&f, put_order[i], "x");
    assert_true(object_keys(&f.files, bucket, STR(""), STR(""), &f.arena, &keys, &count));
    assert_int_equal(count, 7);
    for (size_t i = 0; i < count; i++)
        assert_true(str_eq(keys[i], str_from(sorted[i])));
    assert_true(object_keys(&f.files, bucket, STR("a"), STR("a/"), &f.arena, &keys, &count));
    assert_int_equal(count, 2);
    assert_true(str_eq(keys[0], STR("a/b")));
    memset(long_key, 'x', S3_KEY_MAX);
    long_key[S3_KEY_MAX] = '\0';
    put(&f, long_key, "long");
    assert_object(&f, long_key, "long");
    assert_true(object_keys(&f.files, bucket, STR("xx"), STR(""), &f.arena, &keys, &count));
    assert_int_equal(count, 1);
    assert_int_equal(keys[0].len, S3_KEY_MAX);
    close_files(&f);
}

/* Makes a file below the fixture's directory, with the folder above it. */
static void make_file(struct fixture *f, const char *folder, const char *name, const char *text)
{
    char path[2 * TEMPORARY_SIZE];
    snprintf(path, sizeof(path), "%s/%s", f->directory, folder);
    (void)mkdir(path, 0700); /* it may be there */
    snprintf(path, sizeof(path), "%s/%s/%s", f->directory, folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write_all(fd, str_from(text)));
    close(fd);
}

static bool is_there(struct fixture *f, const char *path)
{
    return faccessat(f->files.root, path, F_OK, 0) == 0;
}

/* As if it had been truncated after its size was asked for. */
static void a_file_may_become_shorter_while_it_is_read(void **unused)
{
    (void)unused;
    struct fixture f;
    char etag[S3_ETAG_SIZE], expected[S3_ETAG_SIZE];
    open_files(&f);
    put(&f, "a", "text");
    int fd = object_open(&f.files, bucket, STR("a"));
    file_etag(fd, 3 * 1024 * 1024, etag);
    assert_string_equal(etag, "");
    file_etag(fd, 4, etag);
    assert_true(s3_etag(STR("text"), expected));
    assert_string_equal(etag, expected);
    close(fd);
    close_files(&f);
}

static void a_computed_etag_is_kept(void **unused)
{
    (void)unused;
    struct fixture f;
    const struct timespec old[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    open_files(&f);
    make_file(&f, "bucket", "a", "1");
    assert_object(&f, "a", "1");
    assert_false(is_there(&f, ".meta/bucket/a")); /* it may yet change within the time stamp */
    assert_int_equal(utimensat(f.files.root, "bucket/a", old, 0), 0);
    assert_object(&f, "a", "1");
    assert_true(is_there(&f, ".meta/bucket/a"));
    assert_object(&f, "a", "1");
    make_file(&f, "bucket", "a", "2");
    assert_object(&f, "a", "2");
    close_files(&f);
}

static void what_is_left_of_a_removed_upload_is_cleaned_up(void **unused)
{
    (void)unused;
    static const char *const names[] = {".uploads/bucket/ABCDEFGHIJKLMNOPQRSTUVWXYZ012345",
                                        ".uploads/bucket/abcdefghijklmnopqrstuvwxyz012345"};
    struct fixture f;
    struct upload upload;
    open_files(&f);
    make_file(&f, ".uploads", "x", "");
    make_file(&f, ".uploads/bucket", "x", "");
    make_file(&f, names[0], "00001.0123456789abcdef0123456789abcdef", "part");
    make_file(&f, names[1], "key", "text/x\nkey");
    uploads_clean(&f.files);
    assert_false(is_there(&f, names[0]));
    assert_true(is_there(&f, names[1]));
    upload_place(&upload, bucket, STR("abcdefghijklmnopqrstuvwxyz012345"));
    upload_remove(f.files.root, &upload);
    assert_false(is_there(&f, names[1]));
    close_files(&f);
}

/* What a person puts into the folder is an object; what only looks like one is not. */
static void a_file_that_was_put_there_is_an_object(void **unused)
{
    (void)unused;
    struct fixture f;
    struct str *keys;
    size_t count;
    char path[TEMPORARY_SIZE + 32];
    open_files(&f);
    static const char *const names[] = {"by-hand.csv", "50%.csv", "%t0123"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/bucket/%s", f.directory, names[i]);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0 && write_all(fd, STR("1,2\n")));
        close(fd);
    }
    assert_true(object_keys(&f.files, bucket, STR(""), STR(""), &f.arena, &keys, &count));
    assert_int_equal(count, 1);
    assert_object(&f, "by-hand.csv", "1,2\n");
    close_files(&f);
}

/* --- chunks --- */

static void chunks_are_decoded(void **unused)
{
    (void)unused;
    static const struct {
        const char *coded, *body, *trailer;
    } rows[] = {
        {"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "hello", "NhCmhg=="},
        {"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello", ""},
        {"0\r\n\r\n", "", ""},
        {"0\r\n", "", ""},
        {"a\r\nhello\r\n0\r\n\r\n", NULL, NULL},
        {"5\r\nhello0\r\n\r\n", NULL, NULL},
        {"5\r\nhello\r\n", NULL, NULL},
        {"5\nhello\r\n0\r\n\r\n", NULL, NULL},
        {"\r\n", NULL, NULL},
        {"FFFFFFFFF\r\n", NULL, NULL},
        {"FFFFFFFF\r\nx\r\n", NULL, NULL},
        {"-1\r\n", NULL, NULL},
        {"0\r\nno trailer\r\n", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct arena arena = {0};
        struct s3_chunks chunks = {.trailer_value = STR("")};
        bool good = s3_chunks_decode(str_from(rows[i].coded), &arena, &chunks);
        if (good != (rows[i].body != NULL))
            fail_msg("row %zu", i);
        if (good) {
            assert_true(str_eq(chunks.body, str_from(rows[i].body)));
            assert_true(str_eq(chunks.trailer_value, str_from(rows[i].trailer)));
        }
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_readable_paths),
        cmocka_unit_test(any_key_has_a_path_of_its_own),
        cmocka_unit_test(other_spellings_of_a_name_are_no_keys),
        cmocka_unit_test(an_object_may_be_a_folder_too),
        cmocka_unit_test(no_key_leads_out_of_its_bucket),
        cmocka_unit_test(keys_are_listed_in_the_order_of_their_bytes),
        cmocka_unit_test(a_file_that_was_put_there_is_an_object),
        cmocka_unit_test(a_file_may_become_shorter_while_it_is_read),
        cmocka_unit_test(a_computed_etag_is_kept),
        cmocka_unit_test(what_is_left_of_a_removed_upload_is_cleaned_up),
        cmocka_unit_test(chunks_are_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
