/* OpenSSL's memory: given, or the process ends with a sentence, as with all other memory. Left to
 * itself OpenSSL goes on without, and at some places into a null pointer. */
#pragma once

/* Call it before anything of OpenSSL's. Its secure heap (vault/secret.h) stays what it is. */
void crypto_memory_init(void);
