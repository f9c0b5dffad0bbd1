/* What is used of libpq, PostgreSQL's client library (its manual, chapter "libpq - C Library"),
 * loaded when it is first needed: with what it needs in turn it is as large as libcurl. Its
 * interface has been the same since version 5, so that its header is not needed to build. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pg_conn;       /* PGconn */
struct pg_result;     /* PGresult */
struct libpq_option { /* PQconninfoOption; a list of them ends with one without a keyword */
    char *keyword, *envvar, *compiled, *val, *label, *dispchar;
    int dispsize;
};

enum libpq_polling { /* PostgresPollingStatusType */
                     LIBPQ_POLLING_FAILED,
                     LIBPQ_POLLING_READING,
                     LIBPQ_POLLING_WRITING,
                     LIBPQ_POLLING_OK,
};

enum libpq_status { /* ConnStatusType, as far as it is looked at */
                    LIBPQ_STATUS_OK,
                    LIBPQ_STATUS_BAD,
                    LIBPQ_STATUS_STARTED,  /* waits for the connection */
                    LIBPQ_STATUS_MADE,     /* connected: may send the start-up packet */
                    LIBPQ_STATUS_AWAITING, /* waits for the server's answer to it */
                    LIBPQ_STATUS_AUTHENTICATED,
                    LIBPQ_STATUS_SETENV, /* not used any more */
                    LIBPQ_STATUS_TLS,    /* asks for TLS, or in the handshake */
};

enum libpq_result_status { /* ExecStatusType, as far as it is looked at */
                           LIBPQ_COMMAND_OK = 1,
                           LIBPQ_TUPLES_OK = 2,
                           LIBPQ_PIPELINE_SYNC = 10,
                           LIBPQ_PIPELINE_ABORTED = 11,
};

enum { LIBPQ_ERRORS_VERBOSE = 2 };                              /* PGVerbosity: with the SQLSTATE */
enum { LIBPQ_FIELD_SQLSTATE = 'C', LIBPQ_FIELD_MESSAGE = 'M' }; /* PG_DIAG_… */

/* Result, name without "PQ", parameters. */
#define LIBPQ_FUNCTIONS(F)                                                                         \
    F(struct pg_conn *, connectStartParams,                                                        \
      (const char *const *names, const char *const *values, int expand_name))                      \
    F(int, connectPoll, (struct pg_conn * connection))                                             \
    F(int, status, (const struct pg_conn *connection))                                             \
    F(int, socket, (const struct pg_conn *connection))                                             \
    F(char *, errorMessage, (const struct pg_conn *connection))                                    \
    F(int, setErrorVerbosity, (struct pg_conn * connection, int verbosity))                        \
    F(int, setnonblocking, (struct pg_conn * connection, int on))                                  \
    F(int, sendQuery, (struct pg_conn * connection, const char *query))                            \
    F(int, flush, (struct pg_conn * connection))                                                   \
    F(int, consumeInput, (struct pg_conn * connection))                                            \
    F(int, isBusy, (struct pg_conn * connection))                                                  \
    F(struct pg_result *, getResult, (struct pg_conn * connection))                                \
    F(int, resultStatus, (const struct pg_result *result))                                         \
    F(char *, resultErrorField, (const struct pg_result *result, int field))                       \
    F(int, ntuples, (const struct pg_result *result))                                              \
    F(int, nfields, (const struct pg_result *result))                                              \
    F(char *, getvalue, (const struct pg_result *result, int row, int column))                     \
    F(void, clear, (struct pg_result * result))                                                    \
    F(void *, setNoticeProcessor,                                                                  \
      (struct pg_conn * connection, void (*each)(void *context, const char *message),              \
       void *context))                                                                             \
    F(void, finish, (struct pg_conn * connection))                                                 \
    F(struct pg_conn *, connectdbParams,                                                           \
      (const char *const *names, const char *const *values, int expand_name))                      \
    F(struct libpq_option *, conninfoParse, (const char *text, char **ret_words))                  \
    F(void, conninfoFree, (struct libpq_option * options))                                         \
    F(void, freemem, (void *memory))                                                               \
    F(int, serverVersion, (const struct pg_conn *connection))                                      \
    F(int, sslInUse, (struct pg_conn * connection))                                                \
    F(char *, host, (const struct pg_conn *connection))                                            \
    F(int, enterPipelineMode, (struct pg_conn * connection))                                       \
    F(int, exitPipelineMode, (struct pg_conn * connection))                                        \
    F(int, pipelineSync, (struct pg_conn * connection))                                            \
    F(int, sendQueryParams,                                                                        \
      (struct pg_conn * connection, const char *query, int count, const unsigned *types,           \
       const char *const *values, const int *lengths, const int *formats, int result_format))      \
    F(int, sendPrepare,                                                                            \
      (struct pg_conn * connection, const char *name, const char *query, int count,                \
       const unsigned *types))                                                                     \
    F(int, sendQueryPrepared,                                                                      \
      (struct pg_conn * connection, const char *name, int count, const char *const *values,        \
       const int *lengths, const int *formats, int result_format))                                 \
    F(int, getlength, (const struct pg_result *result, int row, int column))                       \
    F(int, getisnull, (const struct pg_result *result, int row, int column))                       \
    F(char *, cmdStatus, (struct pg_result * result))                                              \
    F(char *, cmdTuples, (struct pg_result * result))

#define LIBPQ_MEMBER(type, name, parameters) type(*name) parameters;
struct libpq {
    LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
};
extern struct libpq libpq;

/* What a connection is made with, as PQconnectdbParams and PQconnectStartParams take it. */
enum { LIBPQ_PARAMETERS_MAX = 20 };
struct libpq_parameters {
    const char *names[LIBPQ_PARAMETERS_MAX + 1]; /* one more, which stays NULL: the end */
    const char *values[LIBPQ_PARAMETERS_MAX + 1];
    size_t count;
};

/* One without a value is libpq's default. */
static inline void libpq_add(struct libpq_parameters *parameters, const char *name,
                             const char *value)
{
    parameters->names[parameters->count] = name;
    parameters->values[parameters->count++] = value;
}

/* NULL is fine; sets it to NULL. */
static inline void libpq_clear(struct pg_result **result)
{
    if (*result)
        libpq.clear(*result);
    *result = NULL;
}

/* Once for the process, from any thread. False when libpq.so.5 is not there or too old. */
bool libpq_load(void);
