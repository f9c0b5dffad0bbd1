/* The contract's answers as tables of members; one walker checks an answer against its table. */
#include "connector/custom/contract_checks.h"

#include "wire/json_value.h"

enum {
    IDENTIFIER_MAX = 4 * 128, /* bytes: 128 characters of the API's Name, Identifier and Label */
    DESCRIPTION_MAX = 2048,
    TEXT_MAX = 4096,
    ENTITIES_MAX = 10 * 1000, /* of a page */
    FIELDS_MAX = 10 * 1000,
    WORDS_MAX = 64,
    TEXTS_MAX = 10 * 1000, /* such as the values that a field may have */
    PROPERTIES_MAX = 1000,
    CACHE_MAX_S = 366 * 24 * 60 * 60,
};

enum member_kind {
    MEMBER_TEXT,
    MEMBER_NEEDED_TEXT,
    MEMBER_FLAG,
    MEMBER_NEEDED_FLAG,
    MEMBER_NUMBER,
    MEMBER_WORD,   /* one of `words` */
    MEMBER_WORDS,  /* a list of them */
    MEMBER_TEXTS,  /* a list of texts */
    MEMBER_OBJECT, /* of `members` */
    MEMBER_NEEDED_OBJECT,
    MEMBER_OBJECTS, /* a list of these */
    MEMBER_NEEDED_OBJECTS,
    MEMBER_MAP, /* of any names and values */
};

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

struct member {
    const char *name; /* NULL: the end */
    enum member_kind kind;
    size_t max; /* bytes of a text, each one of a list; items of a list of objects */
    const char *const *words;
    const struct member *members;
};

#define OPERATORS                                                                                  \
    WORDS("PROJECTION", "LESS_THAN", "GREATER_THAN", "CONTAINS", "BETWEEN",                        \
          "LESS_THAN_OR_EQUAL_TO", "GREATER_THAN_OR_EQUAL_TO", "EQUAL_TO", "NOT_EQUAL_TO",         \
          "ADDITION", "MULTIPLICATION", "DIVISION", "SUBTRACTION", "MASK_ALL", "MASK_FIRST_N",     \
          "MASK_LAST_N", "VALIDATE_NON_NULL", "VALIDATE_NON_ZERO", "VALIDATE_NON_NEGATIVE",        \
          "VALIDATE_NUMERIC", "NO_OP")
#define DATA_TYPES                                                                                 \
    WORDS("String", "Integer", "Float", "Double", "Long", "Short", "BigInteger", "BigDecimal",     \
          "ByteArray", "Boolean", "Date", "DateTime", "Struct", "Map", "List")
#define OPERATIONS WORDS("INSERT", "UPDATE", "UPSERT", "DELETE")

static const struct member cache_members[] = {
    {"timeToLive", .kind = MEMBER_NUMBER},
    {"timeToLiveUnit", .kind = MEMBER_WORD,
     .words = WORDS("NANOSECONDS", "MICROSECONDS", "MILLISECONDS", "SECONDS", "MINUTES", "HOURS",
                    "DAYS")},
    {0},
};

static const struct member entity_members[] = {
    {"entityIdentifier", .kind = MEMBER_NEEDED_TEXT, .max = IDENTIFIER_MAX},
    {"hasNestedEntities", .kind = MEMBER_NEEDED_FLAG},
    {"isWritable", .kind = MEMBER_FLAG},
    {"label", .kind = MEMBER_TEXT, .max = IDENTIFIER_MAX},
    {"description", .kind = MEMBER_TEXT, .max = DESCRIPTION_MAX},
    {"customProperties", .kind = MEMBER_MAP, .max = PROPERTIES_MAX},
    {0},
};

static const struct member range_members[] = {
    {"minRange", .kind = MEMBER_NUMBER},
    {"maxRange", .kind = MEMBER_NUMBER},
    {0},
};

static const struct member constraint_members[] = {
    {"allowedLengthRange", .kind = MEMBER_OBJECT, .members = range_members},
    {"allowedValueRange", .kind = MEMBER_OBJECT, .members = range_members},
    {"allowedValues", .kind = MEMBER_TEXTS, .max = IDENTIFIER_MAX},
    {"allowedValuesRegexPattern", .kind = MEMBER_TEXT, .max = TEXT_MAX},
    {"allowedDateFormat", .kind = MEMBER_TEXT, .max = TEXT_MAX},
    {0},
};

static const struct member read_members[] = {
    {"isRetrievable", .kind = MEMBER_FLAG},
    {"isNullable", .kind = MEMBER_FLAG},
    {"isQueryable", .kind = MEMBER_FLAG},
    {"isTimestampFieldForIncrementalQueries", .kind = MEMBER_FLAG},
    {0},
};

static const struct member write_members[] = {
    {"isCreatable", .kind = MEMBER_FLAG},
    {"isUpdatable", .kind = MEMBER_FLAG},
    {"isNullable", .kind = MEMBER_FLAG},
    {"isUpsertable", .kind = MEMBER_FLAG},
    {"isDefaultedOnCreate", .kind = MEMBER_FLAG},
    {"supportedWriteOperations", .kind = MEMBER_WORDS, .words = OPERATIONS},
    {0},
};

static const struct member field_members[] = {
    {"fieldName", .kind = MEMBER_NEEDED_TEXT, .max = IDENTIFIER_MAX},
    {"dataType", .kind = MEMBER_WORD, .words = DATA_TYPES},
    {"dataTypeLabel", .kind = MEMBER_TEXT, .max = IDENTIFIER_MAX},
    {"label", .kind = MEMBER_TEXT, .max = IDENTIFIER_MAX},
    {"description", .kind = MEMBER_TEXT, .max = DESCRIPTION_MAX},
    {"isPrimaryKey", .kind = MEMBER_FLAG},
    {"defaultValue", .kind = MEMBER_TEXT, .max = DESCRIPTION_MAX},
    {"isDeprecated", .kind = MEMBER_FLAG},
    {"constraints", .kind = MEMBER_OBJECT, .members = constraint_members},
    {"readProperties", .kind = MEMBER_OBJECT, .members = read_members},
    {"writeProperties", .kind = MEMBER_OBJECT, .members = write_members},
    {"filterOperators", .kind = MEMBER_WORDS, .words = OPERATORS},
    {"customProperties", .kind = MEMBER_MAP, .max = PROPERTIES_MAX},
    {0},
};

static const struct member definition_members[] = {
    {"entity", .kind = MEMBER_NEEDED_OBJECT, .members = entity_members},
    {"fields", .kind = MEMBER_NEEDED_OBJECTS, .max = FIELDS_MAX, .members = field_members},
    {"customProperties", .kind = MEMBER_MAP, .max = PROPERTIES_MAX},
    {0},
};

static const struct member result_members[] = {
    {"isSuccess", .kind = MEMBER_NEEDED_FLAG},
    {"recordId", .kind = MEMBER_TEXT, .max = TEXT_MAX},
    {"errorMessage", .kind = MEMBER_TEXT, .max = TEXT_MAX},
    {0},
};

static const struct member settings_answer[] = {
    {"errorsByInputField", .kind = MEMBER_MAP, .max = PROPERTIES_MAX},
    {0},
};

static const struct member list_answer[] = {
    {"entities", .kind = MEMBER_OBJECTS, .max = ENTITIES_MAX, .members = entity_members},
    {"cacheControl", .kind = MEMBER_OBJECT, .members = cache_members},
    {0},
};

static const struct member describe_answer[] = {
    {"entityDefinition", .kind = MEMBER_NEEDED_OBJECT, .members = definition_members},
    {"cacheControl", .kind = MEMBER_OBJECT, .members = cache_members},
    {0},
};

static const struct member write_answer[] = {
    {"writeRecordResults", .kind = MEMBER_OBJECTS, .max = CONTRACT_RECORDS_MAX,
     .members = result_members},
    {0},
};

static const struct member none[] = {{0}};

static const struct member *const answers[CONTRACT_FUNCTIONS] = {
    [CONTRACT_DESCRIBE_CONFIGURATION] = none,
    [CONTRACT_VALIDATE_SETTINGS] = settings_answer,
    [CONTRACT_VALIDATE_CREDENTIALS] = none,
    [CONTRACT_LIST_ENTITIES] = list_answer,
    [CONTRACT_DESCRIBE_ENTITY] = describe_answer,
    [CONTRACT_QUERY_DATA] = none,
    [CONTRACT_RETRIEVE_DATA] = none,
    [CONTRACT_WRITE_DATA] = write_answer,
};

/* --- the walker --- */

static void check_members(const struct contract_place *object, const struct member *members);

static void check_word(const struct contract_place *place, const char *const *words)
{
    size_t count = 0;
    while (words[count])
        count++;
    contract_word(place, words, count);
}

static void check_item(const struct contract_place *item, const struct member *member)
{
    if (member->kind == MEMBER_WORDS) {
        check_word(item, member->words);
    } else if (member->kind == MEMBER_TEXTS) {
        contract_place_text(item, member->max);
    } else if (item->value->kind != VALUE_STRUCTURE) {
        contract_fault(item, "an object");
    } else {
        check_members(item, member->members);
    }
}

static void check_list(const struct contract_place *parent, const struct member *member)
{
    bool needed = member->kind == MEMBER_NEEDED_OBJECTS;
    size_t max = member->kind == MEMBER_WORDS   ? WORDS_MAX
                 : member->kind == MEMBER_TEXTS ? TEXTS_MAX
                                                : member->max;
    struct contract_place list = contract_list(parent, member->name, max);
    if (needed && !contract_member(parent, member->name).value)
        contract_fault(&list, "a list");
    for (size_t i = 0; i < contract_count(&list); i++) {
        struct contract_place item = contract_item(&list, i);
        check_item(&item, member);
    }
}

static void check_object(const struct contract_place *parent, const struct member *member)
{
    struct contract_place object = contract_object(parent, member->name);
    if (member->kind == MEMBER_NEEDED_OBJECT && !contract_member(parent, member->name).value)
        contract_fault(&object, "an object");
    if (object.value && member->kind != MEMBER_MAP)
        check_members(&object, member->members);
}

static void check_flag(const struct contract_place *parent, const struct member *member)
{
    struct contract_place flag = contract_member(parent, member->name);
    if (!flag.value && member->kind == MEMBER_NEEDED_FLAG)
        contract_fault(&flag, "a boolean");
    contract_flag(parent, member->name, false);
}

static void check_member(const struct contract_place *parent, const struct member *member)
{
    struct contract_place place = contract_member(parent, member->name);
    switch (member->kind) {
    case MEMBER_TEXT:
        contract_text(parent, member->name, member->max);
        return;
    case MEMBER_NEEDED_TEXT:
        contract_needed_text(parent, member->name, member->max);
        return;
    case MEMBER_FLAG:
    case MEMBER_NEEDED_FLAG:
        check_flag(parent, member);
        return;
    case MEMBER_NUMBER:
        contract_integer(parent, member->name, INT64_MIN, INT64_MAX, 0);
        return;
    case MEMBER_WORD:
        check_word(&place, member->words);
        return;
    case MEMBER_WORDS:
    case MEMBER_TEXTS:
    case MEMBER_OBJECTS:
    case MEMBER_NEEDED_OBJECTS:
        check_list(parent, member);
        return;
    case MEMBER_OBJECT:
    case MEMBER_NEEDED_OBJECT:
    case MEMBER_MAP:
        check_object(parent, member);
        return;
    }
}

static void check_members(const struct contract_place *object, const struct member *members)
{
    for (; members->name; members++)
        check_member(object, members);
}

/* --- what one member demands of another, and what is read --- */

static int64_t cache_seconds(const struct contract_place *whole)
{
    static const struct {
        struct str unit;
        int64_t least; /* of the unit, that make `seconds` */
        int64_t seconds;
    } units[] = {
        {STR("NANOSECONDS"), 1000 * 1000 * 1000, 1},
        {STR("MICROSECONDS"), 1000 * 1000, 1},
        {STR("MILLISECONDS"), 1000, 1},
        {STR("SECONDS"), 1, 1},
        {STR("MINUTES"), 1, 60},
        {STR("HOURS"), 1, 60 * 60},
        {STR("DAYS"), 1, 24 * 60 * 60},
    };
    const struct value *cache = value_get(whole->value, "cacheControl");
    int64_t time = value_integer(cache, "timeToLive", -1);
    struct str unit = value_text(cache, "timeToLiveUnit");
    for (size_t i = 0; time >= 0 && i < sizeof(units) / sizeof(*units); i++) {
        bool is_it =
            unit.data ? str_eq(unit, units[i].unit) : units[i].least * units[i].seconds == 1;
        if (is_it && time / units[i].least > CACHE_MAX_S / units[i].seconds)
            return CACHE_MAX_S;
        if (is_it)
            return time / units[i].least * units[i].seconds;
    }
    return -1;
}

/* An incremental flow orders by such a field, so that only a time will do. */
static void check_timestamps(const struct contract_place *whole)
{
    struct contract_place definition = contract_object(whole, "entityDefinition");
    struct contract_place fields = contract_member(&definition, "fields");
    for (size_t i = 0; i < contract_count(&fields); i++) {
        struct contract_place field = contract_item(&fields, i);
        const struct value *read = value_get(field.value, "readProperties");
        struct contract_place type = contract_member(&field, "dataType");
        struct str text = value_text(field.value, "dataType");
        if (!type.value)
            contract_fault(&type, "a data type");
        else if (value_flag(read, "isTimestampFieldForIncrementalQueries", false) &&
                 !str_eq(text, STR("Date")) && !str_eq(text, STR("DateTime")))
            contract_fault(&type, "Date or DateTime of a timestamp field for incremental queries");
    }
}

/* Each record is the text of a JSON object. */
static void check_records(const struct contract_place *whole, struct contract_page *page)
{
    struct contract_place records = contract_list(whole, "records", CONTRACT_RECORDS_MAX);
    for (size_t i = 0; i < contract_count(&records); i++) {
        struct contract_place record = contract_item(&records, i);
        struct str text = contract_place_text(&record, FUNCTION_PAYLOAD_MAX);
        if (text.data && !json_is_object(text))
            contract_fault(&record, "the text of a JSON object");
    }
    page->count = contract_count(&records);
}

static size_t count_of(const struct contract_place *whole, const char *list)
{
    const struct value *value = value_get(whole->value, list);
    return value ? value->count : 0;
}

void contract_check_answer(enum contract_function function, const struct contract_place *whole,
                           struct contract_page *ret_page)
{
    *ret_page = (struct contract_page){.cache_s = -1};
    if (!whole->value)
        return;
    check_members(whole, answers[function]);
    if (function == CONTRACT_LIST_ENTITIES) {
        const struct value *entities = value_get(whole->value, "entities");
        ret_page->count = count_of(whole, "entities");
        if (ret_page->count > 0)
            ret_page->first = value_text(entities->items[0], "entityIdentifier");
    } else if (function == CONTRACT_DESCRIBE_ENTITY) {
        check_timestamps(whole);
    } else if (function == CONTRACT_QUERY_DATA || function == CONTRACT_RETRIEVE_DATA) {
        check_records(whole, ret_page);
    } else if (function == CONTRACT_WRITE_DATA) {
        ret_page->count = count_of(whole, "writeRecordResults");
    }
    if (function == CONTRACT_LIST_ENTITIES || function == CONTRACT_QUERY_DATA) {
        struct str token = contract_text(whole, "nextToken", CONTRACT_TOKEN_MAX);
        ret_page->next_token = token.len > 0 ? token : STR_NULL;
    }
    ret_page->cache_s = cache_seconds(whole);
}
