/* Opens or makes the sandbox's authority, and keeps a TLS context for each host asked for. */
#include "sandbox/ca.h"

#include "base/alloc.h"
#include "sandbox/ca_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CA_PATH_MAX = 4096 };

struct host_context {
    char name[CA_HOST_NAME_MAX + 1];
    SSL_CTX *context;
};

struct ca {
    EVP_PKEY *key;
    X509 *cert;
    EVP_PKEY *leaf_key; /* one for all hosts, never on disk */
    char *pem;
    pthread_mutex_t lock;
    struct host_context *hosts; /* CA_HOSTS_MAX */
    size_t host_count;
    size_t oldest; /* of a full table */
};

static bool file_path(const char *dir, const char *name, char out[CA_PATH_MAX], struct error *error)
{
    int len = snprintf(out, CA_PATH_MAX, "%s/%s", dir, name);
    return (len > 0 && len < CA_PATH_MAX) ||
           fail(error, ERR_VALIDATION, "The path %.100s… is too long.", dir);
}

static FILE *open_new(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

/* Never over a file that is there: another process may have started at the same time. */
static bool save(const struct ca *ca, const char *key_path, const char *cert_path,
                 struct error *error)
{
    FILE *key = open_new(key_path, 0600);
    if (!key)
        return fail(error, ERR_INTERNAL, "%s cannot be made: %s.", key_path, strerror(errno));
    bool ok = PEM_write_PrivateKey(key, ca->key, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fclose(key) == 0 && ok;
    FILE *cert = ok ? open_new(cert_path, 0644) : NULL;
    ok = cert && PEM_write_X509(cert, ca->cert) == 1;
    ok = cert && fclose(cert) == 0 && ok;
    return ok ||
           fail(error, ERR_INTERNAL, "%s cannot be written. Remove it and %s, and start again.",
                cert_path, key_path);
}

static bool read_files(struct ca *ca, const char *key_path, const char *cert_path,
                       struct error *error)
{
    FILE *key = fopen(key_path, "re"), *cert = fopen(cert_path, "re");
    if (key)
        ca->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
    if (cert)
        ca->cert = PEM_read_X509(cert, NULL, NULL, NULL);
    if (key)
        fclose(key);
    if (cert)
        fclose(cert);
    bool ok = ca->key && ca->cert && X509_check_private_key(ca->cert, ca->key) == 1 &&
              X509_cmp_current_time(X509_get0_notAfter(ca->cert)) > 0;
    ERR_clear_error();
    return ok ||
           fail(error, ERR_VALIDATION,
                "%s and %s are not a certificate that is valid and its key. Remove both to get "
                "new ones.",
                cert_path, key_path);
}

static bool make(struct ca *ca, struct error *error)
{
    ca->key = ca_make_key();
    ca->cert = ca->key ? ca_make_root(ca->key) : NULL;
    return ca->cert || fail(error, ERR_INTERNAL, "The sandbox's certificate cannot be made.");
}

static bool open_dir(struct ca *ca, const char *dir, struct error *error)
{
    char key_path[CA_PATH_MAX], cert_path[CA_PATH_MAX];
    if (!file_path(dir, "ca-key.pem", key_path, error) ||
        !file_path(dir, "ca.pem", cert_path, error))
        return false;
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(error, ERR_VALIDATION, "%s cannot be made: %s.", dir, strerror(errno));
    if (access(key_path, F_OK) == 0 || access(cert_path, F_OK) == 0)
        return read_files(ca, key_path, cert_path, error);
    return make(ca, error) && save(ca, key_path, cert_path, error);
}

static bool fill_pem(struct ca *ca, struct error *error)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data;
    if (bio && PEM_write_bio_X509(bio, ca->cert) == 1) {
        long size = BIO_get_mem_data(bio, &data);
        ca->pem = xcalloc(1, (size_t)size + 1);
        memcpy(ca->pem, data, (size_t)size);
    }
    BIO_free(bio);
    return ca->pem || fail(error, ERR_INTERNAL, "The sandbox's certificate cannot be written.");
}

bool ca_open(const char *dir, struct ca **ret_ca, struct error *error)
{
    struct ca *ca = xcalloc(1, sizeof(*ca));
    pthread_mutex_init(&ca->lock, NULL);
    ca->hosts = xcalloc(CA_HOSTS_MAX, sizeof(*ca->hosts));
    bool ok = (dir ? open_dir(ca, dir, error) : make(ca, error)) && fill_pem(ca, error);
    if (ok && !(ca->leaf_key = ca_make_key()))
        ok = fail(error, ERR_INTERNAL, "A key cannot be made.");
    if (ok)
        *ret_ca = ca;
    else
        ca_free(ca);
    return ok;
}

void ca_free(struct ca *ca)
{
    if (!ca)
        return;
    for (size_t i = 0; i < ca->host_count; i++)
        SSL_CTX_free(ca->hosts[i].context);
    X509_free(ca->cert);
    EVP_PKEY_free(ca->key);
    EVP_PKEY_free(ca->leaf_key);
    pthread_mutex_destroy(&ca->lock);
    free(ca->hosts);
    free(ca->pem);
    free(ca);
}

struct str ca_pem(const struct ca *ca)
{
    return str_from(ca->pem);
}

/* Only what may stand in a certificate: letters, digits, '-', '.', and ':' of an address. */
static bool read_name(const char *server_name, char out[CA_HOST_NAME_MAX + 1])
{
    size_t len = strnlen(server_name, CA_HOST_NAME_MAX + 1);
    if (len > CA_HOST_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = ascii_lower(server_name[i]);
        if (!ascii_is_lower_alnum(c) && !strchr("-.:_", c))
            return false;
        out[i] = c;
    }
    out[len] = '\0';
    return true;
}

static SSL_CTX *make_context(struct ca *ca, const char *host)
{
    X509 *cert = ca_make_leaf(ca->cert, ca->key, ca->leaf_key, host);
    SSL_CTX *context = cert ? SSL_CTX_new(TLS_server_method()) : NULL;
    bool ok = context && SSL_CTX_use_certificate(context, cert) == 1 &&
              SSL_CTX_add1_chain_cert(context, ca->cert) == 1 &&
              SSL_CTX_use_PrivateKey(context, ca->leaf_key) == 1;
    X509_free(cert);
    if (ok)
        return context;
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static struct host_context *find_host(struct ca *ca, const char *name)
{
    for (size_t i = 0; i < ca->host_count; i++)
        if (strcmp(ca->hosts[i].name, name) == 0)
            return &ca->hosts[i];
    return NULL;
}

/* Connections hold a reference of their own, so an old context can go at any time. */
static struct host_context *add_host(struct ca *ca, const char *name)
{
    SSL_CTX *context = make_context(ca, name);
    if (!context)
        return NULL;
    struct host_context *host;
    if (ca->host_count < CA_HOSTS_MAX) {
        host = &ca->hosts[ca->host_count++];
    } else {
        host = &ca->hosts[ca->oldest];
        ca->oldest = (ca->oldest + 1) % CA_HOSTS_MAX;
        SSL_CTX_free(host->context);
    }
    host->context = context;
    memcpy(host->name, name, strlen(name) + 1);
    return host;
}

void *ca_context_for(void *context, const char *server_name)
{
    struct ca *ca = context;
    char name[CA_HOST_NAME_MAX + 1];
    if (!read_name(server_name, name))
        return NULL;
    pthread_mutex_lock(&ca->lock);
    struct host_context *host = find_host(ca, name);
    if (!host)
        host = add_host(ca, name);
    SSL_CTX *found = host ? host->context : NULL;
    pthread_mutex_unlock(&ca->lock);
    return found;
}
