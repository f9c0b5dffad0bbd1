/* Random bytes from the kernel, drawn in batches a thread: a call costs more than its bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *out, size_t size); /* fit for keys; ends the process on failure */
uint32_t random_u32(void);

/* `len` letters of `letters`, whose number is a power of two, so that none is likelier; then NUL.
 */
void random_text(const char *letters, char *out, size_t len);
#define RANDOM_ID_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define RANDOM_SECRET_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

enum { UUID_BYTES = 16, UUID_SIZE = 37 };
/* A UUID's text of its bytes, into which version and variant are put first (RFC 9562). */
void uuid_text(uint8_t bytes[UUID_BYTES], int version, char out[UUID_SIZE]);
void random_uuid(char out[UUID_SIZE]); /* version 4, lower case, NUL at the end */
