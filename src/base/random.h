/* Random bytes from the kernel, drawn in batches a thread: a call costs more than its bytes. */
#pragma once

#include <stddef.h>

void random_bytes(void *out, size_t size); /* fit for keys; ends the process on failure */

enum { UUID_SIZE = 37 };
void random_uuid(char out[UUID_SIZE]); /* version 4, lower case, NUL at the end */
