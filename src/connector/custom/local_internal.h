/* What the files of the local runner share. One mutex, the runner's, guards all of it but for what
 * is said to belong to one thread: the processes' Runtime API runs on the loop of the process's
 * listener, their life and output on the attendant's thread, calls on their callers'. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "connector/custom/local_runner.h"
#include "connector/http/redact.h"
#include "net/server/server.h"
#include "work/keyed_share.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    FUNCTION_ID_SIZE = 72,   /* of an invocation, with NUL */
    PROCESS_LINE_MAX = 1024, /* bytes of a line of output that the log shows */
    PROCESS_CONCEALED_MAX = 64,
    PROCESS_CONCEALED_BYTES = 8 * 1024, /* of one text */
    ENDPOINT_URL_MAX = 320,
};

enum process_state {
    PROCESS_STARTING,  /* it has not asked for a call yet */
    PROCESS_IDLE,      /* its question for the next call waits in `next` */
    PROCESS_BUSY,      /* it has `call` */
    PROCESS_RETURNING, /* it has answered, and not asked for the next call */
    PROCESS_ENDING,    /* its end was ordered */
};

/* A call in hand; on its caller's stack. */
struct process_call {
    const struct function_call *asked;
    struct function_answer *answer;
    struct arena *arena;     /* the caller's, which waits meanwhile */
    struct process *process; /* NULL: waits in its group */
    struct list_link link;   /* in group->waiting */
    pthread_cond_t changed;
    bool done;
    char id[FUNCTION_ID_SIZE];
};

/* The text of one process's output that is no whole line yet, and how much of it the log takes. The
 * attendant's. */
struct process_output {
    char line[PROCESS_LINE_MAX];
    size_t len;
    bool cut;          /* the line is longer than what is kept */
    int64_t window_ms; /* begin of the second that `lines` counts */
    size_t lines, left_out;
};

struct process {
    struct local_runner *runner;
    struct process_group *group;
    struct list_link link;      /* in runner->processes */
    struct list_link idle_link; /* in group->idle, in PROCESS_IDLE */
    enum process_state state;
    int64_t since_ms;  /* of the state */
    int64_t end_ms;    /* of its credentials; 0: none */
    int life, output;  /* descriptors; read by the attendant */
    pid_t pid;         /* 0: not known yet */
    bool stale;        /* ends after its call */
    bool was_ready;    /* it has asked for a call once */
    bool is_wanted;    /* its end was ordered without a fault of its own */
    bool refused_long; /* its listener has refused a request of the call as too long */
    char refused[96];  /* or for this reason, as no request of HTTP; "": it has not */
    char *why;         /* its end was ordered; NULL: it ends by itself */
    struct server *api;
    _Atomic int port;           /* of its listener; 0: not known yet */
    struct http_exchange *next; /* its question for a call; answered on the loop */
    struct process_call *call;
    char last_id[FUNCTION_ID_SIZE];   /* of the call that it had last, for the log */
    struct function_session *session; /* of its credentials; NULL: it has none */
    struct str concealed[PROCESS_CONCEALED_MAX];
    size_t concealed_next;
    struct process_output out;
};

/* The processes of a function for an account. Named "ACCOUNT ARN". */
struct process_group {
    struct map_link link;   /* first, so that one pointer is both */
    struct list_link order; /* in runner->groups */
    struct local_runner *runner;
    const struct local_function *function; /* NULL: no longer in the list */
    struct str account;
    struct list idle; /* the one that was idle last first, so that others reach their limit */
    struct list waiting;
    size_t waiting_count;
    size_t count, starting, busy, returning; /* processes: all, and those in three states */
    int failures;                            /* starts in sequence that failed */
    int64_t retry_ms;                        /* none is started before */
    char failure[512];                       /* the last one, in words */
    char name[];
};

struct local_runner {
    struct function_runner base; /* first, so that one pointer is both */
    struct local_runner_config config;
    struct local_functions *functions;
    pthread_mutex_t lock; /* guards all below */
    struct map group_map;
    struct list groups;
    struct list processes;
    struct list dead;            /* to be freed by the attendant */
    struct keyed_share accounts; /* of processes */
    struct local_runner_counts counts;
    bool stopping;
    char endpoint[ENDPOINT_URL_MAX]; /* "": not known yet */
    pthread_t attendant;
    int wake[2]; /* a pipe: the attendant looks again */
};

/* --- process.c: one process. All under the lock. --- */

/* Starts one for the group, which has room for it. */
_must_use_ bool process_start(struct process_group *group, struct local_runner *runner,
                              struct error *error);
/* Orders its end; `why` in words, for the log and for a call that it has in hand. */
void process_end(struct process *process, enum keeper_order order, const char *why);
void process_move(struct process *process, enum process_state state);
/* Its log and its errors must not show these: a text, and each string of a secret's JSON, of 4
 * bytes or more (a user's name, of 8 or more). */
void process_conceal(struct process *process, struct str text);
void process_conceal_all(struct process *process, struct str json);
/* Copies of those, so that a search for them needs no lock. */
void process_secrets(const struct process *process, struct arena *arena,
                     struct redaction *ret_secrets);
/* Of a process that has ended and is in no list. Not under the lock: waits for its listener. */
void process_free(struct process *process);
/* "Function orchard, process 4711", for messages. */
enum { PROCESS_NAME_SIZE = 128 };
const char *process_name(const struct process *process, char out[PROCESS_NAME_SIZE]);

/* --- peer.c --- */

/* Whether a process of the server's user sends this: on the loop. */
bool peer_is_own_user(const struct process *process, struct http_exchange *exchange);

/* --- runtime_api.c --- */
http_handler runtime_api_handle; /* context: the process */
http_refuse_hook runtime_api_refuse;
/* Answers the process's question for a call with this one. Under the lock. */
void runtime_api_deliver(struct process *process);
/* Answers it with a refusal, as the process ends. Under the lock. */
void runtime_api_close(struct process *process);

/* --- process_pool.c: which process has which call. Under the lock. --- */

/* The process asks for a call: gives it one that waits, or keeps it. */
void pool_ready(struct process *process);
/* The call has its answer. */
void pool_answered(struct process_call *call);
/* The process has ended with `report` (NULL: its keeper was killed): what it had in hand fails. */
void pool_ended(struct process *process, const struct keeper_report *report);
/* Starts processes for calls that wait, as far as there is room. */
void pool_serve(struct local_runner *runner);
void pool_invoke(struct function_runner *base, const struct function_call *asked,
                 struct arena *arena, struct function_answer *ret_answer);
bool pool_knows(struct function_runner *base, struct str arn);

/* --- process_output.c: on the attendant's thread --- */
/* Reads what there is, and logs it line by line. False: there will be no more. */
bool process_output_read(struct process *process);
void process_output_end(struct process *process); /* logs what is left */

/* --- attendant.c: life, output and time limits of all processes --- */
void *attendant_run(void *runner);
void attendant_wake(struct local_runner *runner); /* any thread */
