/* One call a record. What a service says of a record, with a status of 4xx that is about it, is the
 * record's outcome; everything else concerns the run. */
#include "connectors/sapodata/write.h"

#include "base/clock.h"
#include "base/fault.h"
#include "connectors/sapodata/entities.h"
#include "wire/json_members.h"
#include "wire/json_pointer.h"

enum {
    RECORD_MAX = 768 * 1024,    /* bytes */
    FAULTS_MAX = 3,             /* calls of a record that the service cannot do */
    SESSIONS_MAX = 20,          /* of a connection, whose memory and secrets grow with each */
    CALL_MS = 5 * 60 * 1000,    /* of one record's calls */
    TARGET_MAX = 12 * 1024,     /* bytes of it: a URL has 16 KiB, and more than the target in it */
    BODY_EXTRA_MAX = 64 * 1024, /* bytes beside a record's own, */
    BODY_FACTOR = 2,            /* …as forms of values are longer */
    CODE_MAX = 30, /* characters; the identifiers that are longer say nothing to a person */
    MESSAGE_MAX = 2 * 1024,
};

_Static_assert(SESSIONS_MAX == 20, "as the message says");

static const struct write_limits limits = {.records = 1, .bytes = RECORD_MAX};

static const char json_v2[] = "application/json";
static const char json_v4[] = "application/json;charset=UTF-8;IEEE754Compatible=true";

struct sap_write {
    struct vendor_connection *connection;
    const struct write_query *query;
    struct write_batch *batch;
    struct sapodata_target *target;
    struct arena scratch; /* of the record at hand */
};

/* What became of the call at hand. */
enum call_end { CALL_DONE, CALL_REFUSED, CALL_ABSENT, CALL_FAILED };

/* --- a call --- */

/* In the scratch arena. */
static void add_headers(const struct sap_write *writing, bool is_update,
                        struct connector_header *rows, struct connector_call *call)
{
    const struct sapodata_session *session = &writing->target->session;
    size_t count = 0;
    if (session->token.data)
        rows[count++] = (struct connector_header){"X-CSRF-Token", session->token.data};
    if (session->cookies.data)
        rows[count++] = (struct connector_header){"Cookie", session->cookies.data};
    if (is_update) /* without it a service of version 4 creates what is not there */
        rows[count++] = (struct connector_header){"If-Match", "*"};
    call->headers.rows = rows;
    call->headers.count = count;
}

/* A session anew, which the connection keeps: of a system that ends each of them at once, a few. */
static bool renew_session(struct sap_write *writing)
{
    struct sapodata_target *target = writing->target;
    if (target->sessions >= SESSIONS_MAX)
        return vendor_fail_status(writing->connection, VERDICT_UNREACHABLE, STEP_API, 403,
                                  STR("the system no longer took the CSRF token that it had given "
                                      "20 times within one connection"),
                                  NULL);
    target->sessions++;
    return sapodata_session_fetch(writing->connection, target->path, &writing->scratch,
                                  &target->session);
}

/* Of a call that was not made, or whose answer is gone. */
static bool fail_call(struct vendor_response *ret_response)
{
    *ret_response = (struct vendor_response){0};
    return false;
}

/* A token that the system no longer takes is got anew once: nothing was done by then. */
static bool send_call(struct sap_write *writing, bool is_update, struct str target, struct str body,
                      struct vendor_response *ret_response, bool *ret_taken)
{
    struct vendor_connection *connection = writing->connection;
    struct connector_header rows[3];
    struct connector_call call = {.method = is_update ? "PATCH" : "POST",
                                  .path = "/",
                                  .content_type = writing->target->is_v4 ? json_v4 : json_v2,
                                  .query = SAPODATA_QUERY};
    for (int tries = 1;; tries++) {
        add_headers(writing, is_update, rows, &call);
        bool sent =
            vendor_call_write(connection, &call, target, body, is_update, ret_response, ret_taken);
        if (vendor_state(connection) != VENDOR_READY || !sapodata_session_ended(ret_response))
            return sent;
        *ret_taken = false;
        if (tries > 1)
            return vendor_fail_status(connection, VERDICT_FORBIDDEN, STEP_API, 403,
                                      writing->target->session.token.data
                                          ? STR("the system refuses the CSRF token that it has "
                                                "given")
                                          : STR("the system requires a CSRF token and gives none"),
                                      NULL);
        if (!renew_session(writing))
            return fail_call(ret_response);
    }
}

/* --- answers --- */

/* The service's words: the error's, and the first of its details where they say more. */
static struct str reason(struct sap_write *writing, const struct vendor_response *response)
{
    static const char *const details[] = {"/error/innererror/errordetails/0/message",
                                          "/error/details/0/message"};
    struct arena *arena = &writing->scratch;
    const struct value *json = response->json;
    struct buf text = buf_in(arena, MESSAGE_MAX);
    struct str message = pointer_text(arena, json, "/error/message/value");
    struct str code = pointer_text(arena, json, "/error/code"), detail = STR_NULL;
    if (!message.data)
        message = pointer_text(arena, json, "/error/message");
    for (size_t i = 0; i < sizeof(details) / sizeof(*details) && !detail.data; i++)
        detail = pointer_text(arena, json, details[i]);
    if (code.len <= CODE_MAX)
        buf_add(&text, code);
    if (text.len > 0 && message.len > 0)
        buf_add_cstr(&text, ": ");
    buf_add(&text, message);
    if (detail.len > 0 && !str_eq(detail, message))
        buf_printf(&text, " (%.*s)", STR_ARG(detail));
    return text.overflow ? code : buf_str(&text);
}

/* A set that new entities are sent to is there for all records or for none. */
static bool is_about_record(int status, bool is_update)
{
    return status == 400 || (status == 404 && is_update) || status == 409 || status == 412 ||
           status == 422 || status == 428;
}

/* A logon that was refused is not about the record, whatever the status: the connection makes no
 * other call. */
static enum call_end judge(const struct sap_write *writing, bool is_update, bool sent,
                           const struct vendor_response *response)
{
    const struct client_response *http = &response->http;
    if (sent && http->status / 100 == 2)
        return CALL_DONE;
    if (vendor_state(writing->connection) != VENDOR_READY || http->outcome != CLIENT_OK ||
        !is_about_record(http->status, is_update) || !response->json ||
        !pointer_find(response->json, "/error"))
        return CALL_FAILED;
    return http->status == 404 || http->status == 412 ? CALL_ABSENT : CALL_REFUSED;
}

/* A service that fails by one record, such as by a short dump, fails by it each time. */
static bool is_its_fault(const struct sap_write *writing, size_t place,
                         const struct vendor_response *response)
{
    bool is_fault = writing->query->operation != WRITE_INSERT &&
                    response->http.outcome == CLIENT_OK && response->http.status == 500 &&
                    response->json && pointer_find(response->json, "/error");
    return is_fault && ++writing->batch->outcomes[place].faults >= FAULTS_MAX;
}

static void refuse(struct sap_write *writing, size_t place, const struct vendor_response *response)
{
    write_refused(writing->batch, place,
                  vendor_clean(writing->connection, &writing->scratch, reason(writing, response)));
}

/* The entity in an answer: version 2 has it in "d", which is an ordinary name in version 4. */
static struct str entity_of(const struct sap_write *writing, struct str body)
{
    struct json_members members = json_members_of(body);
    struct json_text_member member;
    if (writing->target->is_v4)
        return body;
    while (json_members_next(&members, &member)) {
        if (str_eq(member.name, STR("d")))
            return member.value;
    }
    return members.fault ? STR_NULL : body;
}

/* "A_BusinessPartner('1000')", the end of the URL that the answer gives the entity. */
static struct str id_of(const struct vendor_response *response)
{
    const struct str *location = client_header(&response->http, STR("Location"));
    struct str id = location ? *location : STR_NULL;
    for (size_t i = id.len; i > 0; i--) {
        if (id.data[i - 1] == '/')
            return (struct str){id.data + i, id.len - i};
    }
    return id;
}

static bool take(struct sap_write *writing, size_t place, const struct vendor_response *response)
{
    const struct write_keeper *keeper = writing->batch->keeper;
    struct str entity = response->json ? entity_of(writing, response->http.body) : STR_NULL;
    write_done(writing->batch, place, id_of(response));
    return !keeper || entity.len == 0 || keeper->keep(keeper->context, place, entity) ||
           vendor_fail(writing->connection, VERDICT_INTERNAL, STEP_API,
                       STR("the vendor's answer could not be kept"), NULL);
}

/* --- a record --- */

/* False: the verdict is the run's. */
static bool settle(struct sap_write *writing, size_t place, enum call_end end, bool taken,
                   const struct vendor_response *response)
{
    if (end == CALL_FAILED && is_its_fault(writing, place, response))
        end = CALL_REFUSED;
    if (end == CALL_FAILED && taken)
        writing->batch->outcomes[place].end = WRITE_UNKNOWN;
    if (end == CALL_FAILED)
        return false;
    writing->batch->answers++;
    fault_point("write:record");
    if (end == CALL_DONE)
        return take(writing, place, response);
    refuse(writing, place, response);
    return true;
}

static const char *make_target(struct sap_write *writing, struct str record, bool has_key,
                               struct str *ret_target)
{
    const struct sapodata_target *target = writing->target;
    struct buf path = buf_in(&writing->scratch, TARGET_MAX);
    buf_printf(&path, "%.*s/%.*s", STR_ARG(target->path), STR_ARG(target->set));
    const char *fault =
        has_key ? sapodata_record_key(target, record, &writing->scratch, &path) : NULL;
    *ret_target = buf_str(&path);
    return !fault && path.overflow ? "the record's key is longer than a URL may be" : fault;
}

/* One call of a record. *ret_fault: why none was made; NULL: it was. */
static enum call_end call_for(struct sap_write *writing, struct str record, bool is_update,
                              struct vendor_response *ret_response, bool *ret_taken,
                              const char **ret_fault)
{
    struct buf body = buf_in(&writing->scratch, BODY_FACTOR * record.len + BODY_EXTRA_MAX);
    struct str target;
    *ret_taken = false;
    buf_reserve(&body, body.limit);
    *ret_fault = make_target(writing, record, is_update, &target);
    if (!*ret_fault)
        *ret_fault = sapodata_record_add(writing->target, record, is_update, &body);
    if (!*ret_fault && body.overflow)
        *ret_fault = "the record is longer in the forms of OData than a call takes";
    if (*ret_fault)
        return CALL_REFUSED;
    vendor_set_deadline(writing->connection, clock_mono_ms() + CALL_MS);
    bool sent = send_call(writing, is_update, target, buf_str(&body), ret_response, ret_taken);
    if (vendor_verdict(writing->connection).kind == VERDICT_REJECTED)
        *ret_taken = false; /* a logon page comes with 200, and before anything is done */
    return judge(writing, is_update, sent, ret_response);
}

static bool write_one(struct sap_write *writing, size_t place)
{
    enum write_operation operation = writing->query->operation;
    struct str record = writing->batch->records[place];
    struct vendor_response response = {0};
    const char *fault;
    bool taken;
    enum call_end end =
        call_for(writing, record, operation != WRITE_INSERT, &response, &taken, &fault);
    if (!fault && end == CALL_ABSENT && operation == WRITE_UPSERT) {
        arena_reset(&writing->scratch);
        end = call_for(writing, record, false, &response, &taken, &fault);
    }
    if (!fault)
        return settle(writing, place, end, taken, &response);
    write_refused(writing->batch, place, str_from(fault));
    return true;
}

static bool write_all(struct sap_write *writing)
{
    struct write_part part = {0};
    while (write_part_next(writing->batch, &limits, &part)) {
        if (!vendor_may_go_on(writing->connection))
            return false;
        struct arena *own = vendor_set_arena(writing->connection, &writing->scratch);
        bool written = write_one(writing, part.places[0]);
        vendor_set_arena(writing->connection, own);
        if (!written)
            vendor_keep_verdict(writing->connection);
        arena_reset(&writing->scratch);
        if (!written)
            return false;
    }
    return true;
}

/* --- a batch --- */

/* Kept for the connection's other batches. */
static struct sapodata_target *target_of(struct vendor_connection *connection,
                                         const struct write_query *query)
{
    void **kept = vendor_writing(connection);
    struct sapodata_target *target = *kept;
    if (target)
        return target;
    target = arena_new(vendor_config(connection)->arena, struct sapodata_target);
    if (!sapodata_target_read(connection, query, target))
        return NULL;
    *kept = target;
    return target;
}

bool sapodata_write(struct vendor_connection *connection, const struct write_query *query,
                    struct write_batch *batch)
{
    struct sap_write writing = {.connection = connection, .query = query, .batch = batch};
    writing.target = target_of(connection, query);
    if (!writing.target)
        return false;
    writing.scratch = arena_beside(vendor_config(connection)->arena);
    bool written = write_all(&writing);
    arena_done(&writing.scratch);
    if (!written || write_batch_is_known(batch))
        return written && vendor_accept(connection, STEP_API);
    return vendor_fail(connection, VERDICT_UNREACHABLE, STEP_API,
                       STR("the outcome of some records is not known"), NULL);
}
