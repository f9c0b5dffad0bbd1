/* A vendor as the sandbox plays it: what its sandbox.json says, checked and ready to be answered
 * from. docs/sandbox.md describes the file. */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "net/http1/parser.h"
#include "sandbox/records/sample.h"
#include "wire/value.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    VENDOR_FILE_MAX = 512 * 1024, /* bytes */
    VENDOR_ITEMS_MAX = 256,       /* hosts, routes, responses, credentials, …, each */
    VENDOR_TEXT_MAX = 64 * 1024,  /* bytes of a response's body before padding */
    VENDOR_PATTERN_MAX = 1024,    /* bytes */
    VENDOR_PARTS_MAX = 4,         /* of one credential */
    VENDOR_STEPS_MAX = 8,         /* of one credential's outcomes */
    VENDOR_PAD_MAX = 8 * 1024 * 1024,
    VENDOR_DELAY_MS_MAX = 10 * 60 * 1000,
};

/* Outcomes that the engine itself names; a file adds its own ("throttled", "forbidden"). */
enum vendor_outcome {
    OUTCOME_ACCEPTED,
    OUTCOME_REJECTED,  /* whatever the file does not list */
    OUTCOME_ANONYMOUS, /* no credential at all; as OUTCOME_REJECTED unless the file says otherwise
                        */
    OUTCOME_ROTATING,  /* a refresh token that dies when used, and comes back as another */
    /* What the OAuth server refuses for. */
    OUTCOME_BAD_REQUEST, /* a parameter is missing, twice there, or the body cannot be read */
    OUTCOME_UNKNOWN_GRANT,
    OUTCOME_UNKNOWN_CLIENT,
    OUTCOME_WRONG_SECRET,
    OUTCOME_WRONG_CLIENT, /* a credential that was given to another client */
    OUTCOME_UNKNOWN_CODE,
    OUTCOME_USED_CODE,
    OUTCOME_EXPIRED_CODE,   /* as OUTCOME_UNKNOWN_CODE unless the file says otherwise; */
    OUTCOME_WRONG_VERIFIER, /* …this too: PKCE's, or one is missing */
    OUTCOME_WRONG_REDIRECT_URI,
    OUTCOME_UNKNOWN_REFRESH_TOKEN,
    OUTCOME_USED_REFRESH_TOKEN,
    OUTCOME_BAD_ASSERTION,
    OUTCOME_EXPIRED_ASSERTION,
    OUTCOME_WRONG_AUDIENCE,
    OUTCOME_UNKNOWN_SUBJECT,
    OUTCOME_UNKNOWN_USER, /* …or a wrong password */
    OUTCOME_WRONG_HOST,   /* a grant that this host does not give */
    OUTCOME_OWN,          /* the first of the file's own */
    OUTCOMES_MAX = 96,
};

enum vendor_fault {
    FAULT_NONE,
    FAULT_RESET,    /* the connection is reset instead of an answer */
    FAULT_TRUNCATE, /* …after the head and half of the body */
};

/* The language in which records are asked for (records/dialect.h). */
enum records_dialect {
    RECORDS_SOQL,
    RECORDS_QUERY_JOB,
    RECORDS_LIST,
    RECORDS_EXPORT,
    RECORDS_TABLE,
    RECORDS_ODATA_2,
    RECORDS_ODATA_4,
    RECORDS_PAGES,
    RECORDS_VQL,
    RECORDS_EXTRACT,
    RECORDS_REPORT,
    RECORDS_HOURS,
    /* From here on they write. */
    RECORDS_COLLECTION,
    RECORDS_ROW,
    RECORDS_BULK,
    RECORDS_BULK_LONE,
    RECORDS_JOB,
    RECORDS_ODATA_2_WRITE,
    RECORDS_ODATA_4_WRITE,
    RECORDS_SYNC,
    RECORDS_COPY_INTO, /* from here on there are no records of the vendor's */
    RECORDS_COPY,
};

struct records_pages;

struct records_reply {
    enum records_dialect dialect;
    size_t page; /* records of one, unless the client asks for another number; of a write at most */
    size_t page_least, page_most; /* bounds of what it asks for */
    const struct str *without;    /* fields that records do not have in this answer */
    size_t without_count;
    struct str entity;                 /* STR_NULL: the path says */
    struct str order;                  /* the time by which an export, or hours, go */
    const struct records_pages *pages; /* of RECORDS_PAGES; records/pages.h */
};

struct sandbox_response {
    struct str name;
    int status;
    const struct http_header *headers;
    size_t header_count;
    struct str body;                     /* as sent, unless `template` */
    const struct value *template;        /* NULL: the body is always the same */
    const struct records_reply *records; /* the body is made of records; NULL: it is not */
    size_t pad_bytes;                    /* blanks after the body */
    int64_t delay_ms;
    enum vendor_fault fault;
};

/* One place of a request. */
enum part_kind {
    PART_BASIC,
    PART_SCHEME,
    PART_HEADER,
    PART_QUERY,
    PART_FORM,
    PART_JSON,
    PART_SIGNED
};
struct request_part {
    enum part_kind kind;
    /* Scheme, header, parameter, or members joined by dots; "" for basic; for signed the header
     * with the date, a colon, the secret. */
    struct str name;
};

struct vendor_match {
    struct request_part part;
    struct str pattern;
};

struct vendor_rule {
    struct str pattern;
    uint8_t
        steps[VENDOR_STEPS_MAX]; /* outcomes: the first use, the second, …; the last one stays */
    size_t step_count;
    struct str client; /* only for this OAuth client; STR_NULL: any */
};

struct vendor_rules {
    const struct vendor_rule *items; /* whole values first, then the longest pattern */
    size_t count;
};

struct vendor_route {
    struct str method;
    struct str path;
    const struct vendor_match *matches; /* all must hold */
    size_t match_count;
    const struct sandbox_response *answer; /* to whomever; NULL: by credential */
    struct request_part parts[VENDOR_PARTS_MAX];
    size_t part_count;
    struct vendor_rules rules;
    const struct sandbox_response *answers[OUTCOMES_MAX]; /* by outcome; NULL: cannot happen */
};

struct vendor_client {
    struct str id;
    struct str secret;
};

/* The page on which a person authorizes (authorize.c). */
struct vendor_authorize {
    struct str path;
    const struct str
        *callbacks; /* patterns of paths, segment by segment: where a redirect may go */
    size_t callback_count;
    bool takes_pkce;            /* and wants it: S256 (RFC 7636) */
    struct str issuer;          /* sent as `iss` (RFC 9207); STR_NULL: none is */
    struct str scope_parameter; /* what the vendor calls it */
    struct str denied;          /* error_description of a refusal; STR_NULL: none */
    uint8_t outcome;            /* of the codes that are given out */
};

struct vendor_oauth {
    struct str path;
    const struct vendor_authorize *authorize; /* NULL: no page */
    bool takes_form, takes_json;              /* how parameters may come */
    bool takes_basic;                         /* client id and secret may come as HTTP Basic */
    struct str default_grant; /* meant when there is no grant_type; STR_NULL: it must be there */
    const struct vendor_client *clients;
    size_t client_count;
    const struct str *redirect_uris; /* patterns */
    size_t redirect_uri_count;
    bool grants_code, grants_refresh, grants_client, grants_jwt, grants_password;
    struct vendor_rules codes;
    struct vendor_rules refresh_tokens;
    struct vendor_rules subjects; /* of assertions */
    struct vendor_rules users;    /* "user:password" */
    const struct str *audiences;  /* patterns */
    size_t audience_count;
    const struct str *client_hosts; /* where client_credentials is given; none: everywhere */
    size_t client_host_count;
    const struct vendor_match *instance_urls; /* by pattern of the host: part.name is the URL */
    size_t instance_url_count;
    const struct sandbox_response *answers[OUTCOMES_MAX];
};

/* A configuration that shows an outcome of Headgate, ready to send. */
struct vendor_profile {
    struct str name;
    struct str shows;
    const struct value *config; /* strings may hold placeholders */
};

struct vendor {
    struct str name;   /* the connector's type */
    struct str issuer; /* whose tokens are taken here; its own name unless it shares a login */
    const struct str *hosts;
    size_t host_count;
    struct str outcomes[OUTCOMES_MAX];
    size_t outcome_count;
    const struct sandbox_response *responses;
    size_t response_count;
    const struct sandbox_response *not_found;
    const struct vendor_route *routes;
    size_t route_count;
    const struct vendor_oauth *oauth; /* NULL: none */
    const struct vendor_profile *profiles;
    size_t profile_count;
    const struct sample_set *records; /* NULL: none */
};

/* Reads and checks a file; everything it holds must make sense, or ERR_VALIDATION says what does
 * not and where. `file` is its name for messages. Memory is the arena's; `json` must live on. */
_must_use_ bool vendor_load(struct str file, struct str json, struct arena *arena,
                            struct vendor **ret_vendor, struct error *error);

/* The placeholders of responses: access_token, refresh_token, instance_url, origin, host, now_s,
 * now_ms. */
bool vendor_is_response_placeholder(struct str name);
