/* A database whose bytes changed on disk: what is read is right, or it is an error that says what
 * to do. Nothing is wrong in silence. */
#include "store_fixture.h"

#include "store/sqlite/internal.h"
#include "store/sqlite/page.h"

#include <fcntl.h>
#include <sys/stat.h>

enum { PROFILES = 40, SEALED_SIZE = 3000, REGION = 512 /* bytes; one bit in each is flipped */ };

static void name_of(int number, char name[16])
{
    snprintf(name, 16, "profile-%d", number);
}

/* Recognizable, and different for each profile. */
static void fill(int number, char sealed[SEALED_SIZE])
{
    for (int i = 0; i < SEALED_SIZE; i++)
        sealed[i] = (char)(number * 31 + i);
}

static bool apply_many(struct db *db, void *argument, struct error *error)
{
    (void)argument;
    for (int i = 0; i < PROFILES; i++) {
        char name[16], sealed[SEALED_SIZE];
        name_of(i, name);
        fill(i, sealed);
        struct profile profile = sample_profile(name);
        profile.version = 1000 + i;
        profile.sealed_credentials = (struct str){sealed, SEALED_SIZE};
        if (!profile_insert(db, &profile, 0, error))
            return false;
    }
    bool put;
    return meta_put_once(db, STR("name"), STR("value"), &put, error);
}

static void make_database(struct fixture *f)
{
    fixture_open(f);
    check(f, store_apply(f->store, apply_many, NULL, false, &f->error));
    fixture_close(f);
}

/* --- reading everything --- */

static bool profile_is_right(struct fixture *f, int number, bool *ret_right)
{
    char name[16], sealed[SEALED_SIZE];
    struct profile got;
    bool found;
    name_of(number, name);
    fill(number, sealed);
    struct profile want = sample_profile(name);
    if (!profile_find(f->reader, &f->arena, want.key, &got, &found, &f->error))
        return false;
    *ret_right =
        found && got.version == 1000 + number && str_eq(got.connector_type, want.connector_type) &&
        str_eq(got.connection_mode, want.connection_mode) && !got.kms_arn.data &&
        str_eq(got.credentials_arn, want.credentials_arn) &&
        str_eq(got.properties, want.properties) && got.created_at_ms == 5 &&
        got.updated_at_ms == 6 && str_eq(got.sealed_credentials, (struct str){sealed, SEALED_SIZE});
    return true;
}

static bool listing_is_right(struct fixture *f, bool *ret_right)
{
    struct profile_filter filter = {.account = STR("123456789012"), .region = STR("eu-central-1")};
    struct profile *profiles;
    size_t count;
    struct str value;
    if (!profile_list(f->reader, &f->arena, &filter, PROFILES + 1, &profiles, &count, &f->error) ||
        !meta_get(f->reader, &f->arena, STR("name"), &value, &f->error))
        return false;
    *ret_right = count == PROFILES && str_eq(value, STR("value"));
    return true;
}

/* False for an error. */
static bool read_all(struct fixture *f, bool *ret_right)
{
    struct store_config config = fixture_config(f);
    if (!store_open(&config, &f->store, &f->error) ||
        !store_reader_open(f->store, &f->reader, &f->error) || !listing_is_right(f, ret_right))
        return false;
    for (int i = 0; i < PROFILES && *ret_right; i++) {
        if (!profile_is_right(f, i, ret_right))
            return false;
    }
    return true;
}

static void assert_right_or_refused(struct fixture *f, const char *what, long at, int *refused)
{
    bool right = false;
    f->error = (struct error){0};
    bool read = read_all(f, &right);
    if (read && !right)
        fail_msg("%s at %ld: wrong without an error", what, at);
    if (!read && (f->error.code != ERR_UNAVAILABLE || !strstr(f->error.message, "backup")))
        fail_msg("%s at %ld: %d %s", what, at, (int)f->error.code, f->error.message);
    *refused += !read;
    fixture_close(f);
    arena_reset(&f->arena);
}

/* --- damaging --- */

struct file {
    int fd;
    long size;
    char *bytes; /* as they were */
};

static struct file open_file(const struct fixture *f)
{
    struct stat info;
    struct file file = {.fd = open(f->path, O_RDWR | O_CLOEXEC)};
    assert_true(file.fd >= 0);
    assert_int_equal(fstat(file.fd, &info), 0);
    file.size = info.st_size;
    file.bytes = malloc((size_t)file.size);
    assert_int_equal(pread(file.fd, file.bytes, (size_t)file.size, 0), file.size);
    return file;
}

static void put(const struct file *file, const void *bytes, long size, long at)
{
    assert_int_equal(pwrite(file->fd, bytes, (size_t)size, at), size);
}

static void restore(const struct file *file)
{
    assert_int_equal(ftruncate(file->fd, file->size), 0);
    put(file, file->bytes, file->size, 0);
}

static void close_file(struct file *file)
{
    free(file->bytes);
    close(file->fd);
}

static void flipped_bits_are_seen(void **state)
{
    struct fixture *f = *state;
    int refused = 0, flipped = 0;
    make_database(f);
    struct file file = open_file(f);
    for (long at = 0; at < file.size; at += REGION, flipped++) {
        long there = at + (at / REGION * 7919) % REGION;
        char changed = (char)(file.bytes[there] ^ 1 << there % 8);
        put(&file, &changed, 1, there);
        assert_right_or_refused(f, "a flipped bit", there, &refused);
        restore(&file);
    }
    print_message("%d of %d flipped bits were refused, the others read by nobody\n", refused,
                  flipped);
    assert_true(refused > flipped / 2);
    close_file(&file);
}

/* Every bit that matters in the header and the beginning of the first page. */
static void flipped_header_is_seen(void **state)
{
    struct fixture *f = *state;
    int refused = 0;
    make_database(f);
    struct file file = open_file(f);
    for (long bit = 0; bit < 120 * 8; bit++) {
        char changed = (char)(file.bytes[bit / 8] ^ 1 << bit % 8);
        put(&file, &changed, 1, bit / 8);
        bool right = false;
        f->error = (struct error){0};
        if (read_all(f, &right) && !right)
            fail_msg("bit %ld of the header: wrong without an error", bit);
        refused += f->error.code == ERR_UNAVAILABLE;
        fixture_close(f);
        arena_reset(&f->arena);
        restore(&file);
    }
    assert_int_equal(refused, 120 * 8);
    close_file(&file);
}

static void torn_pages_are_seen(void **state)
{
    struct fixture *f = *state;
    static const char zeros[DB_PAGE_SIZE];
    int refused = 0;
    make_database(f);
    struct file file = open_file(f);
    for (long at = 0; at < file.size; at += DB_PAGE_SIZE) {
        const long half = DB_PAGE_SIZE / 2, other = (at + DB_PAGE_SIZE) % file.size;
        put(&file, zeros, half, at + half);
        assert_right_or_refused(f, "a half page of zeros", at, &refused);
        put(&file, file.bytes + other, half, at);
        put(&file, file.bytes + at + half, half, at + half);
        assert_right_or_refused(f, "half of another page", at, &refused);
        put(&file, file.bytes + other, DB_PAGE_SIZE, at);
        assert_right_or_refused(f, "another page", at, &refused);
        put(&file, zeros, DB_PAGE_SIZE, at);
        assert_right_or_refused(f, "a page of zeros", at, &refused);
        restore(&file);
        assert_int_equal(ftruncate(file.fd, at + half), 0);
        assert_right_or_refused(f, "the end of the file", at, &refused);
        restore(&file);
    }
    print_message("%d of %ld torn pages were refused\n", refused, file.size / DB_PAGE_SIZE * 5);
    assert_right_or_refused(f, "nothing", 0, &refused);
    close_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_dir(flipped_bits_are_seen),
        test_with_dir(flipped_header_is_seen),
        test_with_dir(torn_pages_are_seen),
    };
    fixture_in_memory = true;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
