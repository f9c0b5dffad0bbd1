/* A visit of a person's browser to the pages of /connect/ (api/consent_visit.h): what was read of
 * its request, and the answer that is made for it. */
#pragma once

#include "api/visit.h"
#include "profile/consent.h"

#define CONSENT_PREFIX "/connect/"
#define CONSENT_CALLBACK CONSENT_PREFIX "callback/"
#define CONSENT_RESULT CONSENT_PREFIX "result/"

struct consent_visit {
    struct api_visit hooks; /* what request->visit points to */
    bool is_post;
    bool is_https;
    struct str path;    /* of the target */
    struct str fields;  /* its query, or a form's body */
    struct str link;    /* of the link and the button */
    struct str browser; /* the cookie's value; STR_NULL: there is no good one */
    struct str code;    /* of the vendor's answer */
    struct consent consent;
    /* The answer. */
    int status;
    struct str page;
    struct str location;
    struct str refresh;
    bool sets_cookie;
};

struct consent_visit *consent_visit_of(const struct api_request *request);

/* --- reading --- */

/* A field of the query or form, decoded, in the arena; STR_NULL: it is not there, or is no good. */
struct str consent_field(struct api_request *request, const char *name);
/* The value of the browser's cookie; STR_NULL: there is none of the right form. */
struct str consent_cookie(struct api_request *request);

/* --- answering --- */

void consent_show(struct api_request *request, int status, struct str page);
/* `word`: of api/consent_outcome.h. `row`: what is shown of it; NULL: nothing. */
void consent_show_end(struct api_request *request, const char *word, const struct consent_row *row);
/* Sends the browser to the page that says how it ended, whose address holds no secret. */
void consent_go_to_result(struct api_request *request);
/* A failure of this side: logged, and the page tells nothing of it. */
void consent_show_failure(struct api_request *request);

/* For api_visit.answer. */
void consent_visit_answer(struct api_request *request, struct http_response *ret_response);
