/* Counts uses of credentials in a hash table of fixed size, whose entries are reused in a ring. */
#include "sandbox/memory.h"

#include "base/alloc.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DIGEST_SIZE = 16 };

struct entry {
    uint8_t digest[DIGEST_SIZE]; /* of owner and text: the credential itself is not kept */
    uint32_t next;               /* entry of the same bucket + 1; 0: none */
    uint32_t uses;               /* 0: free */
};

struct memory {
    pthread_mutex_t lock;
    uint32_t limit;
    uint32_t oldest;       /* where the next new entry goes */
    uint32_t *buckets;     /* first entry + 1; 0: none */
    struct entry *entries; /* `limit` of both; untouched pages cost nothing */
};

struct memory *memory_new(uint32_t limit)
{
    struct memory *memory = xcalloc(1, sizeof(*memory));
    memory->limit = limit == 0 || limit > MEMORY_MAX ? MEMORY_MAX : limit;
    memory->buckets = xcalloc(memory->limit, sizeof(*memory->buckets));
    memory->entries = xcalloc(memory->limit, sizeof(*memory->entries));
    pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void memory_free(struct memory *memory)
{
    if (!memory)
        return;
    pthread_mutex_destroy(&memory->lock);
    free(memory->buckets);
    free(memory->entries);
    free(memory);
}

static void digest_of(struct str owner, struct str text, uint8_t out[DIGEST_SIZE])
{
    uint8_t full[EVP_MAX_MD_SIZE] = {0};
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1) {
        EVP_DigestUpdate(context, owner.data, owner.len);
        EVP_DigestUpdate(context, "", 1);
        EVP_DigestUpdate(context, text.data, text.len);
        EVP_DigestFinal_ex(context, full, NULL);
    }
    EVP_MD_CTX_free(context);
    memcpy(out, full, DIGEST_SIZE);
}

static uint32_t *bucket_of(struct memory *memory, const uint8_t digest[DIGEST_SIZE])
{
    uint32_t hash;
    memcpy(&hash, digest, sizeof(hash));
    return &memory->buckets[hash % memory->limit];
}

static struct entry *find(struct memory *memory, const uint8_t digest[DIGEST_SIZE])
{
    for (uint32_t at = *bucket_of(memory, digest); at != 0; at = memory->entries[at - 1].next)
        if (memcmp(memory->entries[at - 1].digest, digest, DIGEST_SIZE) == 0)
            return &memory->entries[at - 1];
    return NULL;
}

static void forget(struct memory *memory, uint32_t index)
{
    struct entry *entry = &memory->entries[index];
    uint32_t *link = bucket_of(memory, entry->digest);
    while (*link != index + 1)
        link = &memory->entries[*link - 1].next;
    *link = entry->next;
    *entry = (struct entry){0};
}

static struct entry *add(struct memory *memory, const uint8_t digest[DIGEST_SIZE])
{
    uint32_t index = memory->oldest;
    memory->oldest = (index + 1) % memory->limit;
    if (memory->entries[index].uses != 0)
        forget(memory, index);
    struct entry *entry = &memory->entries[index];
    uint32_t *bucket = bucket_of(memory, digest);
    memcpy(entry->digest, digest, DIGEST_SIZE);
    entry->next = *bucket;
    *bucket = index + 1;
    return entry;
}

uint32_t memory_use(struct memory *memory, struct str owner, struct str text)
{
    uint8_t digest[DIGEST_SIZE];
    digest_of(owner, text, digest);
    pthread_mutex_lock(&memory->lock);
    struct entry *entry = find(memory, digest);
    if (!entry)
        entry = add(memory, digest);
    uint32_t before = entry->uses;
    if (entry->uses < UINT32_MAX)
        entry->uses++;
    pthread_mutex_unlock(&memory->lock);
    return before;
}

uint32_t memory_uses(struct memory *memory, struct str owner, struct str text)
{
    uint8_t digest[DIGEST_SIZE];
    digest_of(owner, text, digest);
    pthread_mutex_lock(&memory->lock);
    const struct entry *entry = find(memory, digest);
    uint32_t uses = entry ? entry->uses : 0;
    pthread_mutex_unlock(&memory->lock);
    return uses;
}
