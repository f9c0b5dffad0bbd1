/* A system that fails: the program's own definitions of the calls that reach the disk, which every
 * library of the process uses too. They count calls of a kind and fail one of them, once. Nothing
 * is synced: the process is not killed, and a sweep over all calls would take minutes. */
#pragma once

#include <stdbool.h>

enum call_kind {
    CALL_OPEN,
    CALL_READ,
    CALL_WRITE,
    CALL_SYNC,
    CALL_LINK, /* and rename */
    CALL_UNLINK,
    CALL_TRUNCATE,
    CALL_STAT,
    CALL_LOCK,
    CALL_MODE, /* of a file */
    CALL_SQLITE_MEMORY,
    CALL_MEMORY,        /* failing_memory.c, as the next */
    CALL_CRYPTO_MEMORY, /* of the library's too, when it takes it for OpenSSL */
};

enum { CALL_HALF = -1 }; /* instead of an errno: half of it is read or written, and told so */

/* Fails the n-th call of a kind from now on, in any thread. */
void calls_fail(enum call_kind kind, int error_number, int n);
/* And every one after it, until calls_work. */
void calls_fail_from(enum call_kind kind, int error_number, int n);
void calls_work(void);
bool calls_failed(void); /* whether one has, since calls_fail */

/* Whether the call that is being made shall fail; errno is set then. */
bool calls_one_fails(enum call_kind kind);

/* Before SQLite is first used: it takes its memory from where CALL_SQLITE_MEMORY fails. */
void calls_watch_sqlite_memory(void);

/* A sweep takes each so-manieth call only where sanitizers make everything five times as long. */
#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if __has_feature(address_sanitizer) || defined(__SANITIZE_THREAD__)
enum { CALLS_STRIDE = 5 };
#else
enum { CALLS_STRIDE = 1 };
#endif
