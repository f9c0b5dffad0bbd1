/* libpq, PostgreSQL's client library (its manual, chapter "libpq - C Library"), as a table of
 * function pointers that dlopen fills when the first connection needs it: with the libraries that
 * it depends on it is as large as libcurl. Types, enums and prototypes are those of libpq's own
 * header; each pointer has the type that the header declares. */
#pragma once

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

/* Names without "PQ". */
#define LIBPQ_FUNCTIONS(F)                                                                         \
    F(status)                                                                                      \
    F(socket)                                                                                      \
    F(errorMessage)                                                                                \
    F(setnonblocking)                                                                              \
    F(sendQuery)                                                                                   \
    F(flush)                                                                                       \
    F(consumeInput)                                                                                \
    F(isBusy)                                                                                      \
    F(getResult)                                                                                   \
    F(resultStatus)                                                                                \
    F(resultErrorField)                                                                            \
    F(ntuples)                                                                                     \
    F(getvalue)                                                                                    \
    F(clear)                                                                                       \
    F(setNoticeProcessor)                                                                          \
    F(finish)                                                                                      \
    F(connectdbParams)                                                                             \
    F(conninfoParse)                                                                               \
    F(conninfoFree)                                                                                \
    F(freemem)                                                                                     \
    F(serverVersion)                                                                               \
    F(sslInUse)                                                                                    \
    F(host)                                                                                        \
    F(enterPipelineMode)                                                                           \
    F(exitPipelineMode)                                                                            \
    F(pipelineSync)                                                                                \
    F(sendQueryParams)                                                                             \
    F(sendPrepare)                                                                                 \
    F(sendQueryPrepared)                                                                           \
    F(getlength)                                                                                   \
    F(getisnull)                                                                                   \
    F(cmdStatus)                                                                                   \
    F(cmdTuples)

#define LIBPQ_MEMBER(name) __typeof__(&PQ##name) name;
struct libpq {
    LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
};
extern struct libpq libpq;

/* The keywords and values that PQconnectdbParams takes. */
enum { LIBPQ_PARAMETERS_MAX = 20 };
struct libpq_parameters {
    const char *names[LIBPQ_PARAMETERS_MAX + 1]; /* one more, which stays NULL: the end */
    const char *values[LIBPQ_PARAMETERS_MAX + 1];
    size_t count;
};

/* A NULL value means libpq's default. */
static inline void libpq_add(struct libpq_parameters *parameters, const char *name,
                             const char *value)
{
    parameters->names[parameters->count] = name;
    parameters->values[parameters->count++] = value;
}

/* NULL is fine; sets it to NULL. */
static inline void libpq_clear(PGresult **result)
{
    if (*result)
        libpq.clear(*result);
    *result = NULL;
}

/* Loads the library once for the process; any thread may call it. False when libpq.so.5 is missing
 * or older than version 14. */
bool libpq_load(void);
