/* A hash of texts for tables in memory: SipHash-2-4 under a key that each process draws at random.
 * A client that chooses the texts can therefore not make them collide. It says nothing outside the
 * process; for hashes that are stored see vault/. */
#pragma once

#include "base/str.h"

#include <stdint.h>

uint64_t hash_text(struct str text);

/* The function itself: J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012.
 * `key` has 16 bytes. */
uint64_t siphash(const unsigned char *key, struct str text);
