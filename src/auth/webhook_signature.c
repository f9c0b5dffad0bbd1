/* Reading the file of secrets, and signing. */
#include "auth/webhook_signature.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/fd.h"
#include "vault/crypto.h"
#include "vault/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = WEBHOOK_SECRETS_MAX * (WEBHOOK_SECRET_MAX + 64) };

struct webhook_secrets {
    struct secret *list[WEBHOOK_SECRETS_MAX];
    size_t count;
};

static bool read_file(const char *path, struct buf *text, struct error *error)
{
    struct stat status;
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &status) != 0)
        return fail(error, ERR_VALIDATION, "%s cannot be read: %s.", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return fail(error, ERR_VALIDATION, "%s is not a file.", path);
    if (status.st_mode & S_IRWXO)
        return fail(error, ERR_VALIDATION,
                    "%s may be read or changed by others: run \"chmod o= "
                    "%s\".",
                    path, path);
    char piece[256];
    for (ssize_t got; !text->overflow && (got = read(fd, piece, sizeof(piece))) != 0;) {
        if (got < 0)
            return fail(error, ERR_VALIDATION, "%s cannot be read: %s.", path, strerror(errno));
        buf_add(text, (struct str){piece, (size_t)got});
        explicit_bzero(piece, sizeof(piece));
    }
    return !text->overflow ||
           fail(error, ERR_VALIDATION, "%s has more than %d bytes.", path, FILE_MAX);
}

static bool add(struct webhook_secrets *secrets, const char *path, struct str line,
                struct error *error)
{
    if (line.len == 0)
        return true;
    if (line.len < WEBHOOK_SECRET_MIN || line.len > WEBHOOK_SECRET_MAX)
        return fail(error, ERR_VALIDATION,
                    "%s has a secret of %zu bytes: expected %d to %d, such as those of \"openssl "
                    "rand -hex 32\".",
                    path, line.len, WEBHOOK_SECRET_MIN, WEBHOOK_SECRET_MAX);
    if (secrets->count == WEBHOOK_SECRETS_MAX)
        return fail(error, ERR_VALIDATION, "%s has more than %d secrets.", path,
                    WEBHOOK_SECRETS_MAX);
    secrets->list[secrets->count++] = secret_new(line);
    return true;
}

static bool read_lines(struct webhook_secrets *secrets, const char *path, struct str text,
                       struct error *error)
{
    struct str line, rest = text;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        if (!more)
            line = rest;
        if (str_ends(line, STR("\r")))
            line.len--;
        if (!add(secrets, path, str_trim(line), error))
            return false;
    }
    return secrets->count > 0 || fail(error, ERR_VALIDATION,
                                      "%s is empty: put a secret into it, such as that of "
                                      "\"openssl rand -hex 32\".",
                                      path);
}

bool webhook_secrets_read(const char *path, struct webhook_secrets **ret_secrets,
                          struct error *error)
{
    struct buf text = buf_on_heap(FILE_MAX);
    struct webhook_secrets *secrets = xcalloc(1, sizeof(*secrets));
    bool ok = read_file(path, &text, error) && read_lines(secrets, path, buf_str(&text), error);
    buf_done(&text);
    if (ok)
        *ret_secrets = secrets;
    else
        webhook_secrets_free(secrets);
    return ok;
}

void webhook_secrets_free(struct webhook_secrets *secrets)
{
    for (size_t i = 0; secrets && i < secrets->count; i++)
        secret_free(secrets->list[i]);
    free(secrets);
}

struct str webhook_signature(const struct webhook_secrets *secrets, int64_t timestamp_s,
                             struct str body, struct arena *arena)
{
    struct str text = arena_printf(arena, "%lld.%.*s", (long long)timestamp_s, STR_ARG(body));
    struct str value = STR("");
    for (size_t i = 0; i < secrets->count; i++) {
        unsigned char hash[CRYPTO_HASH_SIZE];
        char hex[2 * CRYPTO_HASH_SIZE + 1];
        crypto_hmac(secret_reveal(secrets->list[i]), text, hash);
        encode_hex(hash, sizeof(hash), hex);
        value = arena_printf(arena, "%.*s%sv1=%s", STR_ARG(value), i > 0 ? "," : "", hex);
    }
    return value;
}
