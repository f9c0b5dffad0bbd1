/* Reading $metadata with XML events. Annotations may stand in what they are about, or apart with a
 * Target: both set the same. */
#include "connectors/sapodata/metadata.h"

#include "base/alloc.h"
#include "wire/xml.h"

#include <stdlib.h>

enum {
    PROPERTIES_MAX = 5000,         /* of one type, with its keys */
    STEPS_MAX = 100 * 1000 * 1000, /* of all searches in one document */
};
enum { HEAD_MAX = 64 * 1024 }; /* kept of an answer that is no such document */

struct odata_reader {
    struct odata_metadata *metadata;
    struct xml_reader *xml;
    struct buf *rest; /* the start of the answer, until it is known to be a document */
    bool is_document, is_broken, is_full;
    bool no_room; /* it is full since the arena has no room */
    size_t kept, steps;
    /* Where it is. */
    struct odata_type *type;
    struct odata_property *property;
    struct odata_set *set;
    bool in_key;
    struct str term; /* of the annotation at hand, without its namespace */
    bool in_path;    /* in the path of a property that cannot be filtered by */
    struct buf path;
};

/* --- what is kept --- */

static struct str keep(struct odata_reader *reader, struct str text)
{
    size_t most = reader->metadata->bytes_max ? reader->metadata->bytes_max : METADATA_BYTES_MAX;
    reader->kept += text.len + 1;
    reader->no_room = reader->no_room || !arena_has_room(reader->metadata->arena, text.len + 1024);
    reader->is_full = reader->is_full || reader->no_room || reader->kept > most;
    return text.data && !reader->is_full ? arena_copy(reader->metadata->arena, text) : STR_NULL;
}

static struct str last_of(struct str name, char separator)
{
    size_t at = name.len;
    while (at > 0 && name.data[at - 1] != separator)
        at--;
    return name.data ? (struct str){name.data + at, name.len - at} : STR_NULL;
}

const struct odata_set *odata_set_find(const struct odata_metadata *metadata, struct str name)
{
    struct odata_set *set = metadata->sets;
    while (set && !str_eq(set->name, name))
        set = set->next;
    return set;
}

const struct odata_type *odata_type_find(const struct odata_metadata *metadata, struct str name)
{
    struct odata_type *type = metadata->types;
    while (type && !str_eq(type->name, name))
        type = type->next;
    return type;
}

static struct odata_property *property_find(struct odata_reader *reader,
                                            const struct odata_type *type, struct str name)
{
    struct odata_property *property = type ? type->properties : NULL;
    for (; property && !str_eq(property->name, name); property = property->next)
        reader->steps++;
    reader->is_full = reader->is_full || reader->steps > STEPS_MAX;
    return property;
}

/* As odata_type_find and odata_set_find, with what they cost. */
static struct odata_type *type_find(struct odata_reader *reader, struct str name)
{
    struct odata_type *type = reader->metadata->types;
    for (; type && !str_eq(type->name, name); type = type->next)
        reader->steps++;
    return type;
}

static struct odata_set *set_find(struct odata_reader *reader, struct str name)
{
    struct odata_set *set = reader->metadata->sets;
    for (; set && !str_eq(set->name, name); set = set->next)
        reader->steps++;
    return set;
}

bool odata_is_key(const struct odata_type *type, struct str property)
{
    struct odata_property *key = type->keys;
    while (key && !str_eq(key->name, property))
        key = key->next;
    return key != NULL;
}

static bool is_false(const char **attributes, const char *name)
{
    return str_eq(xml_attribute(attributes, name), STR("false"));
}

static struct odata_limits limits_of(const char **attributes)
{
    return (struct odata_limits){
        .no_insert = is_false(attributes, "sap:creatable"),
        .no_update = is_false(attributes, "sap:updatable"),
        .no_filter = is_false(attributes, "sap:filterable"),
    };
}

static void add_type(struct odata_reader *reader, const char **attributes)
{
    struct odata_type *type = arena_new(reader->metadata->arena, struct odata_type);
    type->name = keep(reader, xml_attribute(attributes, "Name"));
    type->base = keep(reader, last_of(xml_attribute(attributes, "BaseType"), '.'));
    type->next = reader->metadata->types;
    reader->metadata->types = reader->type = type;
    reader->kept += sizeof(*type);
}

static void add_property(struct odata_reader *reader, const char **attributes)
{
    struct odata_property *property = arena_new(reader->metadata->arena, struct odata_property);
    property->name = keep(reader, xml_attribute(attributes, "Name"));
    property->type = keep(reader, xml_attribute(attributes, "Type"));
    property->label = keep(reader, xml_attribute(attributes, "sap:label"));
    property->nullable = !is_false(attributes, "Nullable");
    property->limits = limits_of(attributes);
    if (reader->type->last)
        reader->type->last->next = property;
    else
        reader->type->properties = property;
    reader->type->last = reader->property = property;
    reader->is_full = reader->is_full || ++reader->type->count > PROPERTIES_MAX;
    reader->kept += sizeof(*property);
}

static void add_set(struct odata_reader *reader, const char **attributes)
{
    struct odata_set *set = arena_new(reader->metadata->arena, struct odata_set);
    set->name = keep(reader, xml_attribute(attributes, "Name"));
    set->type = keep(reader, last_of(xml_attribute(attributes, "EntityType"), '.'));
    set->label = keep(reader, xml_attribute(attributes, "sap:label"));
    set->limits = limits_of(attributes);
    set->next = reader->metadata->sets;
    reader->metadata->sets = reader->set = set;
    reader->kept += sizeof(*set);
}

static void add_key(struct odata_reader *reader, const char **attributes)
{
    struct odata_property *key = arena_new(reader->metadata->arena, struct odata_property);
    key->name = keep(reader, xml_attribute(attributes, "Name"));
    key->next = reader->type->keys;
    reader->type->keys = key;
    reader->is_full = reader->is_full || ++reader->type->count > PROPERTIES_MAX;
    reader->kept += sizeof(*key);
}

/* --- annotations --- */

/* "NAMESPACE.Type/Property", "NAMESPACE.Container/Set". */
static void set_target(struct odata_reader *reader, struct str target)
{
    struct str owner = target, member = STR_NULL;
    str_cut(target, '/', &owner, &member);
    reader->type = type_find(reader, last_of(owner, '.'));
    reader->property = property_find(reader, reader->type, member);
    reader->set = set_find(reader, member);
    if (reader->type)
        reader->set = NULL;
}

static struct odata_limits *limits_at(struct odata_reader *reader)
{
    return reader->property ? &reader->property->limits : reader->set ? &reader->set->limits : NULL;
}

static void annotate(struct odata_reader *reader, const char **attributes)
{
    struct str term = last_of(xml_attribute(attributes, "Term"), '.');
    struct odata_limits *limits = limits_at(reader);
    bool holds = limits && !is_false(attributes, "Bool");
    struct str *label = reader->property ? &reader->property->label
                        : reader->set    ? &reader->set->label
                                         : NULL;
    reader->term = keep(reader, term);
    if (str_eq(term, STR("Label")) && label)
        *label = keep(reader, xml_attribute(attributes, "String"));
    else if (str_eq(term, STR("Computed")) && holds)
        limits->no_insert = limits->no_update = true;
    else if (str_eq(term, STR("Immutable")) && holds)
        limits->no_update = true;
}

static void restrict_set(struct odata_reader *reader, const char **attributes)
{
    struct str property = xml_attribute(attributes, "Property");
    if (!reader->set || !is_false(attributes, "Bool"))
        return;
    if (str_eq(property, STR("Insertable")))
        reader->set->limits.no_insert = true;
    else if (str_eq(property, STR("Updatable")))
        reader->set->limits.no_update = true;
    else if (str_eq(property, STR("Filterable")))
        reader->set->limits.no_filter = true;
}

static void end_path(struct odata_reader *reader)
{
    const struct odata_type *type = reader->set ? type_find(reader, reader->set->type) : NULL;
    struct odata_property *property = property_find(reader, type, buf_str(&reader->path));
    if (property && str_eq(reader->term, STR("FilterRestrictions")))
        property->limits.no_filter = true;
    reader->in_path = false;
}

/* --- events --- */

static bool on_start(void *context, struct str name, const char **attributes)
{
    struct odata_reader *reader = context;
    if (str_eq(name, STR("Edmx"))) {
        reader->is_document = true;
        reader->metadata->is_v4 = str_starts(xml_attribute(attributes, "Version"), STR("4"));
    } else if (str_eq(name, STR("EntityType")) || str_eq(name, STR("ComplexType")))
        add_type(reader, attributes);
    else if (str_eq(name, STR("Key")))
        reader->in_key = true;
    else if (str_eq(name, STR("PropertyRef")) && reader->in_key && reader->type)
        add_key(reader, attributes);
    else if (str_eq(name, STR("Property")) && reader->type)
        add_property(reader, attributes);
    else if (str_eq(name, STR("EntitySet")))
        add_set(reader, attributes);
    else if (str_eq(name, STR("Annotations")))
        set_target(reader, xml_attribute(attributes, "Target"));
    else if (str_eq(name, STR("Annotation")))
        annotate(reader, attributes);
    else if (str_eq(name, STR("PropertyValue")))
        restrict_set(reader, attributes);
    else if (str_eq(name, STR("PropertyPath"))) {
        reader->in_path = true;
        buf_clear(&reader->path);
    }
    return !reader->is_full;
}

static bool on_end(void *context, struct str name)
{
    struct odata_reader *reader = context;
    bool of_annotations = str_eq(name, STR("Annotations"));
    if (str_eq(name, STR("EntityType")) || str_eq(name, STR("ComplexType")) || of_annotations)
        reader->type = NULL;
    if (str_eq(name, STR("Property")) || of_annotations)
        reader->property = NULL;
    if (str_eq(name, STR("EntitySet")) || of_annotations)
        reader->set = NULL;
    if (str_eq(name, STR("Key")))
        reader->in_key = false;
    if (str_eq(name, STR("PropertyPath")))
        end_path(reader);
    return !reader->is_full;
}

static bool on_text(void *context, struct str text)
{
    struct odata_reader *reader = context;
    if (reader->in_path)
        buf_add(&reader->path, text);
    return true;
}

/* --- the answer --- */

static void begin(void *context, struct buf *rest)
{
    struct odata_reader *reader = context;
    const struct xml_events events = {on_start, on_end, on_text, reader};
    struct odata_metadata *metadata = reader->metadata;
    xml_reader_free(reader->xml);
    buf_done(&reader->path);
    *metadata = (struct odata_metadata){.arena = metadata->arena, .bytes_max = metadata->bytes_max};
    *reader = (struct odata_reader){
        .metadata = metadata,
        .xml = xml_reader_new(&events),
        .rest = rest,
        .path = buf_on_heap(1024),
    };
    buf_clear(rest);
}

/* What is no such document, such as a page for a logon, is left for the connector's rules. */
static bool push(void *context, struct str bytes, const char **ret_fault)
{
    struct odata_reader *reader = context;
    if (reader->rest->len < HEAD_MAX)
        buf_add(reader->rest, bytes);
    if (!reader->is_broken && !xml_reader_push(reader->xml, bytes))
        reader->is_broken = true;
    if (reader->is_full)
        *ret_fault = reader->no_room ? answer_no_memory : "the service's metadata is too long";
    return !reader->is_full;
}

static void end(void *context, struct buf *rest)
{
    struct odata_reader *reader = context;
    if (reader->is_broken || !xml_reader_end(reader->xml) || !reader->is_document)
        return;
    reader->metadata->is_whole = true;
    buf_clear(rest);
    buf_add_cstr(rest, "{}"); /* a good answer */
}

struct odata_reader *odata_reader_new(struct odata_metadata *metadata,
                                      struct answer_reader *ret_reader)
{
    struct odata_reader *reader = xcalloc(1, sizeof(*reader));
    reader->metadata = metadata;
    *ret_reader =
        (struct answer_reader){.begin = begin, .push = push, .end = end, .context = reader};
    return reader;
}

void odata_reader_free(struct odata_reader *reader)
{
    xml_reader_free(reader->xml);
    buf_done(&reader->path);
    free(reader);
}
