/* The escrow's file: what a kill, a torn write, a changed bit and a full file leave, and who may
 * write into a slot. */
#include "cmocka_all.h"

#include "keyring_scratch.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/random.h"
#include "escrow/escrow.h"
#include "escrow/message.h"
#include "vault/seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char tag[ESCROW_TAG_SIZE] = {7};
#define ENVELOPE STR("a sealed envelope")
#define ANSWER STR("{\"access_token\": \"secret word\"}")

static struct escrow_call_key new_key(void)
{
    struct escrow_call_key key;
    random_bytes(&key, sizeof(key));
    return key;
}

static int new_file(const char *name)
{
    struct error error = {0};
    int fd;
    unlink(scratch_path(name));
    assert_true(escrow_file_open(scratch_path(name), true, &fd, &error));
    return fd;
}

static void prepare(int fd, int slot, const struct escrow_call_key *key)
{
    struct error error = {0};
    assert_true(escrow_slot_prepare(fd, slot, key->id, 3, ENVELOPE, &error));
}

/* Whether `text` is anywhere in the file. */
static bool has_text(int fd, struct str text)
{
    char *bytes = malloc(ESCROW_FILE_SIZE);
    assert_int_equal(pread(fd, bytes, ESCROW_FILE_SIZE, 0), ESCROW_FILE_SIZE);
    bool found = memmem(bytes, ESCROW_FILE_SIZE, text.data, text.len) != NULL;
    free(bytes);
    return found;
}

static void a_file_has_all_of_its_blocks_and_is_private(void **state)
{
    (void)state;
    struct stat status;
    struct error error = {0};
    _cleanup_close_ int fd = new_file("blocks");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, ESCROW_FILE_SIZE);
    assert_true(status.st_blocks * 512 >= ESCROW_FILE_SIZE);
    assert_int_equal(status.st_mode & 07777, 0600);
    int again;
    assert_true(escrow_file_open(scratch_path("absent"), false, &again, &error));
    assert_int_equal(again, -1);
    assert_int_equal(symlink("blocks", scratch_path("link")), 0);
    assert_false(escrow_file_open(scratch_path("link"), true, &again, &error));
}

static void an_answer_comes_back_and_is_sealed(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct escrow_head head;
    struct str answer;
    struct escrow_call_key key = new_key(), other = new_key();
    _cleanup_close_ int fd = new_file("answer");
    int slot = ESCROW_SLOTS - 1;
    assert_false(escrow_slot_read(fd, slot, &arena, &head));
    prepare(fd, slot, &key);
    assert_true(escrow_slot_read(fd, slot, &arena, &head));
    assert_memory_equal(head.id, key.id, ESCROW_ID_SIZE);
    assert_int_equal(head.writer, 3);
    assert_true(str_eq(head.envelope, ENVELOPE));
    assert_int_equal(escrow_slot_open(fd, slot, &key, &arena, &answer), ESCROW_NO_ANSWER);
    assert_true(escrow_slot_answer(fd, slot, &key, ANSWER));
    assert_true(escrow_slot_is_answered(fd, slot, key.id));
    assert_false(has_text(fd, STR("secret word")));
    assert_int_equal(escrow_slot_open(fd, slot, &key, &arena, &answer), ESCROW_ANSWER);
    assert_true(str_eq(answer, ANSWER));
    memcpy(other.id, key.id, sizeof(other.id)); /* the wrong key */
    assert_int_equal(escrow_slot_open(fd, slot, &other, &arena, &answer), ESCROW_DAMAGED);
    assert_true(escrow_slot_clear(fd, slot));
    assert_false(escrow_slot_read(fd, slot, &arena, &head));
    assert_false(has_text(fd, ENVELOPE));
    arena_done(&arena);
}

/* A late writer does not touch what has another use by now. */
static void an_answer_belongs_to_one_use_of_a_slot(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str answer;
    struct escrow_call_key first = new_key(), second = new_key();
    _cleanup_close_ int fd = new_file("uses");
    prepare(fd, 5, &first);
    assert_true(escrow_slot_answer(fd, 5, &first, ANSWER));
    prepare(fd, 5, &second);
    assert_int_equal(escrow_slot_open(fd, 5, &second, &arena, &answer), ESCROW_NO_ANSWER);
    assert_false(escrow_slot_is_answered(fd, 5, second.id));
    assert_false(escrow_slot_answer(fd, 5, &first, ANSWER));
    assert_true(escrow_slot_answer(fd, 5, &second, STR("mine")));
    assert_int_equal(escrow_slot_open(fd, 5, &second, &arena, &answer), ESCROW_ANSWER);
    assert_true(str_eq(answer, STR("mine")));
    escrow_slot_clear(fd, 5);
    assert_false(escrow_slot_answer(fd, 5, &second, ANSWER));
    arena_done(&arena);
}

/* Every bit of an answer, and every length that a torn write may leave. */
static void damage_is_found(void **state)
{
    (void)state;
    enum { SLOT = 2, AT = SLOT * ESCROW_SLOT_SIZE + ESCROW_HEAD_SIZE };
    struct arena arena = {0};
    struct str answer;
    struct escrow_call_key key = new_key();
    _cleanup_close_ int fd = new_file("damage");
    unsigned char record[128], changed[128], zeros[128] = {0};
    size_t size = 8 + ESCROW_ID_SIZE + CRYPTO_NONCE_SIZE + 4 + ANSWER.len + CRYPTO_TAG_SIZE;
    assert_true(size <= sizeof(record));
    prepare(fd, SLOT, &key);
    assert_true(escrow_slot_answer(fd, SLOT, &key, ANSWER));
    assert_int_equal(pread(fd, record, size, AT), size);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        memcpy(changed, record, size);
        changed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        assert_int_equal(pwrite(fd, changed, size, AT), size);
        assert_int_not_equal(escrow_slot_open(fd, SLOT, &key, &arena, &answer), ESCROW_ANSWER);
    }
    for (size_t len = 0; len < size; len++) {
        assert_int_equal(pwrite(fd, zeros, size, AT), size);
        assert_int_equal(pwrite(fd, record, len, AT), len);
        assert_int_not_equal(escrow_slot_open(fd, SLOT, &key, &arena, &answer), ESCROW_ANSWER);
    }
    assert_int_equal(pwrite(fd, record, size, AT), size);
    assert_int_equal(escrow_slot_open(fd, SLOT, &key, &arena, &answer), ESCROW_ANSWER);
    arena_done(&arena);
}

static void the_longest_answer_fits_and_no_longer_one(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str answer;
    struct escrow_call_key key = new_key(), next = new_key();
    _cleanup_close_ int fd = new_file("length");
    char *text = calloc(1, ESCROW_ANSWER_MAX + 1);
    memset(text, 'x', ESCROW_ANSWER_MAX + 1);
    prepare(fd, 0, &key);
    prepare(fd, 1, &next);
    assert_false(escrow_slot_answer(fd, 0, &key, (struct str){text, ESCROW_ANSWER_MAX + 1}));
    assert_true(escrow_slot_answer(fd, 0, &key, (struct str){text, ESCROW_ANSWER_MAX}));
    assert_int_equal(escrow_slot_open(fd, 0, &key, &arena, &answer), ESCROW_ANSWER);
    assert_int_equal(answer.len, ESCROW_ANSWER_MAX);
    assert_int_equal(escrow_slot_open(fd, 1, &next, &arena, &answer), ESCROW_NO_ANSWER);
    free(text);
    arena_done(&arena);
}

/* --- slots in memory --- */

static struct escrow *open_escrow(void)
{
    struct escrow *escrow;
    struct error error = {0};
    assert_true(escrow_new(scratch_directory, NULL, &escrow, &error));
    return escrow;
}

static struct escrow_hold hold(struct escrow *escrow, const char *account)
{
    struct escrow_hold made;
    struct error error = {0};
    assert_true(escrow_take(escrow, str_from(account), &made, &error));
    assert_true(escrow_prepare(escrow, &made, tag, ENVELOPE, &error));
    return made;
}

static void succeed(struct client *client, struct arena *arena,
                    const struct client_request *request, struct client_response *ret_response)
{
    (void)client, (void)arena, (void)request;
    *ret_response = (struct client_response){.status = 200, .body = ANSWER};
}

static void refuse(struct client *client, struct arena *arena, const struct client_request *request,
                   struct client_response *ret_response)
{
    (void)client, (void)arena, (void)request;
    *ret_response = (struct client_response){.status = 400, .body = ANSWER};
}

static void make_call(struct escrow *escrow, const struct escrow_hold *held, client_call_fn *call)
{
    const struct client_request request = {.deadline_ms = clock_mono_ms() + 1000};
    struct client_response response;
    assert_true(escrow_call(escrow, held, call, NULL, NULL, &request, &response));
}

static void what_is_left_is_found_and_taken_once(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct escrow_head head;
    struct str answer;
    struct escrow_cursor cursor = {0};
    int slot;
    struct escrow *escrow = open_escrow();
    struct escrow_hold held = hold(escrow, "123456789012"), empty = hold(escrow, "111122223333");
    make_call(escrow, &held, succeed);
    make_call(escrow, &empty, refuse);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_NONE);
    escrow_leave(escrow, &empty);
    assert_false(escrow_has_left(escrow));
    escrow_leave(escrow, &held);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_ANSWERED);
    assert_true(escrow_take_up(escrow, &cursor, &arena, &slot, &head));
    assert_int_equal(slot, held.slot);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_TAKEN);
    assert_int_equal(escrow_open(escrow, slot, &held.key, &arena, &answer), ESCROW_ANSWER);
    assert_true(str_eq(answer, ANSWER));
    assert_false(escrow_take_up(escrow, &cursor, &arena, &slot, &head));
    escrow_put_back(escrow, held.slot, NULL);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_ANSWERED);
    escrow_drop(escrow, held.slot);
    assert_false(escrow_has_left(escrow));
    escrow_free(escrow);
    arena_done(&arena);
}

/* The next process finds it in the file; what has no answer and no living writer is free. */
static void a_process_finds_what_one_before_it_left(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct escrow_head head;
    struct escrow_cursor cursor = {0};
    int slot, writer, fd;
    struct error error = {0};
    struct escrow *escrow = open_escrow();
    struct escrow_hold held = hold(escrow, "123456789012"), flying = hold(escrow, "123456789012");
    hold(escrow, "123456789012");
    make_call(escrow, &held, succeed);
    escrow_free(escrow);
    /* A courier that outlives its server: it has the first writer, which that server had. */
    assert_true(escrow_writer_lock(scratch_path("escrow"), &fd, &writer, &error));
    escrow = open_escrow();
    assert_true(escrow_take_up(escrow, &cursor, &arena, &slot, &head));
    assert_int_equal(slot, held.slot);
    escrow_drop(escrow, slot);
    assert_true(escrow_take_up(escrow, &cursor, &arena, &slot, &head));
    assert_int_equal(slot, flying.slot);
    escrow_put_back(escrow, slot, tag);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_IN_PROGRESS);
    assert_true(escrow_slot_answer(fd, slot, &flying.key, ANSWER));
    close(fd);
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_ANSWERED);
    escrow_drop(escrow, flying.slot);
    cursor = (struct escrow_cursor){0};
    assert_false(escrow_take_up(escrow, &cursor, &arena, &slot, &head));
    assert_false(escrow_has_left(escrow));
    escrow_free(escrow);
    arena_done(&arena);
}

/* As many as it leaves free, whatever other accounts do; what is given back can be taken again. */
static void a_full_escrow_takes_no_call(void **state)
{
    (void)state;
    struct error error = {0};
    struct escrow_hold held[ESCROW_SLOTS], more;
    struct escrow *escrow = open_escrow();
    char account[16];
    int count = 0;
    for (int i = 0; i < 64; i++) {
        snprintf(account, sizeof(account), "%012d", i);
        while (count < ESCROW_SLOTS && escrow_take(escrow, str_from(account), &held[count], &error))
            count++;
        if (i == 0)
            assert_int_equal(count, ESCROW_SLOTS / 2);
    }
    assert_int_equal(error.code, ERR_THROTTLING);
    assert_false(escrow_take(escrow, STR("000000000000"), &more, &error));
    assert_int_equal(count, ESCROW_SLOTS);
    assert_false(escrow_take(escrow, STR("another"), &more, &error));
    escrow_settle(escrow, &held[--count]);
    assert_true(escrow_take(escrow, STR("another"), &more, &error));
    escrow_settle(escrow, &more);
    while (count > 0)
        escrow_settle(escrow, &held[--count]);
    escrow_free(escrow);
}

static void two_servers_do_not_share_a_file(void **state)
{
    (void)state;
    struct error error = {0};
    struct escrow *first = open_escrow(), *second;
    struct escrow_hold held = hold(first, "123456789012");
    assert_false(escrow_new(scratch_directory, NULL, &second, &error));
    assert_int_equal(error.code, ERR_CONFLICT);
    escrow_settle(first, &held);
    escrow_free(first);
}

static void respond_at_length(struct client *client, struct arena *arena,
                              const struct client_request *request,
                              struct client_response *ret_response)
{
    static char body[ESCROW_ANSWER_MAX + 1];
    (void)client, (void)arena;
    assert_int_equal(request->body_max, ESCROW_BODY_MAX);
    *ret_response = (struct client_response){.status = 200, .body = {body, ESCROW_ANSWER_MAX + 1}};
}

static void an_answer_that_is_not_kept_is_reported(void **state)
{
    (void)state;
    struct escrow *escrow = open_escrow();
    struct escrow_hold held = hold(escrow, "123456789012");
    const struct client_request request = {.deadline_ms = clock_mono_ms() + 1000};
    struct client_response response;
    assert_false(escrow_call(escrow, &held, respond_at_length, NULL, NULL, &request, &response));
    assert_int_equal(response.body.len, ESCROW_ANSWER_MAX + 1);
    assert_false(escrow_leave(escrow, &held));
    escrow_free(escrow);
}

static bool make_no_client(void *context, struct client **ret_client, struct error *error)
{
    (void)context, (void)ret_client;
    return fail(error, ERR_UNAVAILABLE, "there is none in this test");
}

/* The courier took the order and ended before the call: surely nothing was sent. */
static void the_server_makes_a_call_that_was_not_begun(void **state)
{
    (void)state;
    const struct courier_config config = {.make_client = make_no_client};
    const struct client_request request = {.deadline_ms = clock_mono_ms() + 1000};
    struct arena arena = {0};
    struct error error = {0};
    struct client_response response;
    struct courier *courier;
    struct escrow *escrow;
    assert_true(courier_start(&config, &courier, &error));
    assert_true(escrow_new(scratch_directory, courier, &escrow, &error));
    struct escrow_hold held = hold(escrow, "123456789012");
    assert_true(escrow_call(escrow, &held, succeed, NULL, &arena, &request, &response));
    assert_int_equal(response.status, 200);
    assert_true(escrow_leave(escrow, &held));
    assert_int_equal(escrow_find_left(escrow, tag), ESCROW_LEFT_ANSWERED);
    escrow_drop(escrow, held.slot);
    escrow_free(escrow);
    courier_free(courier);
    arena_done(&arena);
}

static void envelopes_are_counted_by_their_key(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error = {0};
    struct escrow_call_key key = new_key();
    size_t count;
    struct str sealed;
    struct keyring *keyring = scratch_keyring("count");
    _cleanup_close_ int fd = new_file("count-slots");
    assert_true(seal_close(keyring, &(struct seal_binding){.purpose = STR("escrow")}, STR("x"),
                           &arena, &sealed, &error));
    assert_true(escrow_slot_prepare(fd, 9, key.id, 3, sealed, &error));
    struct str id = keyring_primary_id(keyring);
    assert_true(escrow_file_count(scratch_path("count-slots"), id, &count, &error));
    assert_int_equal(count, 1);
    assert_true(
        escrow_file_count(scratch_path("count-slots"), STR("0123456789abcdef"), &count, &error));
    assert_int_equal(count, 0);
    assert_true(escrow_file_count(scratch_path("no-slots"), id, &count, &error));
    assert_int_equal(count, 0);
    keyring_free(keyring);
    arena_done(&arena);
}

/* --- messages --- */

static void an_order_comes_back_and_a_cut_one_does_not(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf message = buf_in(&arena, ESCROW_REQUEST_MAX);
    const struct http_header headers[] = {{STR("Accept"), STR("application/json")}};
    const struct private_route route = {.host = STR("10.1.2.3"), .connect_to = "::10.1.2.3:443"};
    struct escrow_order order = {
        .slot = 9,
        .key = new_key(),
        .request = {.method = STR("POST"),
                    .url = STR("https://vendor.example/token"),
                    .headers = headers,
                    .header_count = 1,
                    .body = STR("grant_type=refresh_token"),
                    .deadline_ms = 12345,
                    .route = &route,
                    .fresh = true},
    };
    struct escrow_order back;
    escrow_put_order(&message, &order);
    assert_true(escrow_take_order(&arena, buf_str(&message), &back));
    assert_memory_equal(&back.key, &order.key, sizeof(order.key));
    assert_true(str_eq(back.request.url, order.request.url));
    assert_true(str_eq(back.request.body, order.request.body));
    assert_true(str_eq(back.request.headers[0].value, headers[0].value));
    assert_string_equal(back.request.route->connect_to, route.connect_to);
    assert_true(back.request.fresh && back.slot == 9 && back.request.deadline_ms == 12345);
    for (size_t len = 0; len < message.len; len++)
        assert_false(escrow_take_order(&arena, (struct str){message.data, len}, &back));
    buf_add_char(&message, 'x');
    assert_false(escrow_take_order(&arena, buf_str(&message), &back));
    arena_done(&arena);
}

static void a_reply_comes_back_and_a_cut_one_does_not(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf message = buf_in(&arena, ESCROW_RESPONSE_MAX);
    const struct http_header headers[] = {{STR("Retry-After"), STR("7")}};
    const struct escrow_reply reply = {
        .response = {.outcome = CLIENT_TIMEOUT,
                     .headers = headers,
                     .header_count = 1,
                     .sent = true,
                     .detail = "timed out waiting for vendor.example"},
        .is_kept = true,
    };
    struct escrow_reply back = {0};
    escrow_put_reply(&message, &reply);
    assert_true(escrow_take_reply(&arena, buf_str(&message), &back));
    assert_true(back.is_kept);
    assert_int_equal(back.response.outcome, CLIENT_TIMEOUT);
    assert_null(back.response.body.data);
    assert_string_equal(back.response.detail, reply.response.detail);
    assert_true(back.response.sent && !back.response.connected);
    assert_true(str_eq(*client_header(&back.response, STR("retry-after")), STR("7")));
    for (size_t len = 0; len < message.len; len++)
        assert_false(escrow_take_reply(&arena, (struct str){message.data, len}, &back));
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_all_of_its_blocks_and_is_private),
        cmocka_unit_test(an_answer_comes_back_and_is_sealed),
        cmocka_unit_test(an_answer_belongs_to_one_use_of_a_slot),
        cmocka_unit_test(damage_is_found),
        cmocka_unit_test(the_longest_answer_fits_and_no_longer_one),
        cmocka_unit_test(what_is_left_is_found_and_taken_once),
        cmocka_unit_test(a_process_finds_what_one_before_it_left),
        cmocka_unit_test(a_full_escrow_takes_no_call),
        cmocka_unit_test(two_servers_do_not_share_a_file),
        cmocka_unit_test(an_answer_that_is_not_kept_is_reported),
        cmocka_unit_test(the_server_makes_a_call_that_was_not_begun),
        cmocka_unit_test(envelopes_are_counted_by_their_key),
        cmocka_unit_test(an_order_comes_back_and_a_cut_one_does_not),
        cmocka_unit_test(a_reply_comes_back_and_a_cut_one_does_not),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
