/* Bundles are read once, at the start, so that a missing or damaged one is not found out by the
 * first call. Several become one file in memory: libcurl parses a file once and keeps the result,
 * where a bundle in a buffer would be parsed again for every connection. */
#include "net/client/trust.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *system_bundle(void)
{
    static const char *const usual[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian and what comes from it, Alpine, Arch */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora and what comes from it */
        "/etc/ssl/ca-bundle.pem",             /* openSUSE */
        "/etc/ssl/cert.pem",
    };
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
        if (access(usual[i], R_OK) == 0)
            return usual[i];
    }
    return NULL;
}

/* Every block must be a certificate that can be read; the number of good ones. */
static int count_certificates(struct str pem, bool *ret_damaged)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *certificate;
    int count = 0;
    ERR_clear_error();
    while (bio && (certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
        X509_free(certificate);
        count++;
    }
    unsigned long reason = ERR_peek_last_error();
    *ret_damaged =
        ERR_GET_LIB(reason) != ERR_LIB_PEM || ERR_GET_REASON(reason) != PEM_R_NO_START_LINE;
    BIO_free(bio);
    ERR_clear_error();
    return count;
}

static bool check_pem(struct str pem, const char *name, struct error *error)
{
    bool damaged;
    int count = count_certificates(pem, &damaged);
    if (count == 0)
        return fail(error, ERR_VALIDATION,
                    "%s holds no certificate in PEM form: there is no readable \"BEGIN "
                    "CERTIFICATE\" block in it.",
                    name);
    if (damaged)
        return fail(error, ERR_VALIDATION, "%s is damaged after its certificate number %d.", name,
                    count);
    return true;
}

static bool read_file(const char *path, struct buf *pem, struct error *error)
{
    char piece[16 * 1024];
    size_t got;
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(error, ERR_VALIDATION, "%s cannot be read: %s.", path, strerror(errno));
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0 && !pem->overflow)
        buf_add(pem, (struct str){piece, got});
    int reason = ferror(file) ? errno : 0; /* a directory opens, and cannot be read */
    fclose(file);
    if (reason)
        return fail(error, ERR_VALIDATION, "%s cannot be read: %s.", path, strerror(reason));
    if (pem->overflow)
        return fail(error, ERR_VALIDATION, "%s is too large: at most %d bytes are read.", path,
                    TRUST_FILE_MAX);
    buf_add_char(pem, '\n');
    return true;
}

/* Appends a file. */
static bool read_pem(const char *path, bool is_checked, struct buf *pem, struct error *error)
{
    size_t before = pem->len;
    return read_file(path, pem, error) &&
           (is_checked ||
            check_pem((struct str){pem->data + before, pem->len - before}, path, error));
}

static bool keep_in_memory(struct trust *trust, struct str pem, struct error *error)
{
    char path[64];
    trust->fd = memfd_create("certificates", MFD_CLOEXEC);
    if (trust->fd < 0 || write(trust->fd, pem.data, pem.len) != (ssize_t)pem.len)
        return fail(error, ERR_INTERNAL, "Out of memory for the certificates to trust.");
    snprintf(path, sizeof(path), "/proc/self/fd/%d", trust->fd);
    trust->path = xstrdup(path);
    return true;
}

static bool keep_files(struct trust *trust, const char *base, const struct trust_config *config,
                       struct error *error)
{
    const char *extra = config->extra_file;
    bool is_checked = config->files_are_checked;
    struct buf pem = buf_on_heap(TRUST_FILE_MAX), origin = buf_on_heap(TRUST_FILE_MAX);
    bool good = (!base || read_pem(base, is_checked, &pem, error)) &&
                (!extra || read_pem(extra, is_checked, &pem, error));
    if (good && extra)
        good = keep_in_memory(trust, buf_str(&pem), error);
    else if (good && base)
        trust->path = xstrdup(base);
    if (base)
        buf_add_cstr(&origin, base);
    if (base && extra)
        buf_add_cstr(&origin, " and ");
    if (extra)
        buf_add_cstr(&origin, extra);
    trust->origin = origin.data ? xstrdup(origin.data) : NULL;
    buf_done(&pem);
    buf_done(&origin);
    return good;
}

bool trust_open(const struct trust_config *config, struct trust *ret_trust, struct error *error)
{
    bool named = config->file && *config->file;
    *ret_trust = (struct trust){.fd = -1};
    if (config->pem.data)
        return check_pem(config->pem, "The bundle of certificates", error) &&
               keep_in_memory(ret_trust, config->pem, error);
    const char *base = named ? config->file : system_bundle();
    if (named || config->extra_file)
        return keep_files(ret_trust, base, config, error);
    ret_trust->path = base ? xstrdup(base) : NULL; /* read at the first call */
    ret_trust->origin = base ? xstrdup(base) : NULL;
    return true;
}

void trust_close(struct trust *trust)
{
    if (trust->fd >= 0)
        close(trust->fd);
    free(trust->path);
    free(trust->origin);
    *trust = (struct trust){.fd = -1};
}

bool trust_check_file(const char *path, struct error *error)
{
    struct buf pem = buf_on_heap(TRUST_FILE_MAX);
    bool good = read_pem(path, false, &pem, error);
    buf_done(&pem);
    return good;
}
