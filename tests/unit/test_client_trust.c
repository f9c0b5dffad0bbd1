/* The authorities that are trusted: the operator's besides the system's, checked and named. */
#include "client_fixture.h"
#include "temporary.h"

#include <unistd.h>

static struct peer_authority authority, stranger;

static void call_localhost(struct fixture *f, int64_t limit_ms)
{
    call_within(f, "POST", url_of(f, "https", "localhost", "/path?token=x"), STR("a=b"), limit_ms);
}

static char paths[4][TEMPORARY_SIZE]; /* of the running test; removed at the program's end */

static int remove_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        unlink(paths[i]);
    return 0;
}

static char *write_pem(const char *text)
{
    static int count;
    char *path = paths[count++ % 4];
    unlink(path); /* an earlier test's */
    int fd = mkstemp(temporary_template(path, "pem"));
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    return path;
}

static void call_trusting(struct fixture *f, const char *file, const char *extra_file)
{
    struct client_config config = {.trust = {.file = file, .extra_file = extra_file}};
    f->peer = peer_start(serve_ok, NULL, &authority, "localhost");
    open_client(f, "127.0.0.1", &config);
    call_localhost(f, LONG_MS);
}

static void an_operators_file_is_trusted_besides_the_systems(void **state)
{
    (void)state;
    struct fixture f = {0};
    char *own = write_pem(authority.pem), *other = write_pem(stranger.pem);
    call_trusting(&f, NULL, own);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
    call_trusting(&f, other, own); /* both are */
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
    call_trusting(&f, own, NULL);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
    call_trusting(&f, own, other);
    assert_outcome(&f, CLIENT_OK);
    close_all(&f);
    unlink(own);
    unlink(other);
}

static void what_is_trusted_is_named_when_it_does_not_suffice(void **state)
{
    (void)state;
    struct fixture f = {0};
    char *other = write_pem(stranger.pem), *copy = write_pem(stranger.pem), expected[512];
    static const char format[] =
        "TLS handshake with localhost failed: unable to get local issuer certificate (trusted are "
        "the authorities in %s%s%s; the operator can add one with --vendor-ca)";
    call_trusting(&f, other, NULL);
    assert_outcome(&f, CLIENT_TLS);
    snprintf(expected, sizeof(expected), format, other, "", "");
    assert_detail(&f, expected);
    close_all(&f);
    call_trusting(&f, other, copy);
    assert_outcome(&f, CLIENT_TLS);
    snprintf(expected, sizeof(expected), format, other, " and ", copy);
    assert_detail(&f, expected);
    close_all(&f);
    call_trusting(&f, NULL, NULL);
    assert_outcome(&f, CLIENT_TLS);
    assert_non_null(strstr(f.response.detail, "(trusted are the authorities in /etc/"));
    close_all(&f);
    unlink(other);
    unlink(copy);
}

static void refuse_file(const char *text, const char *reason)
{
    char *path = write_pem(text);
    struct client_config configs[] = {{.trust.file = path}, {.trust.extra_file = path}};
    for (size_t i = 0; i < 2; i++) {
        struct client *client = NULL;
        struct error error = {0};
        assert_false(client_start(&configs[i], &client, &error));
        assert_int_equal(error.code, ERR_VALIDATION);
        assert_non_null(strstr(error.message, path));
        assert_non_null(strstr(error.message, reason));
    }
    unlink(path);
}

static void files_are_checked_at_the_start(void **state)
{
    (void)state;
    struct client *client = NULL;
    struct error error = {0};
    char *damaged = xcalloc(1, strlen(authority.pem) * 2 + 1);
    sprintf(damaged, "%s%s", authority.pem, authority.pem);
    damaged[strlen(authority.pem) + 60] = '!';
    refuse_file("", "holds no certificate");
    refuse_file("text\n", "holds no certificate");
    refuse_file(damaged, "is damaged after its certificate number 1");
    free(damaged);
    struct client_config missing = {.trust.extra_file = "/nonexistent/ca.pem"};
    assert_false(client_start(&missing, &client, &error));
    assert_string_equal(error.message,
                        "/nonexistent/ca.pem cannot be read: No such file or directory.");
    struct client_config folder = {.trust.extra_file = "/tmp"};
    assert_false(client_start(&folder, &client, &error));
    assert_string_equal(error.message, "/tmp cannot be read: Is a directory.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_operators_file_is_trusted_besides_the_systems),
        cmocka_unit_test(what_is_trusted_is_named_when_it_does_not_suffice),
        cmocka_unit_test(files_are_checked_at_the_start),
    };
    peer_authority_init(&authority);
    peer_authority_init(&stranger);
    int failed = cmocka_run_group_tests(tests, NULL, remove_files);
    peer_authority_done(&authority);
    peer_authority_done(&stranger);
    return failed;
}
