/* Heap memory that is either given or ends the process with a sentence. */
#pragma once

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
_Noreturn void out_of_memory(size_t size);
