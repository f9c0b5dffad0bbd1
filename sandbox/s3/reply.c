/* Answers in S3's XML. */
#include "sandbox/s3/exchange.h"

#include "base/encode.h"

#include <errno.h>
#include <string.h>

struct str s3_parameter(const struct s3_exchange *exchange, const char *name)
{
    return parameters_get(exchange->parameters, str_from(name));
}

struct str s3_header(const struct s3_exchange *exchange, const char *name)
{
    const struct str *value = http_find_header(exchange->request->head, str_from(name));
    return value ? *value : STR_NULL;
}

void s3_add_header(struct s3_exchange *exchange, const char *name, struct str value)
{
    exchange->headers[exchange->header_count++] = (struct http_header){str_from(name), value};
}

void s3_add_etag(struct s3_exchange *exchange, const char *etag)
{
    s3_add_header(exchange, "ETag", arena_printf(exchange->arena, "\"%s\"", etag));
}

/* XML 1.0 has no way to write most control characters; S3 writes them as references all the same,
 * and clients ask for encoding-type=url. */
static void add_escaped(struct buf *xml, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c == '&')
            buf_add_cstr(xml, "&amp;");
        else if (c == '<')
            buf_add_cstr(xml, "&lt;");
        else if (c == '>')
            buf_add_cstr(xml, "&gt;");
        else if (c == '"')
            buf_add_cstr(xml, "&quot;");
        else if (c < 0x20)
            buf_printf(xml, "&#x%X;", (unsigned)c);
        else
            buf_add_char(xml, (char)c);
    }
}

void s3_xml_text(struct buf *xml, const char *name, struct str text)
{
    buf_printf(xml, "<%s>", name);
    add_escaped(xml, text);
    buf_printf(xml, "</%s>", name);
}

void s3_xml_number(struct buf *xml, const char *name, uint64_t number)
{
    buf_printf(xml, "<%s>", name);
    buf_add_u64(xml, number);
    buf_printf(xml, "</%s>", name);
}

void s3_xml_time(struct buf *xml, const char *name, struct timespec time)
{
    struct tm utc;
    char text[32];
    gmtime_r(&time.tv_sec, &utc);
    size_t len = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    buf_printf(xml, "<%s>%.*s.%03dZ</%s>", name, (int)len, text, (int)(time.tv_nsec / 1000000),
               name);
}

void s3_xml_key(struct s3_exchange *exchange, struct buf *xml, const char *name, struct str key)
{
    struct buf encoded = buf_in(exchange->arena, 3 * S3_KEY_MAX);
    if (str_eq(s3_parameter(exchange, "encoding-type"), STR("url"))) {
        encode_percent(&encoded, key, "/");
        key = buf_str(&encoded);
    }
    s3_xml_text(xml, name, key);
}

struct buf s3_begin_xml(struct s3_exchange *exchange, const char *root)
{
    struct buf xml = buf_in(exchange->arena, S3_REPLY_MAX);
    buf_printf(&xml,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
               root);
    return xml;
}

void s3_end_xml(struct s3_exchange *exchange, struct buf *xml, const char *root)
{
    buf_printf(xml, "</%s>", root);
    s3_add_header(exchange, "Content-Type", STR("application/xml"));
    exchange->status = 200;
    exchange->reply = buf_str(xml);
}

bool s3_refuse(struct s3_exchange *exchange, int status, const char *code, const char *message)
{
    struct buf xml = buf_in(exchange->arena, S3_REPLY_MAX);
    buf_add_cstr(&xml, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    s3_xml_text(&xml, "Code", str_from(code));
    s3_xml_text(&xml, "Message", str_from(message));
    if (exchange->bucket.data && utf8_is_valid(exchange->bucket))
        s3_xml_text(&xml, "BucketName", exchange->bucket);
    s3_xml_text(&xml, "RequestId", exchange->request_id);
    buf_add_cstr(&xml, "</Error>");
    exchange->header_count = 0;
    s3_add_header(exchange, "Content-Type", STR("application/xml"));
    exchange->status = status;
    exchange->reply = buf_str(&xml);
    return false;
}

bool s3_refuse_disk(struct s3_exchange *exchange)
{
    char text[128];
    int number = errno;
    return s3_refuse(exchange, 500, "InternalError",
                     arena_printf(exchange->arena, "The sandbox cannot write the object: %s.",
                                  strerror_r(number, text, sizeof(text)))
                         .data);
}

bool s3_refuse_no_key(struct s3_exchange *exchange)
{
    return s3_refuse(exchange, 404, "NoSuchKey", "The specified key does not exist.");
}
