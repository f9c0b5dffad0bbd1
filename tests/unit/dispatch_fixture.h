/* A service over a store in a directory of its own behind a real listener, with an access key, and
 * a client that signs. */
#pragma once

#include "cmocka_all.h"

#include "api/access_key_set.h"
#include "api/generation_floor.h"
#include "api/operation.h"
#include "api/service.h"
#include "base/clock.h"
#include "keyring_scratch.h"
#include "server_fixture.h"
#include "store_fixture.h"
#include "wire/api_ids.h"
#include "wire/sigv4.h"

#include <sys/socket.h>

#define ACCOUNT STR("123456789012")
#define KEY_ID STR("AKIADISPATCH")
#define SECRET STR("a secret of the test")

enum { WORKERS = 4 };

/* --- a service over a store in a directory of its own --- */

struct setting {
    struct fixture store; /* first: the fixture's teardown frees the whole */
    struct keyring *keyring;
    struct secret *secret, *key_secret;
    struct private_routes *routes;
    struct generation_floor *key_generations;
    struct operation operations[API_OP_COUNT];
    struct function_sessions *function_sessions; /* NULL: none */
    struct service *service;
    struct server *server;
};

static inline void add_key(struct setting *s)
{
    struct access_key key = {.id = KEY_ID, .account = ACCOUNT, .created_at_ms = 1};
    check(&s->store, access_key_set_upgrade(s->store.store, s->keyring, &s->store.error));
    check(&s->store,
          access_key_create(s->store.store, s->keyring, key, SECRET, NULL, &s->store.error));
    check(&s->store, generation_floor_new(s->store.dir, &s->key_generations, &s->store.error));
}

static inline struct setting *setting_make(void)
{
    struct setting *s = calloc(1, sizeof(*s));
    fixture_make_dir(&s->store);
    fixture_empty();
    fixture_open(&s->store);
    s->keyring = scratch_keyring("dispatch");
    s->secret = secret_random(32);
    s->key_secret = secret_new(SECRET);
    assert_true(private_routes_new(NULL, 0, STR_NULL, &s->routes, &s->store.error));
    memcpy(s->operations, appflow_operations, sizeof(s->operations));
    add_key(s);
    return s;
}

/* After the test has changed its table. */
static inline void serve(struct setting *s, long account_updates_max)
{
    s->service = service_new(&(struct service_config){
        .store = s->store.store,
        .operations = s->operations,
        .keyring = s->keyring,
        .service_secret = s->secret,
        .key_generations = s->key_generations,
        .worker_count = WORKERS,
        .reader_count = WORKERS,
        .queue_max = 100,
        .account_updates_max = account_updates_max,
        .private_routes = s->routes,
        .function_sessions = s->function_sessions,
    });
    const struct server_config config = {
        .host = "127.0.0.1",
        .loops = 1,
        .handler = service_handle,
        .refuse = service_refuse,
        .handler_context = s->service,
        .on_iteration = service_rest,
        .on_loop_end = service_loop_end,
    };
    check(&s->store, server_start(&config, &s->server, &s->store.error));
}

static inline void setting_stop(struct setting *s)
{
    assert_true(server_stop(s->server, WAIT_MS));
    assert_true(service_stop(s->service, clock_mono_ms() + WAIT_MS));
    server_free(s->server);
    service_free(s->service);
    private_routes_free(s->routes);
    generation_floor_free(s->key_generations);
    secret_free(s->secret);
    secret_free(s->key_secret);
    keyring_free(s->keyring);
    void *fixture = &s->store;
    fixture_teardown(&fixture);
}

/* --- a client --- */

static inline void send_signed(struct setting *s, int fd, const char *method, const char *target,
                               const char *service, const char *body)
{
    struct arena *arena = &s->store.arena;
    struct http_header host = {STR("Host"), STR("h")};
    struct str date, authorization, path = str_from(target);
    const struct sigv4_request request = {.method = str_from(method),
                                          .path = path,
                                          .query = STR(""),
                                          .headers = &host,
                                          .header_count = 1,
                                          .body = str_from(body)};
    sigv4_sign(&request, KEY_ID, s->key_secret, STR("eu-central-1"), str_from(service),
               clock_wall_ms(), arena, &date, &authorization);
    client_send(fd, arena_printf(arena,
                                 "%s %s HTTP/1.1\r\nHost: h\r\nX-Amz-Date: %.*s\r\n"
                                 "Authorization: %.*s\r\nContent-Length: %zu\r\n\r\n%s",
                                 method, target, STR_ARG(date), STR_ARG(authorization),
                                 strlen(body), body));
}

/* The status; the answer's text must hold `words`. */
static inline int answered(int fd, const char *words)
{
    struct buf answer = client_read_answer(fd);
    int status = answer_status(buf_str(&answer));
    if (!strstr(answer.data, words))
        fail_msg("%s is not in %s", words, answer.data);
    buf_done(&answer);
    return status;
}

static inline int call(struct setting *s, const char *method, const char *target,
                       const char *service, const char *body, const char *words)
{
    int fd = client_connect(s->server);
    send_signed(s, fd, method, target, service, body);
    int status = answered(fd, words);
    close(fd);
    return status;
}

static inline int post(struct setting *s, const char *target, const char *body, const char *words)
{
    return call(s, "POST", target, "appflow", body, words);
}
