/* The one place that knows the XML library (expat): a text that comes in pieces, as events. What a
 * peer could blow up is refused: a document type, and with it every entity but XML's own five, and
 * depth and length past the limits below. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    XML_DEPTH_MAX = 64,
    XML_SILENCE_MAX = 256 * 1024, /* bytes between two events: a name, a value, a text */
};

struct xml_events {
    /* Names are local, without their prefix. `attributes`: name and value in turn, names with the
     * prefix that the text has, ended by NULL. False: no more is wanted, as a limit was reached. */
    bool (*start)(void *context, struct str name, const char **attributes);
    bool (*end)(void *context, struct str name);
    bool (*text)(void *context, struct str text); /* a text may come in several pieces */
    void *context;
};

struct xml_reader; /* on the heap */

struct xml_reader *xml_reader_new(const struct xml_events *events);
void xml_reader_free(struct xml_reader *reader); /* NULL: nothing */
/* False: not XML to our strictness, or an event returned false. */
bool xml_reader_push(struct xml_reader *reader, struct str bytes);
/* After the last piece: whether the document was whole. */
bool xml_reader_end(struct xml_reader *reader);

/* The attribute of that name, as the text has it; STR_NULL: there is none. */
struct str xml_attribute(const char **attributes, const char *name);
