/* A tiny client for the sandbox: one request a connection, over plain TCP or TLS, no cleverness. */
#pragma once

#include "base/arena.h"
#include "sandbox/sandbox.h"

struct asker_answer {
    int status;      /* 0: there was no head */
    struct str head; /* status line and headers */
    struct str body;
    bool reset; /* the connection broke before the body's announced end */
};

/* Sends `head` (request line and headers, without Host, Connection, Content-Length) and `body`. */
struct asker_answer ask(const struct sandbox *sandbox, struct arena *arena, const char *host,
                        const char *head, const char *body);

/* The same over TLS, trusting only `ca_pem`, with `host` as SNI and as the name to be certified. */
struct asker_answer ask_tls(const struct sandbox *sandbox, struct arena *arena, struct str ca_pem,
                            const char *host, const char *head);

/* One form post to a token path. */
struct asker_answer ask_token(const struct sandbox *sandbox, struct arena *arena, const char *host,
                              const char *path, const char *form);

/* Connects, sends, and does not wait for the answer. */
int ask_only(const struct sandbox *sandbox, struct arena *arena, const char *host,
             const char *head);

/* A member of a JSON answer; fails the test when it is not there. */
struct str answer_text(struct arena *arena, const struct asker_answer *answer, const char *name);
struct str answer_header(const struct asker_answer *answer, const char *name); /* or STR_NULL */
