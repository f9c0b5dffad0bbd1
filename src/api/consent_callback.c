/* Taking the vendor's answer: it must belong to the browser and its request, is taken once, and
 * then the request becomes the change that the link was made for. */
#include "api/consent_callback.h"

#include "api/access_limits.h"
#include "api/consent_answer.h"
#include "api/consent_outcome.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/url.h"
#include "connector/http/vendor_message.h"
#include "profile/consent_use.h"
#include "wire/errors.h"
#include "wire/routes.h"

enum { CODE_MAX = 2048 }; /* bytes, as the API's AuthCode */

/* The row says how it ended, or, without the store, this page alone. */
static void end_with(struct api_request *request, const char *outcome, struct str words)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct consent_row *row = &visit->consent.row;
    struct error error = {0};
    log_write(LOG_INFO, str_from(request->request_id),
              "The authorization for profile %.*s of account %.*s ended: %s",
              STR_ARG(row->key.name), STR_ARG(row->key.account), outcome);
    if (consent_end(&request->service->profiles, &visit->consent, outcome, words, &error)) {
        consent_go_to_result(request);
        return;
    }
    row->words = words;
    consent_show_end(request, outcome, row);
}

/* What may be shown of a vendor's words that came by way of the browser. */
static struct str clean(struct api_request *request, struct str text)
{
    struct redaction redaction = {.arena = request->arena};
    redact_add(&redaction, consent_visit_of(request)->code);
    return vendor_message_clean(&redaction, text);
}

/* True when it is the answer that was asked for; else the page says why not. */
static bool belongs(struct api_request *request, struct str secret)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct consent *consent = &visit->consent;
    const char *why = CONSENT_WRONG_STATE;
    bool is_browser =
        visit->browser.data && consent_is_browser(consent, visit->browser, request->arena);
    if (is_browser && consent->row.stage == CONSENT_TAKEN) {
        consent_go_to_result(request);
        return false;
    }
    if (is_browser && consent->row.stage == CONSENT_ENDED)
        why = CONSENT_USED;
    else if (is_browser && consent_is_expired(consent))
        why = CONSENT_EXPIRED;
    else if (is_browser && consent_is_state(consent, secret, request->arena))
        return true;
    consent_show_end(request, why, NULL);
    return false;
}

static bool is_issuer(struct api_request *request, struct str issuer)
{
    struct url url;
    return url_parse(request->arena, issuer, NULL, &url, NULL) &&
           str_eq(url_origin(request->arena, &url),
                  consent_visit_of(request)->consent.ticket.origin);
}

/* *ret_outcome: why there is nothing to exchange; NULL: there is a code. */
static struct str judge(struct api_request *request, const char **ret_outcome)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct str issuer = consent_field(request, "iss"), error = consent_field(request, "error");
    struct str description = consent_field(request, "error_description");
    *ret_outcome = NULL;
    if (issuer.data && !is_issuer(request, issuer))
        *ret_outcome = CONSENT_WRONG_ISSUER;
    else if (str_eq(error, STR("access_denied")))
        *ret_outcome = CONSENT_REFUSED;
    else if (error.data)
        *ret_outcome = CONSENT_VENDOR_ERROR;
    if (error.data)
        return clean(request, arena_printf(request->arena, "%.*s%s%.*s", STR_ARG(error),
                                           description.len > 0 ? ": " : "", STR_ARG(description)));
    if (!*ret_outcome && (visit->code.len == 0 || visit->code.len > CODE_MAX))
        *ret_outcome = CONSENT_VENDOR_ERROR;
    return STR_NULL;
}

/* The access key was asked for its rights when it made the link; it must still be there. */
static bool find_access_key(struct api_request *request, bool *ret_good)
{
    const struct consent *consent = &consent_visit_of(request)->consent;
    struct store *store = request->service->config.store;
    struct store_reader *reader;
    struct access_key key;
    struct access_limits limits = {0};
    bool found = false;
    *ret_good = false;
    if (!store_point_reader_take(store, &reader, &request->error))
        return false;
    bool ok = access_key_find(reader, request->arena, consent->ticket.access_key, &key, &found,
                              &request->error);
    store_point_reader_put(store, reader);
    if (!ok || !found)
        return ok;
    if (!access_limits_read(key.limits, request->arena, &limits, &request->error))
        return false;
    *ret_good = str_eq(key.account, consent->row.key.account) &&
                (limits.expires_at_ms == 0 || limits.expires_at_ms > clock_wall_ms());
    return true;
}

static const struct api_operation *operation_named(struct str name)
{
    for (size_t i = 0; i < api_operation_count; i++) {
        if (str_eq(api_operations[i].name, name))
            return &api_operations[i];
    }
    return NULL;
}

/* A change that is committed has ended the consent, and the other way round. */
static bool end_connected(struct db *db, const struct consent_use *use, struct error *error)
{
    const struct consent_row row = {.id = use->id, .outcome = STR(CONSENT_CONNECTED)};
    return consent_row_end(db, &row, error);
}

/* Makes the request what the API call would have been, with the code. */
static bool become_change(struct api_request *request, struct str state_secret)
{
    const struct consent *consent = &consent_visit_of(request)->consent;
    const struct consent_ticket *ticket = &consent->ticket;
    struct consent_use *use = arena_new(request->arena, struct consent_use);
    *use = (struct consent_use){
        .wish = {.redirect_uri = ticket->redirect_uri},
        .any_account = ticket->any_account,
        .version = ticket->version,
        .code = consent_visit_of(request)->code,
        .code_verifier = consent_verifier(request->arena, ticket->seed, state_secret),
        .scope = ticket->scope,
        .end = end_connected,
        .id = consent->row.id,
    };
    request->consent = use;
    request->caller = (struct sigv4_caller){
        .account = consent->row.key.account,
        .access_key_id = ticket->access_key_id,
        .region = consent->row.key.region,
        .service = STR("appflow"),
    };
    request->route = operation_named(ticket->operation);
    if (!request->route)
        return fail(&request->error, ERR_INTERNAL, "The operation of a link is not known.");
    request->operation = &request->service->operations[request->route - api_operations];
    return route_decode_input(request->route, request->route->uri, ticket->input, request->arena,
                              &request->input, &request->error);
}

void consent_callback_end(struct api_request *request)
{
    const struct consent_use *use = request->consent;
    struct str words = arena_copy(request->arena, str_from(request->error.message));
    int code = request->error.code;
    request->error = (struct error){0};
    consent_visit_of(request)->hooks.failed = code;
    if (code == ERR_THROTTLING || code == ERR_UNAVAILABLE || code == ERR_INTERNAL)
        log_write(LOG_WARN, str_from(request->request_id),
                  "The change of an authorization failed: "
                  "%.*s",
                  STR_ARG(words));
    if (code == ERR_NONE)
        consent_go_to_result(request); /* which ended with the change */
    else if (use && use->fault)
        end_with(request, use->fault, use->words);
    else if (code == ERR_CONNECTOR_AUTHENTICATION)
        end_with(request, CONSENT_REJECTED, words);
    else if (code == ERR_THROTTLING || code == ERR_UNAVAILABLE)
        end_with(request, CONSENT_BUSY, STR_NULL);
    else if (code == ERR_INTERNAL)
        end_with(request, CONSENT_FAILED, STR_NULL);
    else
        end_with(request, CONSENT_NOT_STORED, words);
}

/* True: another worker has the request. */
static bool take_answer(struct api_request *request, struct str state_secret)
{
    struct consent_visit *visit = consent_visit_of(request);
    const char *outcome;
    bool is_allowed;
    struct str words = judge(request, &outcome);
    if (!consent_take(&request->service->profiles, &visit->consent, &request->error)) {
        if (request->error.code == ERR_LOST_RACE) {
            request->error = (struct error){0};
            consent_go_to_result(request);
        }
        return false;
    }
    fault_point("consent:taken");
    if (outcome) {
        end_with(request, outcome, words);
        return false;
    }
    bool ok = find_access_key(request, &is_allowed);
    if (ok && !is_allowed) {
        end_with(request, CONSENT_NOT_ALLOWED, STR_NULL);
        return false;
    }
    if (ok && become_change(request, state_secret) && dispatch_visit_operation(request))
        return true;
    consent_callback_end(request);
    return false;
}

static bool is_path_of(struct str uri, struct str path)
{
    return str_ends(uri, path) && uri.len > path.len;
}

bool consent_callback_take(struct api_request *request, bool *ret_handed)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct str id, secret, state = consent_field(request, "state");
    bool found = false;
    *ret_handed = false;
    visit->code = consent_field(request, "code");
    if (state.data && consent_state_split(state, &id, &secret) &&
        !consent_find(&request->service->profiles, id, request->arena, &visit->consent, &found,
                      &request->error))
        return false;
    if (!found) {
        consent_show_end(request, CONSENT_WRONG_STATE, NULL);
        return true;
    }
    if (!belongs(request, secret))
        return true;
    if (!consent_open(&request->service->profiles, &visit->consent, request->arena,
                      &request->error))
        return false;
    if (!is_path_of(visit->consent.ticket.redirect_uri, visit->path)) {
        consent_show_end(request, CONSENT_WRONG_STATE, NULL);
        return true;
    }
    *ret_handed = take_answer(request, secret);
    return *ret_handed || visit->status != 0;
}
