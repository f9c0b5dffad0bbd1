/* Each visit is read on its loop and done on a worker, since it reads or writes the store. */
#include "api/consent_visit.h"

#include "api/answer.h"
#include "api/consent_answer.h"
#include "api/consent_callback.h"
#include "api/consent_outcome.h"
#include "api/consent_page.h"
#include "base/clock.h"

enum { WAIT_AGAIN_S = 1 }; /* between two looks at a result that is not there yet */

/* --- the link, and the button --- */

/* *ret_go_on: the person may authorize in this browser; else the answer is set. */
static bool look(struct api_request *request, bool *ret_go_on)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct consent *consent = &visit->consent;
    struct arena *arena = request->arena;
    bool found = false;
    *ret_go_on = false;
    if (!consent_find(&request->service->profiles, consent_id_of(arena, visit->link), arena,
                      consent, &found, &request->error))
        return false;
    bool is_begun = found && consent->row.browser.data;
    bool is_same =
        is_begun && visit->browser.data && consent_is_browser(consent, visit->browser, arena);
    if (!found)
        consent_show_end(request, CONSENT_UNKNOWN, NULL);
    else if (is_same && consent->row.stage >= CONSENT_TAKEN)
        consent_go_to_result(request);
    else if (consent->row.stage >= CONSENT_TAKEN)
        consent_show_end(request, CONSENT_USED, NULL);
    else if (consent_is_expired(consent))
        consent_show_end(request, CONSENT_EXPIRED, NULL);
    else if (is_begun && !is_same)
        consent_show_end(request, CONSENT_OTHER_BROWSER, NULL);
    else
        *ret_go_on = true;
    return !*ret_go_on ||
           consent_open(&request->service->profiles, consent, arena, &request->error);
}

static bool show_link(struct api_request *request)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct arena *arena = request->arena;
    bool go_on;
    if (!look(request, &go_on))
        return false;
    if (!go_on)
        return true;
    if (!visit->browser.data)
        visit->browser = consent_secret_new(arena);
    visit->sets_cookie = true;
    consent_show(request, 200,
                 consent_page_ask(arena, &visit->consent,
                                  consent_form_token(arena, visit->link, visit->browser)));
    return true;
}

/* Browsers say where a request comes from (Fetch Metadata); older ones do not. */
static bool is_own_form(struct api_request *request)
{
    struct consent_visit *visit = consent_visit_of(request);
    const struct str *site = http_find_header(&request->exchange->head, STR("Sec-Fetch-Site"));
    struct str token = consent_field(request, "token");
    return visit->browser.data && token.data && (!site || str_eq(*site, STR("same-origin"))) &&
           secret_bytes_eq(token, consent_form_token(request->arena, visit->link, visit->browser));
}

/* The page loads the vendor's address by itself: a redirect of the form would have to pass the
 * page's form-action on each host that the vendor redirects to. */
static bool press_button(struct api_request *request)
{
    struct consent_visit *visit = consent_visit_of(request);
    struct str url;
    bool go_on;
    if (!is_own_form(request)) {
        consent_show_end(request, CONSENT_NO_COOKIE, NULL);
        return true;
    }
    if (!look(request, &go_on) || !go_on)
        return request->error.code == ERR_NONE;
    if (!consent_ask(&request->service->profiles, &visit->consent, visit->browser, request->arena,
                     &url, &request->error)) {
        if (request->error.code != ERR_LOST_RACE)
            return false;
        request->error = (struct error){0};
        consent_show_end(request, CONSENT_OTHER_BROWSER, NULL);
        return true;
    }
    visit->refresh = arena_printf(request->arena, "0;url=%.*s", STR_ARG(url));
    consent_show(request, 200, consent_page_leave(request->arena, &visit->consent, url));
    return true;
}

/* --- the result --- */

static bool show_result(struct api_request *request)
{
    struct consent_visit *visit = consent_visit_of(request);
    const struct consent_row *row = &visit->consent.row;
    struct str id = visit->path;
    bool found = false;
    id = (struct str){id.data + sizeof(CONSENT_RESULT) - 1, id.len - (sizeof(CONSENT_RESULT) - 1)};
    if (!consent_find(&request->service->profiles, id, request->arena, &visit->consent, &found,
                      &request->error))
        return false;
    if (!found || row->stage < CONSENT_TAKEN) {
        consent_show_end(request, CONSENT_UNKNOWN, NULL);
    } else if (!visit->browser.data ||
               !consent_is_browser(&visit->consent, visit->browser, request->arena)) {
        consent_show_end(request, CONSENT_USED, NULL);
    } else if (row->stage == CONSENT_ENDED) {
        const struct consent_outcome *outcome = consent_outcome_of(row->outcome);
        consent_show(request, outcome->status, consent_page_end(request->arena, outcome, row));
    } else if (consent_is_interrupted(&request->service->profiles, &visit->consent)) {
        consent_show_end(request, CONSENT_INTERRUPTED, row);
    } else {
        visit->refresh = arena_printf(request->arena, "%d", WAIT_AGAIN_S);
        consent_show(request, 200, consent_page_wait(request->arena));
    }
    return true;
}

/* --- on a worker, and before --- */

static void visit_on_worker(void *argument)
{
    struct api_request *request = argument;
    struct consent_visit *visit = consent_visit_of(request);
    bool handed = false, done;
    if (str_starts(visit->path, STR(CONSENT_CALLBACK)))
        done = consent_callback_take(request, &handed);
    else if (str_starts(visit->path, STR(CONSENT_RESULT)))
        done = show_result(request);
    else
        done = visit->is_post ? press_button(request) : show_link(request);
    if (handed)
        return;
    if (!done)
        consent_show_failure(request);
    dispatch_visit_end(request);
}

static void respond_style(struct http_exchange *exchange)
{
    static const struct http_header headers[] = {
        {STR("Content-Type"), STR("text/css; charset=utf-8")},
        {STR("Cache-Control"), STR("max-age=300")},
        {STR("X-Content-Type-Options"), STR("nosniff")},
    };
    http_respond(exchange, &(struct http_response){.status = 200,
                                                   .headers = headers,
                                                   .header_count = 3,
                                                   .body = consent_style()});
}

/* Sets what the path means; false: nothing is at it. */
static bool read_path(struct consent_visit *visit)
{
    if (str_starts(visit->path, STR(CONSENT_CALLBACK)) ||
        str_starts(visit->path, STR(CONSENT_RESULT)))
        return !visit->is_post;
    visit->link = (struct str){visit->path.data + sizeof(CONSENT_PREFIX) - 1,
                               visit->path.len - (sizeof(CONSENT_PREFIX) - 1)};
    return consent_is_secret(visit->link);
}

static struct api_request *request_new(struct service *service, struct http_exchange *exchange)
{
    const struct http_head *head = &exchange->head;
    struct str public_url = service->config.public_url, path = head->target, query = STR_NULL;
    struct api_request *request = arena_new(&exchange->arena, struct api_request);
    struct consent_visit *visit = arena_new(&exchange->arena, struct consent_visit);
    *request = (struct api_request){
        .service = service,
        .exchange = exchange,
        .arena = &exchange->arena,
        .begun_us = clock_mono_us(),
        .visit = &visit->hooks,
    };
    random_uuid(request->request_id);
    str_cut(head->target, '?', &path, &query);
    bool is_post = str_eq(head->method, STR("POST"));
    *visit = (struct consent_visit){
        .hooks = {.end = consent_callback_end, .answer = consent_visit_answer},
        .is_post = is_post,
        .is_https =
            public_url.len > 0 ? str_starts(public_url, STR("https://")) : exchange->over_tls,
        .path = path,
        .fields = is_post ? exchange->body : query,
    };
    visit->browser = consent_cookie(request);
    return request;
}

bool consent_visit_begin(struct service *service, struct http_exchange *exchange)
{
    const struct http_head *head = &exchange->head;
    if (!str_starts(head->target, STR(CONSENT_PREFIX)))
        return false;
    struct api_request *request = request_new(service, exchange);
    bool reads = str_eq(head->method, STR("GET")) || str_eq(head->method, STR("HEAD"));
    if (reads && str_eq(consent_visit_of(request)->path, STR(CONSENT_STYLE_PATH))) {
        respond_style(exchange);
        return true;
    }
    if ((reads || consent_visit_of(request)->is_post) && read_path(consent_visit_of(request))) {
        dispatch_visit(request, visit_on_worker);
        return true;
    }
    consent_show_end(request, CONSENT_UNKNOWN, NULL);
    request_answer(request);
    return true;
}
