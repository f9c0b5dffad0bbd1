/* Each part of a slot is written with one call, so that a kill leaves it whole or absent; after a
 * loss of power its tag says which. */
#include "escrow/slots.h"

#include "base/fd.h"
#include "base/random.h"
#include "vault/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC_SIZE = 8,
    OWNER_LOCK = ESCROW_WRITERS, /* the byte behind those of writers */
};

static const char head_magic[MAGIC_SIZE + 1] = "HGE1head";
static const char answer_magic[MAGIC_SIZE + 1] = "HGE1answ";

struct slot_head {
    char magic[MAGIC_SIZE];
    unsigned char id[ESCROW_ID_SIZE];
    uint32_t writer;
    uint32_t size;
    char envelope[ESCROW_ENVELOPE_MAX];
};

struct slot_answer {
    char magic[MAGIC_SIZE];
    unsigned char id[ESCROW_ID_SIZE];
    unsigned char nonce[CRYPTO_NONCE_SIZE];
    uint32_t size;
    unsigned char text_and_tag[ESCROW_ANSWER_MAX + CRYPTO_TAG_SIZE];
};

_Static_assert(sizeof(struct slot_head) == ESCROW_HEAD_SIZE, "no padding in what is stored");
_Static_assert(sizeof(struct slot_answer) == ESCROW_SLOT_SIZE - ESCROW_HEAD_SIZE, "likewise");

enum { ANSWER_HEAD_SIZE = offsetof(struct slot_answer, text_and_tag) };

static off_t head_at(int slot)
{
    return (off_t)slot * ESCROW_SLOT_SIZE;
}

static off_t answer_at(int slot)
{
    return head_at(slot) + ESCROW_HEAD_SIZE;
}

static bool write_at(int fd, const void *bytes, size_t size, off_t at)
{
    ssize_t put;
    do
        put = pwrite(fd, bytes, size, at);
    while (put < 0 && errno == EINTR);
    return put == (ssize_t)size;
}

static bool read_at(int fd, void *bytes, size_t size, off_t at)
{
    ssize_t got;
    do
        got = pread(fd, bytes, size, at);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

/* --- the file --- */

/* Every block is there, of a file that this process or one before it may not have made whole. */
static bool allocate(int fd, const char *path, struct error *error)
{
    int rc = posix_fallocate(fd, 0, ESCROW_FILE_SIZE);
    return rc == 0 || fail(error, ERR_INTERNAL,
                           "There is no room for %s, which keeps vendors' answers (%d MiB): %s.",
                           path, ESCROW_FILE_SIZE / (1024 * 1024), strerror(rc));
}

bool escrow_file_open(const char *path, bool make, int *ret_fd, struct error *error)
{
    struct stat status;
    *ret_fd = -1;
    _cleanup_close_ int fd =
        open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (make ? O_CREAT : 0), 0600);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail(error, ERR_INTERNAL, "%s, which keeps vendors' answers, cannot be opened: %s.",
                    path, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || status.st_size > ESCROW_FILE_SIZE)
        return fail(error, ERR_INTERNAL,
                    "%s, which keeps vendors' answers, is no such file of this server's. Move it "
                    "away and start again.",
                    path);
    if (status.st_size < ESCROW_FILE_SIZE && !allocate(fd, path, error))
        return false;
    *ret_fd = fd_take(&fd);
    return true;
}

/* The locks' bytes lie behind the slots, where nothing is written. */
static struct flock lock_of(int writer)
{
    return (struct flock){.l_type = F_WRLCK,
                          .l_whence = SEEK_SET,
                          .l_start = ESCROW_FILE_SIZE + (off_t)writer,
                          .l_len = 1};
}

bool escrow_file_own(int fd)
{
    struct flock lock = lock_of(OWNER_LOCK);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool escrow_writer_lock(const char *path, int *ret_fd, int *ret_writer, struct error *error)
{
    *ret_fd = -1;
    _cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return fail(error, ERR_UNAVAILABLE,
                    "%s, which keeps vendors' answers, cannot be opened: %s.", path,
                    strerror(errno));
    for (int writer = 0; writer < ESCROW_WRITERS; writer++) {
        struct flock lock = lock_of(writer);
        if (fcntl(fd, F_OFD_SETLK, &lock) != 0)
            continue;
        *ret_writer = writer;
        *ret_fd = fd_take(&fd);
        return true;
    }
    return fail(error, ERR_UNAVAILABLE,
                "%d processes of earlier servers still hold %s, which keeps vendors' answers.",
                ESCROW_WRITERS, path);
}

bool escrow_writer_lives(int fd, int writer)
{
    struct flock lock = lock_of(writer);
    return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* --- a slot --- */

bool escrow_slot_prepare(int fd, int slot, const unsigned char id[ESCROW_ID_SIZE], int writer,
                         struct str envelope, struct error *error)
{
    struct slot_head head = {.writer = (uint32_t)writer, .size = (uint32_t)envelope.len};
    if (envelope.len > ESCROW_ENVELOPE_MAX)
        return fail(error, ERR_INTERNAL, "An envelope of %zu bytes has no room in the escrow.",
                    envelope.len);
    memcpy(head.magic, head_magic, MAGIC_SIZE);
    memcpy(head.id, id, ESCROW_ID_SIZE);
    memcpy(head.envelope, envelope.data, envelope.len);
    return write_at(fd, &head, sizeof(head), head_at(slot)) ||
           fail(error, ERR_UNAVAILABLE, "The file for vendors' answers cannot be written: %s.",
                strerror(errno));
}

bool escrow_slot_clear(int fd, int slot)
{
    static const struct slot_head nothing;
    return write_at(fd, &nothing, sizeof(nothing), head_at(slot));
}

static struct str associated(const unsigned char id[ESCROW_ID_SIZE])
{
    return (struct str){(const char *)id, ESCROW_ID_SIZE};
}

/* Heads and answers begin alike. */
static bool has_id(int fd, off_t at, const char *magic, const unsigned char id[ESCROW_ID_SIZE])
{
    char begin[MAGIC_SIZE + ESCROW_ID_SIZE];
    return read_at(fd, begin, sizeof(begin), at) && memcmp(begin, magic, MAGIC_SIZE) == 0 &&
           memcmp(begin + MAGIC_SIZE, id, ESCROW_ID_SIZE) == 0;
}

bool escrow_slot_is_answered(int fd, int slot, const unsigned char id[ESCROW_ID_SIZE])
{
    return has_id(fd, answer_at(slot), answer_magic, id);
}

bool escrow_slot_answer(int fd, int slot, const struct escrow_call_key *key, struct str answer)
{
    struct slot_answer record;
    if (answer.len > ESCROW_ANSWER_MAX || !has_id(fd, head_at(slot), head_magic, key->id))
        return false;
    memcpy(record.magic, answer_magic, MAGIC_SIZE);
    memcpy(record.id, key->id, ESCROW_ID_SIZE);
    random_bytes(record.nonce, sizeof(record.nonce));
    record.size = (uint32_t)answer.len;
    crypto_gcm_encrypt(key->key, record.nonce, associated(key->id), answer, record.text_and_tag);
    return write_at(fd, &record, ANSWER_HEAD_SIZE + answer.len + CRYPTO_TAG_SIZE,
                    answer_at(slot)) &&
           fdatasync(fd) == 0;
}

bool escrow_slot_read(int fd, int slot, struct arena *arena, struct escrow_head *ret_head)
{
    struct slot_head head;
    if (!read_at(fd, &head, sizeof(head), head_at(slot)) ||
        memcmp(head.magic, head_magic, MAGIC_SIZE) != 0 || head.size > ESCROW_ENVELOPE_MAX ||
        head.writer >= ESCROW_WRITERS)
        return false;
    memcpy(ret_head->id, head.id, ESCROW_ID_SIZE);
    ret_head->writer = (int)head.writer;
    ret_head->envelope = arena_copy(arena, (struct str){head.envelope, head.size});
    return true;
}

bool escrow_file_count(const char *path, struct str key_id, size_t *ret_count, struct error *error)
{
    struct arena arena = {0};
    struct escrow_head head;
    *ret_count = 0;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ||
               fail(error, ERR_INTERNAL, "%s, which keeps vendors' answers, cannot be opened: %s.",
                    path, strerror(errno));
    for (int i = 0; i < ESCROW_SLOTS; i++)
        *ret_count +=
            escrow_slot_read(fd, i, &arena, &head) && str_eq(seal_key_id(head.envelope), key_id);
    arena_done(&arena);
    return true;
}

enum escrow_found escrow_slot_open(int fd, int slot, const struct escrow_call_key *key,
                                   struct arena *arena, struct str *ret_answer)
{
    struct slot_answer record;
    if (!read_at(fd, &record, sizeof(record), answer_at(slot)) ||
        memcmp(record.magic, answer_magic, MAGIC_SIZE) != 0 ||
        memcmp(record.id, key->id, ESCROW_ID_SIZE) != 0)
        return ESCROW_NO_ANSWER;
    if (record.size > ESCROW_ANSWER_MAX)
        return ESCROW_DAMAGED;
    struct str sealed = {(const char *)record.text_and_tag, record.size + CRYPTO_TAG_SIZE};
    unsigned char *text = arena_alloc(arena, record.size + 1);
    if (!crypto_gcm_decrypt(key->key, record.nonce, associated(key->id), sealed, text))
        return ESCROW_DAMAGED;
    *ret_answer = (struct str){(const char *)text, record.size};
    return ESCROW_ANSWER;
}
