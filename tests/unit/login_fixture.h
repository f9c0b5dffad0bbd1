/* A client of PostgreSQL's protocol, and what a test has the server say to it. */
#pragma once

#include "cmocka_all.h"

#include "../../connectors/redshift/postgres_login.h"

#include "wire/pg_message.h"

#include <string.h>

enum { OUT_MAX = 16 * 1024, SLICES_MAX = 1000 };

/* A client and what it is sent. */
struct talk {
    struct arena arena;
    struct postgres_request request;
    struct postgres_response response;
    struct postgres_login login;
    struct buf received, out;
    int slices, slices_max;
};

static inline bool may_continue(void *context)
{
    struct talk *talk = context;
    return ++talk->slices <= talk->slices_max;
}

static inline void talk_init(struct talk *talk)
{
    *talk = (struct talk){
        .request = {.user = STR("user"), .database = STR("dev"), .password = STR("pencil")},
        .response = {.result = POSTGRES_FAILED},
        .slices_max = SLICES_MAX,
    };
    talk->received = buf_in(&talk->arena, POSTGRES_BYTES_MAX);
    talk->out = buf_in(&talk->arena, OUT_MAX);
    talk->login = (struct postgres_login){
        .arena = &talk->arena,
        .request = &talk->request,
        .response = &talk->response,
        .authority = "acme.example:5439",
        .watch = {.may_continue = may_continue, .context = talk},
    };
    login_begin(&talk->login, &talk->out);
}

static inline void talk_done(struct talk *talk)
{
    arena_done(&talk->arena);
}

static inline void hear(struct talk *talk, const char *type, struct str body)
{
    size_t start;
    buf_clear(&talk->out);
    if (type) {
        pg_message_begin(&talk->received, type[0], &start);
        buf_add(&talk->received, body);
        pg_message_end(&talk->received, start);
    } else {
        buf_add(&talk->received, body);
    }
    struct str rest = buf_str(&talk->received);
    while (login_take(&talk->login, &rest, &talk->out) && talk->login.step != LOGIN_ENDED)
        continue;
    memmove(talk->received.data, rest.data, rest.len);
    talk->received.len = rest.len;
    assert_false(talk->out.overflow);
}

static inline void assert_clause(const struct talk *talk, const char *name, const char *words)
{
    const char *detail = talk->response.detail;
    if (!detail || strncmp(detail, "acme.example:5439 ", 18) != 0 ||
        strcmp(detail + 18, words) != 0)
        fail_msg("%s: %s", name, detail ? detail : "no detail");
}

static inline void assert_text(struct str text, const char *expected)
{
    assert_int_equal(text.data != NULL, expected != NULL);
    if (expected)
        assert_true(str_eq(text, str_from(expected)));
}
