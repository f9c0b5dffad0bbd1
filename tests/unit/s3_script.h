/* An S3 client whose requests are answered from a script, in order. */
#pragma once

#include "cmocka_all.h"

#include "aws/s3.h"
#include "base/clock.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

#define HELLO_ETAG "5d41402abc4b2a76b9719d911017c592" /* of "hello" */

struct scripted {
    struct client_response response;
    const char *method; /* expected; NULL: any */
};

static struct {
    const struct scripted *answers;
    size_t count, asked;
    char url[2048], body[2048], headers[2048];
} script;

static inline void note(const struct client_request *request)
{
    size_t len = 0;
    snprintf(script.url, sizeof(script.url), "%.*s", STR_ARG(request->url));
    snprintf(script.body, sizeof(script.body), "%.*s", STR_ARG(request->body));
    script.headers[0] = '\0';
    for (size_t i = 0; i < request->header_count; i++)
        len +=
            (size_t)snprintf(script.headers + len, sizeof(script.headers) - len, "%.*s: %.*s\n",
                             STR_ARG(request->headers[i].name), STR_ARG(request->headers[i].value));
}

static inline void answer(struct client *client, struct arena *arena,
                          const struct client_request *request,
                          struct client_response *ret_response)
{
    (void)client;
    (void)arena;
    assert_true(script.asked < script.count);
    const struct scripted *each = &script.answers[script.asked++];
    if (each->method)
        assert_true(str_eq(request->method, str_from(each->method)));
    assert_true(request->keeps_coding);
    note(request);
    *ret_response = each->response;
}

struct fixture {
    struct arena arena;
    struct secret *secret;
    struct aws_access access;
    struct s3 s3;
    struct s3_place place;
    struct error error;
};

static inline void open_with(struct fixture *f, const struct scripted *answers, size_t count)
{
    *f = (struct fixture){.secret = secret_new(STR("own-secret"))};
    f->access = (struct aws_access){
        .access_key_id = STR("AKID"), .secret_access_key = f->secret, .call = answer};
    f->s3 = (struct s3){.access = &f->access,
                        .url = STR("https://s3.example"),
                        .region = STR("eu-west-3"),
                        .deadline_ms = clock_mono_ms() + 60 * 1000,
                        .first_pause_ms = 1};
    f->place = (struct s3_place){STR("bucket"), STR("key")};
    memset(&script, 0, sizeof(script));
    script.answers = answers;
    script.count = count;
}
#define OPEN(f, answers) open_with(f, answers, sizeof(answers) / sizeof(*(answers)))

/* All that was scripted was asked for. */
static inline void done(struct fixture *f)
{
    assert_int_equal(script.asked, script.count);
    secret_free(f->secret);
    arena_done(&f->arena);
}

static const struct http_header etag_header[] = {{STR("ETag"), STR("\"" HELLO_ETAG "\"")}};
static const struct http_header hello_headers[] = {{STR("ETag"), STR("\"" HELLO_ETAG "\"")},
                                                   {STR("Content-Length"), STR("5")}};

#define STATUS(number, text)                                                                       \
    {                                                                                              \
        .response = {.status = (number), .body = STR(text) }                                       \
    }
#define ERROR_BODY(code) "<Error><Code>" code "</Code></Error>"
#define LOST                                                                                       \
    {                                                                                              \
        .response = {.outcome = CLIENT_BROKEN, .sent = true, .detail = "broke" }                   \
    }
#define WITH_HEADERS(number, list)                                                                 \
    {                                                                                              \
        .response = {                                                                              \
            .status = (number),                                                                    \
            .headers = (list),                                                                     \
            .header_count = sizeof(list) / sizeof(*(list))                                         \
        }                                                                                          \
    }

static inline void assert_text(const char *actual, const char *expected)
{
    if (!strstr(actual, expected))
        fail_msg("\"%s\" lacks \"%s\"", actual, expected);
}
