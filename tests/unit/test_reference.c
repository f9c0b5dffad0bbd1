/* References: what is one, who may use which, and the files that they name. */
#include "cmocka_all.h"

#include "auth/reference_file.h"
#include "auth/reference_rules.h"
#include "temporary.h"
#include "vault/secret.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "123456789012"
#define OTHER "111122223333"
#define ARN_START "arn:aws:secretsmanager:eu-west-3:" OWN ":secret:"
#define ARN ARN_START "app/vendor-AbCdEf"

/* --- reading --- */

static const struct {
    const char *text;
    enum reference_kind kind;
    const char *name, *arn, *key, *stage, *version;
} good[] = {
    {"{{resolve:env:VENDOR_KEY}}", REFERENCE_ENV, "VENDOR_KEY", NULL, "", "", ""},
    {"{{resolve:file:/run/secrets/a b}}", REFERENCE_KINDS, "", NULL, "", "", ""},
    {"{{resolve:file:/run/secrets/a:b}}", REFERENCE_FILE, "/run/secrets/a:b", NULL, "", "", ""},
    {"{{resolve:file:/run/..data/x}}", REFERENCE_FILE, "/run/..data/x", NULL, "", "", ""},
    {"{{resolve:secretsmanager:app/vendor}}", REFERENCE_SECRET, "app/vendor", NULL, "", "", ""},
    {"{{resolve:secretsmanager:a-secrets}}", REFERENCE_SECRET, "a-secrets", NULL, "", "", ""},
    {"{{resolve:secretsmanager:a-b_cdef}}", REFERENCE_SECRET, "a-b_cdef", NULL, "", "", ""},
    {"{{resolve:secretsmanager:secret}}", REFERENCE_SECRET, "secret", NULL, "", "", ""},
    {"{{resolve:secretsmanager:a::::}}", REFERENCE_SECRET, "a", NULL, "", "", ""},
    {"{{resolve:secretsmanager:a:SecretString:key}}", REFERENCE_SECRET, "a", NULL, "key", "", ""},
    {"{{resolve:secretsmanager:a:SecretString:key:AWSPREVIOUS}}", REFERENCE_SECRET, "a", NULL,
     "key", "AWSPREVIOUS", ""},
    {"{{resolve:secretsmanager:a:SecretString:::v-1}}", REFERENCE_SECRET, "a", NULL, "", "", "v-1"},
    {"{{resolve:secretsmanager:" ARN ":SecretString:key}}", REFERENCE_SECRET, "app/vendor-AbCdEf",
     ARN, "key", "", ""},
    {"{{resolve:secretsmanager:" ARN "}}", REFERENCE_SECRET, "app/vendor-AbCdEf", ARN, "", "", ""},
};

static bool is(struct str text, const char *wanted)
{
    return str_eq(text, wanted ? str_from(wanted) : STR(""));
}

static void references_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct reference reference;
        struct error error = {0};
        bool read = reference_read(str_from(good[i].text), &reference, &error);
        assert_int_equal(read, good[i].kind != REFERENCE_KINDS);
        assert_true(reference_is_meant(str_from(good[i].text)));
        if (!read)
            continue;
        assert_int_equal(reference.kind, good[i].kind);
        assert_true(is(reference.name, good[i].name) && is(reference.arn, good[i].arn));
        assert_true(is(reference.key, good[i].key) && is(reference.stage, good[i].stage));
        assert_true(is(reference.version, good[i].version));
    }
}

static const char *const bad[] = {
    "{{resolve:",
    "{{resolve:}}",
    "{{resolve:}",
    "{{resolve:env}}",
    "{{resolve:env:}}",
    "{{resolve:env:1A}}",
    "{{resolve:env:A-B}}",
    "{{resolve:env:A}}\n",
    "x{{resolve:env:A}}",
    "{{resolve:env:A}}{{resolve:env:B}}",
    "{{resolve:env:{{resolve:env:A}}}}",
    "{{resolve:ENV:A}}",
    "{{resolve:ssm:/a/b}}",
    "{{resolve:ssm-secure:a:1}}",
    "{{resolve:file:}}",
    "{{resolve:file:/}}",
    "{{resolve:file:a/b}}",
    "{{resolve:file:/a/../b}}",
    "{{resolve:file:/a/..}}",
    "{{resolve:file:/./b}}",
    "{{resolve:file:/a//b}}",
    "{{resolve:file:/a/}}",
    "{{resolve:file:/\xC3\xA9}}",
    "{{resolve:secretsmanager:}}",
    "{{resolve:secretsmanager::SecretString}}",
    "{{resolve:secretsmanager:a:SecretBinary}}",
    "{{resolve:secretsmanager:a:SecretString:k:s:v}}",
    "{{resolve:secretsmanager:a:SecretString:k:s::x}}",
    "{{resolve:secretsmanager:a*b}}",
    "{{resolve:secretsmanager:app/my-secret}}",
    "{{resolve:secretsmanager:a-b1C2d3:SecretString:key}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-3:123456789012:secret:}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-3:12345:secret:a}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager:EU:123456789012:secret:a}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager:x.evil.example/:123456789012:secret:a}}",
    "{{resolve:secretsmanager:arn:aws:s3:eu-west-3:123456789012:secret:a}}",
    "{{resolve:secretsmanager:arn:aws-cn:secretsmanager:eu-west-3:123456789012:secret:a}}",
    "{{resolve:secretsmanager:arn:aws:secretsmanager}}",
};

static void what_is_none_is_refused_without_its_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct reference reference;
        struct error error = {0};
        assert_true(reference_is_meant(str_from(bad[i])));
        if (reference_read(str_from(bad[i]), &reference, &error))
            fail_msg("%s was read", bad[i]);
        assert_int_equal(error.code, ERR_VALIDATION);
        assert_null(strstr(error.message, bad[i] + strlen("{{resolve:")) && strlen(bad[i]) > 18
                        ? error.message
                        : NULL);
    }
    struct reference reference;
    struct error error = {0};
    assert_false(reference_read(STR("{{resolve:env:A\0B}}"), &reference, &error));
    char huge[3000];
    memset(huge, 'A', sizeof(huge));
    memcpy(huge, "{{resolve:env:", 14);
    memcpy(huge + sizeof(huge) - 2, "}}", 2);
    assert_false(reference_read((struct str){huge, sizeof(huge)}, &reference, &error));
    assert_string_equal(error.message, "it is longer than 2048 bytes");
    assert_false(reference_is_meant(STR("{{ resolve:env:A}}")));
    assert_false(reference_is_meant(STR("a password with {{ and }}")));
}

/* --- rules --- */

static const char *const rule_texts[] = {
    OWN "=env:HG_TEST_KEY",         OTHER "=env:HG_TEST_OTHER", OWN "=file:/run/secrets",
    OWN "=secretsmanager:app/*",    OTHER "=secretsmanager:*",  OWN "=secretsmanager:exact-??????",
    OTHER "=file:/run/secrets/sub",
};

static const struct {
    const char *account, *text;
    bool allowed;
} uses[] = {
    {OWN, "{{resolve:env:HG_TEST_KEY}}", true},
    {OTHER, "{{resolve:env:HG_TEST_KEY}}", false},
    {OWN, "{{resolve:env:HG_TEST_OTHER}}", false},
    {OTHER, "{{resolve:env:HG_TEST_OTHER}}", true},
    {OWN, "{{resolve:env:PATH}}", false},
    {OWN, "{{resolve:file:/run/secrets/a}}", true},
    {OWN, "{{resolve:file:/run/secrets/sub/a}}", true},
    {OWN, "{{resolve:file:/run/secrets}}", false},
    {OWN, "{{resolve:file:/run/secretsx/a}}", false},
    {OTHER, "{{resolve:file:/run/secrets/a}}", false},
    {OTHER, "{{resolve:file:/run/secrets/sub/a}}", true},
    {OWN, "{{resolve:secretsmanager:app/vendor}}", true},
    {OWN, "{{resolve:secretsmanager:" ARN "}}", true},
    {OTHER, "{{resolve:secretsmanager:" ARN "}}",
     false}, /* of another account, whatever the rule */
    {OTHER, "{{resolve:secretsmanager:app/vendor}}", true}, /* its own secret of that name */
    {OWN, "{{resolve:secretsmanager:application}}", false},
    {OWN, "{{resolve:secretsmanager:" ARN_START "exact-AbCdEf}}", true},
    {OWN, "{{resolve:secretsmanager:" ARN_START "exact-AbCdEfG}}", false},
    {"999999999999", "{{resolve:secretsmanager:app/vendor}}", false},
};

static struct reference read_good(const char *text)
{
    struct reference reference;
    assert_true(reference_read(str_from(text), &reference, NULL));
    return reference;
}

static void an_account_uses_what_its_rules_allow(void **state)
{
    (void)state;
    struct reference_rules *rules;
    struct reference_grant grant;
    struct error error = {0};
    setenv("HG_TEST_KEY", "its value", 1);
    setenv("HG_TEST_OTHER", "other value", 1);
    assert_true(
        reference_rules_new(rule_texts, sizeof(rule_texts) / sizeof(*rule_texts), &rules, &error));
    assert_true(reference_rules_take_variables(rules, &error));
    assert_string_equal(getenv("HG_TEST_KEY"), ""); /* children do not inherit it */
    for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
        struct reference reference = read_good(uses[i].text);
        if (reference_allowed(rules, str_from(uses[i].account), &reference, &grant, &error) !=
            uses[i].allowed)
            fail_msg("%s %s", uses[i].account, uses[i].text);
        if (!uses[i].allowed)
            assert_int_equal(error.code, ERR_VALIDATION);
    }
    struct reference variable = read_good("{{resolve:env:HG_TEST_KEY}}");
    assert_true(reference_allowed(rules, STR(OWN), &variable, &grant, NULL));
    assert_true(str_eq(grant.value, STR("its value")));
    struct reference file = read_good("{{resolve:file:/run/secrets/sub/a}}");
    assert_true(reference_allowed(rules, STR(OWN), &file, &grant, NULL));
    assert_true(str_eq(grant.directory, STR("/run/secrets")) && str_eq(grant.path, STR("sub/a")));
    assert_false(reference_allowed(NULL, STR(OWN), &variable, &grant, &error));
    assert_non_null(strstr(error.message, "--reference " OWN "=env:HG_TEST_KEY would"));
    reference_rules_free(rules);
}

static void rules_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        OWN,
        OWN "=",
        OWN "=env",
        OWN "=env:",
        OWN "=env:A B",
        OWN "=env:AWS_SECRET_ACCESS_KEY",
        OWN "=env:HEADGATE_STORE",
        OWN "=env:PGPASSWORD",
        OWN "=file:relative",
        OWN "=file:/",
        OWN "=file:/a/",
        OWN "=file:/a/../b",
        OWN "=secretsmanager:",
        OWN "=secretsmanager:arn:aws:secretsmanager:eu-west-3:" OWN ":secret:a",
        OWN "=ssm:a",
        "12345=env:A",
        "*=env:A",
        "env:A",
    };
    struct reference_rules *rules;
    struct error error = {0};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (reference_rules_new(&texts[i], 1, &rules, &error))
            fail_msg("%s was taken", texts[i]);
    }
    assert_false(
        reference_rules_new((const char *[]){OWN "=env:A", OWN "=env:A"}, 2, &rules, &error));
    assert_string_equal(error.message, "each rule once; " OWN "=env:A is given twice");
    assert_true(reference_rules_new((const char *[]){OWN "=env:HG_TEST_UNSET"}, 1, &rules, &error));
    assert_false(reference_rules_take_variables(rules, &error));
    assert_string_equal(error.message,
                        "--reference " OWN "=env:HG_TEST_UNSET: the environment has no variable "
                        "HG_TEST_UNSET, or it is empty.");
    reference_rules_free(rules);
}

/* --- files --- */

struct place {
    char directory[TEMPORARY_SIZE], path[TEMPORARY_SIZE + 64];
    struct arena arena;
    struct str text;
    struct error error;
};

static const char *at(struct place *place, const char *name)
{
    snprintf(place->path, sizeof(place->path), "%s/%s", place->directory, name);
    return place->path;
}

static void put(struct place *place, const char *name, const char *bytes, size_t size)
{
    int file = open(at(place, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t written = write(file, bytes + done, size - done);
        assert_true(written > 0);
        done += (size_t)written;
    }
    close(file);
}

static bool get(struct place *place, const char *path)
{
    char allowed[TEMPORARY_SIZE + 64];
    snprintf(allowed, sizeof(allowed), "%s/allowed", place->directory);
    return reference_file_read(str_from(allowed), str_from(path), &place->arena, &place->text,
                               &place->error);
}

static void make_place(struct place *place)
{
    *place = (struct place){0};
    assert_non_null(mkdtemp(temporary_template(place->directory, "reference")));
    assert_int_equal(mkdir(at(place, "allowed"), 0700), 0);
    assert_int_equal(mkdir(at(place, "allowed/..2026"), 0700), 0);
    put(place, "outside", "outside", 7);
    put(place, "allowed/plain", "a secret\n", 9);
    put(place, "allowed/windows", "a secret\r\n", 10);
    put(place, "allowed/two", "a\nb\n\n", 5);
    put(place, "allowed/empty", "", 0);
    put(place, "allowed/..2026/key", "mounted", 7);
    assert_int_equal(symlink("..2026", at(place, "allowed/..data")), 0);
    assert_int_equal(symlink("..data/key", at(place, "allowed/key")), 0);
    assert_int_equal(symlink("../outside", at(place, "allowed/up")), 0);
    assert_int_equal(symlink("/etc/passwd", at(place, "allowed/absolute")), 0);
    assert_int_equal(symlink("/proc/self/fd/0", at(place, "allowed/magic")), 0);
    assert_int_equal(symlink("loop", at(place, "allowed/loop")), 0);
    assert_int_equal(mkfifo(at(place, "allowed/fifo"), 0600), 0);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_place(struct place *place)
{
    arena_done(&place->arena);
    assert_int_equal(nftw(place->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void files_beneath_the_directory_are_read(void **state)
{
    (void)state;
    struct place place;
    make_place(&place);
    assert_true(get(&place, "plain") && str_eq(place.text, STR("a secret")));
    assert_true(get(&place, "windows") && str_eq(place.text, STR("a secret")));
    assert_true(get(&place, "two") && str_eq(place.text, STR("a\nb\n")));
    assert_true(get(&place, "empty") && place.text.len == 0);
    assert_true(get(&place, "key") && str_eq(place.text, STR("mounted")));
    put(&place, "allowed/plain", "another", 7); /* seen at once */
    assert_true(get(&place, "plain") && str_eq(place.text, STR("another")));
    char *large = calloc(1, REFERENCE_FILE_MAX + 1);
    put(&place, "allowed/large", large, REFERENCE_FILE_MAX);
    assert_true(get(&place, "large") && place.text.len == REFERENCE_FILE_MAX);
    put(&place, "allowed/large", large, REFERENCE_FILE_MAX + 1);
    assert_false(get(&place, "large"));
    assert_string_equal(place.error.message, "the file has more than 65536 bytes");
    free(large);
    remove_place(&place);
}

static const struct {
    const char *path, *message;
} refused_files[] = {
    {"absent", "there is no such file"},
    {"plain/below", "there is no such file"},
    {"up", "a symbolic link in its path leads out of the directory that is allowed"},
    {"../outside", "a symbolic link in its path leads out of the directory that is allowed"},
    {"absolute", "a symbolic link in its path leads out of the directory that is allowed"},
    {"magic", "a symbolic link in its path leads out of the directory that is allowed"},
    {"loop", "a symbolic link in its path leads out of the directory that is allowed"},
    {"fifo", "it is no regular file"},
    {"..2026", "it is no regular file"},
};

static void other_files_are_not(void **state)
{
    (void)state;
    struct place place;
    make_place(&place);
    for (size_t i = 0; i < sizeof(refused_files) / sizeof(*refused_files); i++) {
        assert_false(get(&place, refused_files[i].path));
        assert_string_equal(place.error.message, refused_files[i].message);
        assert_int_equal(place.error.code, ERR_VALIDATION);
    }
    remove_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_read),
        cmocka_unit_test(what_is_none_is_refused_without_its_bytes),
        cmocka_unit_test(an_account_uses_what_its_rules_allow),
        cmocka_unit_test(rules_that_are_none_are_refused),
        cmocka_unit_test(files_beneath_the_directory_are_read),
        cmocka_unit_test(other_files_are_not),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
