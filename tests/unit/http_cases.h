/* Raw requests and the one status each must get, for the parser alone and for the server. Refused
 * ones are whole requests where they can be: a lenient reader would answer 200. */
#pragma once

#include "base/str.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct http_case {
    const char *name;
    struct str request;
    int status;
    struct str body; /* decoded, when the status is 200 */
};

#define POST "POST /a HTTP/1.1\r\nHost: h\r\n"
#define GET "GET /a HTTP/1.1\r\nHost: h\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define PATTERN_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PATTERN_256 PATTERN_64 PATTERN_64 PATTERN_64 PATTERN_64

static const struct http_case http_cases[] = {
    /* What is accepted. */
    {"no body", STR(GET "\r\n"), 200, STR("")},
    {"a body", STR(POST "Content-Length: 7\r\n\r\n{\"a\":1}"), 200, STR("{\"a\":1}")},
    {"an empty body", STR(POST "Content-Length: 0\r\n\r\n"), 200, STR("")},
    {"blanks around a value", STR(POST "Content-Length: \t 7 \t\r\n\r\n1234567"), 200,
     STR("1234567")},
    {"no blank before a value", STR("GET / HTTP/1.1\r\nHost:h\r\n\r\n"), 200, STR("")},
    {"an empty value", STR(GET "X:\r\n\r\n"), 200, STR("")},
    {"bytes past ASCII in a value", STR(GET "X: \xC3\xA9\r\n\r\n"), 200, STR("")},
    {"names in any case", STR("POST / HTTP/1.1\r\nhOST: h\r\ncontent-LENGTH: 1\r\n\r\nx"), 200,
     STR("x")},
    {"chunks", STR(CHUNKED "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"), 200,
     STR("abc0123456789")},
    {"no chunk but the last", STR(CHUNKED "0\r\n\r\n"), 200, STR("")},
    {"chunk extensions", STR(CHUNKED "3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n"), 200, STR("abc")},
    {"trailers", STR(CHUNKED "3\r\nabc\r\n0\r\nX: y\r\nContent-Length: 9\r\nEmpty:\r\n\r\n"), 200,
     STR("abc")},
    {"chunked in capitals", STR(POST "Transfer-Encoding: Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), 200,
     STR("x")},
    {"upgrade is ignored", STR(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), 200,
     STR("")},
    {"HTTP/1.0", STR("GET / HTTP/1.0\r\nHost: h\r\n\r\n"), 200, STR("")},
    {"HTTP/1.0 without Host", STR("GET / HTTP/1.0\r\n\r\n"), 200, STR("")},
    {"expectation of HTTP/1.0 is ignored", STR("GET / HTTP/1.0\r\nExpect: x\r\n\r\n"), 200,
     STR("")},
    {"Host with port", STR("GET / HTTP/1.1\r\nHost: h.example:65535\r\n\r\n"), 200, STR("")},
    {"Host in brackets", STR("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 200, STR("")},
    {"brackets and a question mark in a query",
     STR("GET /-._~!$&'()*+,;=:@/%2F?/?page[size]=1"
         " HTTP/1.1\r\nHost: h\r\n\r\n"),
     200, STR("")},

    /* Absolute-form, which a client that is configured with a proxy sends. */
    {"absolute-form", STR("GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 200, STR("")},
    {"absolute-form with a port, a query and a body",
     STR("POST http://h.example:8620/a?b=c HTTP/1.1\r\nHost: h.example:8620\r\n"
         "Content-Length: 2\r\n\r\n{}"),
     200, STR("{}")},
    {"absolute-form without a path", STR("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"), 200, STR("")},
    {"absolute-form in capitals", STR("GET HTTP://H/a HTTP/1.1\r\nHost: h\r\n\r\n"), 200, STR("")},
    {"absolute-form with an IPv6 address",
     STR("GET http://[::1]:80/a HTTP/1.1\r\nHost: [::1]\r\n\r\n"), 200, STR("")},
    {"absolute-form for another Host", STR("GET http://h/ HTTP/1.1\r\nHost: i\r\n\r\n"), 200,
     STR("")},
    {"absolute-form of HTTP/1.0", STR("GET http://h/ HTTP/1.0\r\n\r\n"), 200, STR("")},
    {"absolute-form without Host", STR("GET http://h/ HTTP/1.1\r\n\r\n"), 400, STR("")},
    {"absolute-form with two Hosts", STR("GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
     400, STR("")},
    {"absolute-form with a malformed Host", STR("GET http://h/ HTTP/1.1\r\nHost: h:\r\n\r\n"), 400,
     STR("")},
    {"absolute-form without a host", STR("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with a user", STR("GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"absolute-form with a password", STR("GET http://u:p@h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with an empty port", STR("GET http://h:/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with a port past 65535", STR("GET http://h:65536/ HTTP/1.1\r\nHost: h\r\n\r\n"),
     400, STR("")},
    {"absolute-form with an open bracket", STR("GET http://[::1/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with a list of hosts", STR("GET http://h,i/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with an encoded host", STR("GET http://%68/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with a query and no path", STR("GET http://h?a HTTP/1.1\r\nHost: h\r\n\r\n"),
     400, STR("")},
    {"absolute-form with a fragment", STR("GET http://h/#a HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form with a backslash", STR("GET http://h\\/a HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"absolute-form of another scheme", STR("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"one slash after the scheme", STR("GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"no scheme before the host", STR("GET h/a HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},

    /* Two ways to tell where the body ends. */
    {"length and chunked",
     STR(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
              "0\r\n\r\n"),
     400, STR("")},
    {"chunked and length",
     STR(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
              "0\r\n\r\n"),
     400, STR("")},
    {"two lengths", STR(POST "Content-Length: 7\r\nContent-Length: 3\r\n\r\n1234567"), 400,
     STR("")},
    {"two equal lengths", STR(POST "Content-Length: 7\r\nContent-Length: 7\r\n\r\n1234567"), 400,
     STR("")},
    {"a list of lengths", STR(POST "Content-Length: 7, 7\r\n\r\n1234567"), 400, STR("")},
    {"gzip, chunked", STR(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400, STR("")},
    {"gzip, chunked and length",
     STR(POST "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"), 400,
     STR("")},
    {"gzip", STR(POST "Transfer-Encoding: gzip\r\n\r\n"), 400, STR("")},
    {"identity", STR(POST "Transfer-Encoding: identity\r\n\r\n"), 400, STR("")},
    {"xchunked", STR(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400, STR("")},
    {"chunked twice", STR(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"), 400,
     STR("")},
    {"quoted chunked", STR(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), 400, STR("")},
    {"two Transfer-Encoding",
     STR(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
     STR("")},
    {"empty Transfer-Encoding", STR(POST "Transfer-Encoding:\r\n\r\n"), 400, STR("")},
    {"chunked in HTTP/1.0",
     STR("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400,
     STR("")},

    /* Numbers that are none. */
    {"length +7", STR(POST "Content-Length: +7\r\n\r\n1234567"), 400, STR("")},
    {"length 7abc", STR(POST "Content-Length: 7abc\r\n\r\n1234567"), 400, STR("")},
    {"length 0x7", STR(POST "Content-Length: 0x7\r\n\r\n1234567"), 400, STR("")},
    {"length -1", STR(POST "Content-Length: -1\r\n\r\n"), 400, STR("")},
    {"length 1 0", STR(POST "Content-Length: 1 0\r\n\r\n1234567890"), 400, STR("")},
    {"length 7.0", STR(POST "Content-Length: 7.0\r\n\r\n1234567"), 400, STR("")},
    {"length 007", STR(POST "Content-Length: 007\r\n\r\n1234567"), 400, STR("")},
    {"empty length", STR(POST "Content-Length: \r\n\r\n"), 400, STR("")},
    {"a length past the limit", STR(POST "Content-Length: 262145\r\n\r\n"), 413, STR("")},
    {"a length past 64 bits", STR(POST "Content-Length: 18446744073709551623\r\n\r\n1234567"), 413,
     STR("")},
    {"a length of 2^64 - 1", STR(POST "Content-Length: 18446744073709551615\r\n\r\n"), 413,
     STR("")},

    /* Header syntax. */
    {"a space before the colon", STR(POST "Content-Length : 7\r\n\r\n1234567"), 400, STR("")},
    {"a tab before the colon", STR(POST "Content-Length\t: 7\r\n\r\n1234567"), 400, STR("")},
    {"NUL in a value", STR(GET "X: a\0b\r\n\r\n"), 400, STR("")},
    {"NUL in a name", STR(GET "X\0: a\r\n\r\n"), 400, STR("")},
    {"a control character in a name", STR(GET "X\x01: a\r\n\r\n"), 400, STR("")},
    {"a control character in a value", STR(GET "X: a\x1F\r\n\r\n"), 400, STR("")},
    {"DEL in a value", STR(GET "X: a\x7F\r\n\r\n"), 400, STR("")},
    {"a byte past ASCII in a name", STR(GET "X\xC3\xA9: a\r\n\r\n"), 400, STR("")},
    {"no name", STR(GET ": a\r\n\r\n"), 400, STR("")},
    {"no colon", STR(GET "X\r\n\r\n"), 400, STR("")},
    {"bare LF in headers", STR("GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n"), 400, STR("")},
    {"bare LF everywhere", STR("GET / HTTP/1.1\nHost: h\n\n"), 400, STR("")},
    {"bare LF at the end", STR("GET / HTTP/1.1\r\nHost: h\r\n\n"), 400, STR("")},
    {"bare CR in a value", STR(GET "X: a\rY: b\r\n\r\n"), 400, STR("")},
    {"bare CR in the request line", STR("GET / HTTP/1.1\rX: a\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"CR CR LF", STR("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"), 400, STR("")},
    {"obs-fold", STR(GET "X: a\r\n b\r\n\r\n"), 400, STR("")},
    {"obs-fold with a tab", STR(GET "X: a\r\n\tb\r\n\r\n"), 400, STR("")},
    {"a space before the first header", STR("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400, STR("")},

    /* Host. */
    {"no Host", STR("GET / HTTP/1.1\r\n\r\n"), 400, STR("")},
    {"two Hosts", STR("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400, STR("")},
    {"two equal Hosts", STR("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400, STR("")},
    {"two Hosts in HTTP/1.0", STR("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400, STR("")},
    {"empty Host", STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, STR("")},
    {"Host with a path", STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, STR("")},
    {"Host with a user", STR("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400, STR("")},
    {"Host with a blank", STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400, STR("")},
    {"Host as a list", STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400, STR("")},
    {"Host with a port past 65535", STR("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), 400, STR("")},
    {"Host with an empty port", STR("GET / HTTP/1.1\r\nHost: a:\r\n\r\n"), 400, STR("")},
    {"Host with an open bracket", STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400, STR("")},
    {"Host with bytes after the bracket", STR("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n"), 400,
     STR("")},

    /* Chunks. */
    {"chunk size x", STR(CHUNKED "x\r\n"), 400, STR("")},
    {"chunk size +3", STR(CHUNKED "+3\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"chunk size -3", STR(CHUNKED "-3\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"chunk size 0x3", STR(CHUNKED "0x3\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"no chunk size", STR(CHUNKED "\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"an extension for a size", STR(CHUNKED ";a\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"a blank before a chunk size", STR(CHUNKED " 3\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"a blank after a chunk size", STR(CHUNKED "3 \r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"a blank before an extension", STR(CHUNKED "3 ;a\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"a chunk size past 64 bits", STR(CHUNKED "10000000000000003\r\nabc\r\n0\r\n\r\n"), 400,
     STR("")},
    {"a chunk size of 17 digits", STR(CHUNKED "00000000000000003\r\nabc\r\n0\r\n\r\n"), 400,
     STR("")},
    {"a chunk past the body's limit", STR(CHUNKED "FFFFFFFFFFFFFFFF\r\n"), 413, STR("")},
    {"chunks past the body's limit", STR(CHUNKED "1\r\nx\r\n40000\r\n"), 413, STR("")},
    {"bare LF after a chunk size", STR(CHUNKED "3\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"CR without LF after a chunk size", STR(CHUNKED "3\rxabc\r\n0\r\n\r\n"), 400, STR("")},
    {"bare LF in an extension", STR(CHUNKED "3;a\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"a control character in an extension", STR(CHUNKED "3;a\x01\r\nabc\r\n0\r\n\r\n"), 400,
     STR("")},
    {"a long extension", STR(CHUNKED "3;" PATTERN_256 "\r\nabc\r\n0\r\n\r\n"), 400, STR("")},
    {"no CRLF after a chunk", STR(CHUNKED "3\r\nabc0\r\n\r\n"), 400, STR("")},
    {"bare LF after a chunk", STR(CHUNKED "3\r\nabc\n0\r\n\r\n"), 400, STR("")},
    {"a longer chunk than said", STR(CHUNKED "3\r\nabcd\r\n0\r\n\r\n"), 400, STR("")},
    {"a trailer without a colon", STR(CHUNKED "0\r\nX\r\n\r\n"), 400, STR("")},
    {"a trailer without a name", STR(CHUNKED "0\r\n: y\r\n\r\n"), 400, STR("")},
    {"a folded trailer", STR(CHUNKED "0\r\nX: y\r\n z\r\n\r\n"), 400, STR("")},
    {"a control character in a trailer", STR(CHUNKED "0\r\nX: \x01\r\n\r\n"), 400, STR("")},
    {"bare LF after a trailer", STR(CHUNKED "0\r\nX: y\n\r\n"), 400, STR("")},
    {"bare LF after the trailers", STR(CHUNKED "0\r\n\n"), 400, STR("")},
    {"CR without LF after the trailers", STR(CHUNKED "0\r\n\rX"), 400, STR("")},

    /* The request line. */
    {"an empty line first", STR("\r\n" GET "\r\n"), 400, STR("")},
    {"LF first", STR("\n" GET "\r\n"), 400, STR("")},
    {"a blank first", STR(" GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a lower-case method", STR("get / HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a method that is no token", STR("GE(T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a method of 33 letters",
     STR("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\nHost: "
         "h\r\n\r\n"),
     400, STR("")},
    {"TLS to a plain port", STR("\x16\x03\x01\x02"), 400, STR("")},
    {"asterisk-form", STR("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"authority-form", STR("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"no target", STR("GET HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"two blanks before the target", STR("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"two blanks after the target", STR("GET /  HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a blank at the end", STR("GET / HTTP/1.1 \r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a tab for a blank", STR("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a blank in the target", STR("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a control character in the target", STR("GET /a\x01 HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"NUL in the target", STR("GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a byte past ASCII in the target", STR("GET /\xC3\xA9 HTTP/1.1\r\nHost: h\r\n\r\n"), 400,
     STR("")},
    {"a fragment", STR("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a backslash in the target", STR("GET /a\\b HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a percent sign alone", STR("GET /a% HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"a percent-encoding that is none", STR("GET /%4g HTTP/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"HTTP/0.9", STR("GET /\r\n"), 400, STR("")},
    {"HTTP/0.9 with headers", STR("GET /\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"HTTP/2's preface", STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, STR("")},
    {"HTTP/1.2", STR("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), 505, STR("")},
    {"HTTP/3.0", STR("GET / HTTP/3.0\r\nHost: h\r\n\r\n"), 505, STR("")},
    {"HTTP/1", STR("GET / HTTP/1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"HTTP/1.10", STR("GET / HTTP/1.10\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"HTTP/01.1", STR("GET / HTTP/01.1\r\nHost: h\r\n\r\n"), 400, STR("")},
    {"lower-case http", STR("GET / http/1.1\r\nHost: h\r\n\r\n"), 400, STR("")},

    /* Expectations. */
    {"another expectation", STR(POST "Expect: 200-ok\r\nContent-Length: 0\r\n\r\n"), 417, STR("")},
    {"a list of expectations", STR(POST "Expect: 100-continue, x\r\nContent-Length: 0\r\n\r\n"),
     417, STR("")},
    {"two expectations",
     STR(POST "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"), 400,
     STR("")},
};

enum {
    HTTP_CASE_COUNT = sizeof(http_cases) / sizeof(*http_cases),
    HTTP_BIG_COUNT = 10,
    HTTP_BIG_MAX = 80 * 1024, /* bytes of a big case */
};

static void append_repeated(char *out, size_t *len, char c, size_t count)
{
    memset(out + *len, c, count);
    *len += count;
}

static void append(char *out, size_t *len, const char *text)
{
    size_t size = strlen(text);
    memcpy(out + *len, text, size);
    *len += size;
}

static void build_header(char *out, size_t *len, size_t size)
{
    append(out, len, GET "X: ");
    append_repeated(out, len, 'x', size);
    append(out, len, "\r\n\r\n");
}

static void build_headers(char *out, size_t *len, int count)
{
    append(out, len, GET); /* Host is one of them */
    for (int i = 1; i < count; i++)
        *len += (size_t)sprintf(out + *len, "X-%d: y\r\n", i);
    append(out, len, "\r\n");
}

static void build_target(char *out, size_t *len, size_t size, const char *end)
{
    append(out, len, "GET /");
    append_repeated(out, len, 'x', size - 1);
    append(out, len, end);
}

static void build_trailer(char *out, size_t *len, size_t size)
{
    append(out, len, CHUNKED "0\r\nX: ");
    append_repeated(out, len, 'x', size);
    append(out, len, "\r\n\r\n");
}

/* Cases that are too long to write out; `out` has HTTP_BIG_MAX bytes. */
static struct http_case http_big_case(int index, char *out)
{
    static const char end[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_case big = {.status = 200, .body = STR("")};
    size_t len = 0;
    switch (index) {
    case 0:
        build_header(out, &len, 20 * 1024);
        big.name = "a header of 20 KB";
        break;
    case 1:
        build_header(out, &len, 70 * 1024);
        big.name = "a header of 70 KB";
        big.status = 431;
        break;
    case 2:
        build_headers(out, &len, 100);
        big.name = "100 headers";
        break;
    case 3:
        build_headers(out, &len, 101);
        big.name = "101 headers";
        big.status = 431;
        break;
    case 4:
        build_target(out, &len, 8 * 1024, end);
        big.name = "a target of 8 KB";
        break;
    case 5:
        build_target(out, &len, 8 * 1024 + 1, end);
        big.name = "a target of 8 KB and a byte";
        big.status = 414;
        break;
    case 6:
        build_target(out, &len, 40 * 1024, "");
        big.name = "a target without end";
        big.status = 414;
        break;
    case 7:
        build_trailer(out, &len, 4000);
        big.name = "a trailer of 4,000 bytes";
        break;
    case 8:
        build_trailer(out, &len, 5000);
        big.name = "a trailer of 5,000 bytes";
        big.status = 413;
        break;
    default:
        build_header(out, &len, 32 * 1024 - sizeof(GET "X: \r\n\r\n"));
        big.name = "a head of 32 KB less a byte";
        break;
    }
    big.request = (struct str){out, len};
    return big;
}
