/* Any bytes as what a database sends while it is signed in to, in pieces of any size: its messages
 * are read within the conversation's bound, nothing is computed beyond the watch, and only an
 * answer of 1 to SELECT 1 is success, or one with the columns of a query of the request's own. */
#include "connectors/redshift/postgres_login.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    OUT_MAX = 64 * 1024,
    MEMORY_MAX = 8 * POSTGRES_BYTES_MAX, /* bytes of the arena, for any conversation */
    SLICES_MAX = 4,
    OPTIONS_SIZE = 2,
};

struct fuzz {
    struct arena arena;
    struct postgres_request request;
    struct postgres_response response;
    struct postgres_login login;
    struct buf received, out;
    int slices;
    struct sql_rows rows;
};

enum { COLUMNS = 2, ENOUGH = 'X' };

/* Every byte of a cell can be read. */
static bool each(void *context, const struct str *cells)
{
    struct fuzz *fuzz = context;
    unsigned sum = 0;
    if (fuzz->rows.stopped)
        abort();
    for (int i = 0; i < COLUMNS; i++) {
        for (size_t k = 0; k < cells[i].len; k++)
            sum += (unsigned char)cells[i].data[k];
    }
    return sum != ENOUGH;
}

static void must(bool condition)
{
    if (!condition)
        abort();
}

static bool may_continue(void *context)
{
    struct fuzz *fuzz = context;
    must(fuzz->slices <= SLICES_MAX); /* not asked again after it said no */
    return ++fuzz->slices <= SLICES_MAX;
}

/* Bit 0: the certificate is verified; bit 1: the channel can be bound; bit 2: rows are wanted. */
static void begin(struct fuzz *fuzz, uint8_t options)
{
    fuzz->request = (struct postgres_request){
        .user = STR("user"), .database = STR("dev"), .password = STR("pencil")};
    fuzz->rows = (struct sql_rows){
        .sql = STR("SELECT a, b"), .columns = COLUMNS, .each = each, .context = fuzz};
    if (options & 4)
        fuzz->request.rows = &fuzz->rows;
    fuzz->response = (struct postgres_response){.result = POSTGRES_FAILED};
    fuzz->login = (struct postgres_login){
        .arena = &fuzz->arena,
        .request = &fuzz->request,
        .response = &fuzz->response,
        .authority = "acme.example:5439",
        .verified = options & 1,
        .binding = options & 2 ? STR("hash") : STR_NULL,
        .watch = {.may_continue = may_continue, .context = fuzz},
    };
    fuzz->received = buf_in(&fuzz->arena, POSTGRES_BYTES_MAX);
    fuzz->out = buf_in(&fuzz->arena, OUT_MAX);
    login_begin(&fuzz->login, &fuzz->out);
}

static void take(struct fuzz *fuzz, struct str piece)
{
    buf_add(&fuzz->received, piece);
    struct str rest = buf_str(&fuzz->received);
    while (fuzz->login.step != LOGIN_ENDED && login_take(&fuzz->login, &rest, &fuzz->out)) {
        /* A nonce that an input can repeat. */
        if (fuzz->login.scram.nonce.data)
            fuzz->login.scram.nonce = STR("fuzz");
        must(!fuzz->out.overflow);
        buf_clear(&fuzz->out);
    }
    memmove(fuzz->received.data, rest.data, rest.len);
    fuzz->received.len = rest.len;
}

static void check(const struct fuzz *fuzz)
{
    const struct postgres_response *response = &fuzz->response;
    must(fuzz->login.step == LOGIN_ENDED);
    bool answered = fuzz->request.rows ? fuzz->login.columns == COLUMNS
                                       : fuzz->login.rows == 1 && fuzz->login.is_one;
    must(response->result != POSTGRES_ACCEPTED || answered);
    must(response->result < POSTGRES_FAILED || fuzz->login.interrupted ||
         (response->outcome != CLIENT_OK && response->detail));
    must(response->message.len <= POSTGRES_MESSAGE_MAX);
    must(!response->sqlstate.data || response->sqlstate.len == 5);
    must(fuzz->arena.used <= MEMORY_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {0};
    if (size < OPTIONS_SIZE)
        return 0;
    begin(&fuzz, data[0]);
    size_t piece = data[1] ? data[1] : size;
    for (size_t at = OPTIONS_SIZE; at < size && fuzz.login.step != LOGIN_ENDED; at += piece) {
        size_t len = size - at < piece ? size - at : piece;
        take(&fuzz, (struct str){(const char *)data + at, len});
    }
    if (fuzz.login.step != LOGIN_ENDED)
        login_closed(&fuzz.login, buf_str(&fuzz.received));
    check(&fuzz);
    arena_done(&fuzz.arena);
    return 0;
}
