/* Events of expat, with its parser stopped at what is refused. */
#include "wire/xml.h"

#include "base/alloc.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

struct xml_reader {
    struct xml_events events;
    XML_Parser parser;
    int depth;
    size_t silent; /* bytes since the last event */
    bool stopped;
};

static void stop(struct xml_reader *reader)
{
    reader->stopped = true;
    XML_StopParser(reader->parser, XML_FALSE);
}

static struct str local(const char *name)
{
    const char *colon = strchr(name, ':');
    return str_from(colon ? colon + 1 : name);
}

static void on_start(void *context, const char *name, const char **attributes)
{
    struct xml_reader *reader = context;
    reader->silent = 0;
    if (++reader->depth > XML_DEPTH_MAX ||
        !reader->events.start(reader->events.context, local(name), attributes))
        stop(reader);
}

static void on_end(void *context, const char *name)
{
    struct xml_reader *reader = context;
    reader->silent = 0;
    reader->depth--;
    if (!reader->events.end(reader->events.context, local(name)))
        stop(reader);
}

static void on_text(void *context, const char *text, int len)
{
    struct xml_reader *reader = context;
    reader->silent = 0;
    if (!reader->events.text(reader->events.context, (struct str){text, (size_t)len}))
        stop(reader);
}

static void on_doctype(void *context, const char *name, const char *system, const char *public,
                       int has_subset)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_subset;
    stop(context);
}

struct xml_reader *xml_reader_new(const struct xml_events *events)
{
    struct xml_reader *reader = xcalloc(1, sizeof(*reader));
    reader->events = *events;
    reader->parser = XML_ParserCreate(NULL);
    if (!reader->parser)
        abort(); /* no memory, as everywhere */
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader->parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader->parser, on_doctype);
    return reader;
}

void xml_reader_free(struct xml_reader *reader)
{
    if (!reader)
        return;
    XML_ParserFree(reader->parser);
    free(reader);
}

static bool parse(struct xml_reader *reader, struct str bytes, bool last)
{
    return !reader->stopped &&
           XML_Parse(reader->parser, bytes.data ? bytes.data : "", (int)bytes.len, last) ==
               XML_STATUS_OK &&
           !reader->stopped;
}

bool xml_reader_push(struct xml_reader *reader, struct str bytes)
{
    enum { PIECE = 16 * 1024 };
    for (size_t at = 0; at < bytes.len; at += PIECE) {
        struct str piece = {bytes.data + at, bytes.len - at < PIECE ? bytes.len - at : PIECE};
        reader->silent += piece.len;
        if (reader->silent > XML_SILENCE_MAX || !parse(reader, piece, false))
            return false;
    }
    return true;
}

bool xml_reader_end(struct xml_reader *reader)
{
    return parse(reader, STR(""), true);
}

struct str xml_attribute(const char **attributes, const char *name)
{
    for (size_t i = 0; attributes[i]; i += 2) {
        if (strcmp(attributes[i], name) == 0)
            return str_from(attributes[i + 1]);
    }
    return STR_NULL;
}
