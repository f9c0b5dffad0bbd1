/* Faults of tasks have the real service's class at their beginning ("Task Validation Error: "); the
 * number in them counts tasks from 1, as paths of the model's constraints do. */
#include "flow/tasks.h"

#include "connector/catalogue.h"
#include "flow/ends.h"
#include "flow/partition.h"
#include "flow/sorted_texts.h"
#include "flow/task_rules.h"
#include "flow/trigger.h"
#include "wire/json_value.h"

#include <stdint.h>
#include <stdlib.h>

enum { LIST_TEXT_MAX = 512, LIST_NODES_MAX = 2048 };

#define NO_OP STR("NO_OP")

struct task_checking {
    struct flow_checking *checking;
    const struct value *task;
    size_t number;
    struct str type;
    struct str operator_name;
    const struct task_rule *rule;
    bool is_partition; /* the only one that there must be: others are a fault already */
};

#define task_fault(at, format, ...)                                                                \
    flow_fault(&(at)->checking->faults, "Task Validation Error: task %zu (%.*s): " format,         \
               (at)->number, STR_ARG((at)->type), __VA_ARGS__)

/* --- operators --- */

static struct str first_operator(const struct value *given)
{
    return given && given->count > 0 ? given->items[0]->text : NO_OP;
}

/* Under the source's key; NO_OP may be under any, or left out. */
static struct str operator_of(const struct task_checking *at)
{
    const struct connector *source = at->checking->definition->source.connector;
    const struct value *given = value_get(at->task, "connectorOperator");
    struct str own = value_text(given, source->key.data), first = first_operator(given);
    if (given && given->count > 1)
        task_fault(at, "connectorOperator must have one member, %.*s", STR_ARG(source->key));
    if (own.data)
        return own;
    if (str_eq(first, NO_OP) || str_eq(at->type, STR("Filter")))
        return NO_OP;
    task_fault(at, "connectorOperator must have the member %.*s, since the source is %.*s",
               STR_ARG(source->key), STR_ARG(source->type));
    return first;
}

/* As the real service says it (aws-cdk issue 17748), two blanks included; then what is right. */
static void fault_filter(const struct task_checking *at)
{
    const struct connector *source = at->checking->definition->source.connector;
    flow_fault(&at->checking->faults,
               "Task Validation Error: The operator %.*s is not valid for filtering tasks.  The "
               "task sourceConnectorType is FILTERING and the task operator is %.*s. Give task "
               "%zu PROJECTION or a comparison as connectorOperator.%.*s",
               STR_ARG(at->operator_name), STR_ARG(at->operator_name), at->number,
               STR_ARG(source->key));
}

static void fault_operator(const struct task_checking *at)
{
    struct buf list = buf_in(at->checking->arena, LIST_TEXT_MAX);
    if (str_eq(at->type, STR("Filter"))) {
        fault_filter(at);
        return;
    }
    for (size_t i = 0; i < task_rule_count; i++) {
        for (size_t j = 0; j < task_rules[i].operators.count; j++) {
            if (str_eq(task_rules[i].type, at->type))
                buf_add_item(&list, str_from(task_rules[i].operators.rows[j]));
        }
    }
    task_fault(at, "the operator %.*s must be one of: %.*s", STR_ARG(at->operator_name),
               STR_ARG(buf_str(&list)));
}

/* The model's enums have the operators of every other source. */
static void check_declared_operator(const struct task_checking *at)
{
    const struct flow_end *source = &at->checking->definition->source;
    const struct value *declared = value_get(source->declared, "supportedOperators");
    if (declared && !str_eq(at->operator_name, NO_OP) &&
        !flow_has_text(declared, at->operator_name))
        task_fault(at, "connector %.*s does not support the operator %.*s", STR_ARG(source->label),
                   STR_ARG(at->operator_name));
}

/* --- fields and properties --- */

/* [""] counts as []: Terraform sends both for a task without source fields. */
static size_t count_fields(const struct value *fields)
{
    return fields->count == 1 && fields->items[0]->text.len == 0 ? 0 : fields->count;
}

static void check_fields(const struct task_checking *at)
{
    const struct value *fields = value_get(at->task, "sourceFields");
    const struct task_rule *rule = at->rule;
    struct str destination = value_text(at->task, "destinationField");
    size_t count = count_fields(fields);
    if (count > 0 && rule->fields_most == 0)
        task_fault(at, "%s", "sourceFields must be empty");
    else if (count > rule->fields_most && rule->fields_most > rule->fields_least)
        task_fault(at, "sourceFields must have at most %zu fields; it has %zu", rule->fields_most,
                   count);
    else if (count < rule->fields_least || count > rule->fields_most)
        task_fault(at, "sourceFields must have %s%zu field%s; it has %zu",
                   rule->fields_most == rule->fields_least ? "exactly " : "at least ",
                   rule->fields_least, rule->fields_least == 1 ? "" : "s", count);
    for (size_t i = 0; i < fields->count && count > 0; i++) {
        if (fields->items[i]->text.len == 0) {
            task_fault(at, "sourceFields must have no empty name, as the one at place %zu", i + 1);
            break;
        }
    }
    if (rule->destination == DESTINATION_NEEDED && destination.len == 0)
        task_fault(at, "%s", "destinationField must name a field");
    if (rule->destination == DESTINATION_NONE && destination.len > 0)
        task_fault(at, "destinationField must be left out; it is %.*s",
                   STR_ARG(flow_shown(destination)));
}

static void check_given(const struct task_checking *at, const struct value *properties)
{
    for (size_t i = 0; properties && i < properties->count; i++) {
        struct str name = properties->names[i], value = properties->items[i]->text;
        const char *wanted = task_property_fault(name, value);
        if (!task_rule_has(at->rule, name))
            task_fault(at,
                       "taskProperties must not have %.*s, which the operator %.*s does not "
                       "use",
                       STR_ARG(name), STR_ARG(at->operator_name));
        else if (wanted)
            task_fault(at, "%.*s must be %s; it is %.*s", STR_ARG(name), wanted,
                       STR_ARG(flow_shown(value)));
    }
}

static void check_properties(const struct task_checking *at)
{
    const struct value *properties = value_get(at->task, "taskProperties");
    const struct task_rule *rule = at->rule;
    bool has_one = rule->one_of.count == 0;
    for (size_t i = 0; i < rule->needed.count; i++) {
        if (!value_get(properties, rule->needed.rows[i]))
            task_fault(at, "taskProperties must have %s", rule->needed.rows[i]);
    }
    for (size_t i = 0; i < rule->one_of.count; i++)
        has_one |= value_get(properties, rule->one_of.rows[i]) != NULL;
    if (!has_one)
        task_fault(at, "taskProperties must have %s or %s", rule->one_of.rows[0],
                   rule->one_of.rows[1]);
    check_given(at, properties);
}

/* --- lists of fields --- */

static bool read_json_list(struct str text, struct arena *arena, struct str **ret_fields,
                           size_t *ret_count)
{
    struct value *list;
    if (json_parse_own(text, LIST_NODES_MAX, arena, &list) != JSON_READ || list->kind != VALUE_LIST)
        return false;
    *ret_fields = arena_array(arena, struct str, list->count + 1);
    *ret_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i]->kind != VALUE_STRING)
            return false;
        (*ret_fields)[i] = list->items[i]->text;
    }
    return true;
}

bool flow_field_list(struct str text, struct arena *arena, struct str **ret_fields,
                     size_t *ret_count)
{
    struct str rest = text, field;
    size_t room = 1;
    if (str_starts(str_trim(text), STR("[")))
        return read_json_list(text, arena, ret_fields, ret_count);
    for (size_t i = 0; i < text.len; i++)
        room += text.data[i] == ',';
    *ret_fields = arena_array(arena, struct str, room);
    *ret_count = 0;
    while (str_cut(rest, ',', &field, &rest))
        (*ret_fields)[(*ret_count)++] = str_trim(field);
    (*ret_fields)[(*ret_count)++] = str_trim(rest);
    return true;
}

/* NULL when the task has no such property, or after a fault. */
static struct str *list_of(const struct task_checking *at, const char *property, size_t *ret_count)
{
    struct str text = value_text(value_get(at->task, "taskProperties"), property), *fields;
    if (!text.data)
        return NULL;
    if (flow_field_list(text, at->checking->arena, &fields, ret_count))
        return fields;
    task_fault(at, "%s must be names between commas, or a JSON list of names", property);
    return NULL;
}

/* In whatever order, each as often. */
static bool same_fields(const struct task_checking *at, struct str *fields, size_t count,
                        const struct value *sources)
{
    struct str *given = arena_array(at->checking->arena, struct str, sources->count + 1);
    bool same = count == sources->count;
    for (size_t i = 0; i < sources->count; i++)
        given[i] = sources->items[i]->text;
    sort_texts(given, sources->count);
    sort_texts(fields, count);
    for (size_t i = 0; same && i < count; i++)
        same = str_eq(fields[i], given[i]);
    return same;
}

static void check_order(const struct task_checking *at)
{
    static const char property[] = "MATH_OPERATION_FIELDS_ORDER";
    const struct value *sources = value_get(at->task, "sourceFields");
    size_t count;
    struct str *fields = list_of(at, property, &count);
    if (sources->count > at->rule->fields_most)
        return; /* a fault already */
    if (fields && !same_fields(at, fields, count, sources))
        task_fault(at, "%s must name the fields of sourceFields, and no others", property);
}

static void check_partition(const struct task_checking *at)
{
    static const char property[] = "ORDERED_PARTITION_KEYS_LIST";
    size_t count;
    struct str *fields = list_of(at, property, &count);
    if (fields && (count == 0 || count > PARTITION_KEYS_MAX)) {
        task_fault(at, "%s must have 1 to %d fields", property, PARTITION_KEYS_MAX);
        return;
    }
    for (size_t i = 0; fields && i < count; i++) {
        if (fields[i].len == 0)
            task_fault(at, "%s must have no empty name, as the one at place %zu", property, i + 1);
        else if (!written_fields_have(&at->checking->written, fields[i]))
            task_fault(at, "%s has %.*s, which no task writes", property,
                       STR_ARG(flow_shown(fields[i])));
    }
}

static void check_lists(const struct task_checking *at)
{
    size_t count;
    if (str_eq(at->type, STR("Arithmetic")))
        check_order(at);
    if (at->is_partition)
        check_partition(at);
    if (str_eq(at->type, STR("Map_all")))
        (void)list_of(at, "EXCLUDE_SOURCE_FIELDS_LIST", &count);
}

/* --- one task --- */

/* As the User Guide says of documents: they are moved, and their fields are not changed. */
static void check_documents(const struct task_checking *at)
{
    static const struct str changing[] = {STR("Arithmetic"), STR("Merge"), STR("Mask"),
                                          STR("Truncate"), STR("Validate")};
    for (size_t i = 0; i < sizeof(changing) / sizeof(*changing); i++) {
        if (str_eq(at->type, changing[i]))
            task_fault(at, "%s", "flows of documents must have no such task");
    }
}

static void check_task(struct flow_checking *checking, size_t index, bool is_partition)
{
    const struct value *task = checking->definition->tasks->items[index];
    struct task_checking at = {
        .checking = checking,
        .task = task,
        .number = index + 1,
        .type = value_text(task, "taskType"),
        .is_partition = is_partition,
    };
    at.operator_name = operator_of(&at);
    at.rule = task_rule_find(at.type, at.operator_name);
    check_declared_operator(&at);
    if (flow_is_of_documents(checking->definition))
        check_documents(&at);
    if (!at.rule) {
        fault_operator(&at);
        return;
    }
    check_fields(&at);
    check_properties(&at);
    check_lists(&at);
}

/* --- all tasks --- */

static bool is_type(const struct value *task, const char *type)
{
    return str_eq(value_text(task, "taskType"), str_from(type));
}

static bool has_projection(const struct flow_definition *definition)
{
    const char *key = definition->source.connector->key.data;
    for (size_t i = 0; i < definition->tasks->count; i++) {
        const struct value *task = definition->tasks->items[i];
        struct str given = value_text(value_get(task, "connectorOperator"), key);
        if (is_type(task, "Map_all") ||
            (is_type(task, "Filter") && str_eq(given, STR("PROJECTION"))))
            return true;
    }
    return false;
}

/* The real service's sentence (hashicorp/terraform-provider-aws issue 34482). */
static void check_projection(struct flow_checking *checking)
{
    const struct flow_end *source = &checking->definition->source;
    if (source->connector->catalogue->flows.needs_projection &&
        !has_projection(checking->definition))
        flow_fault(&checking->faults,
                   "Task Validation Error: You must specify a projection task or a MAP_ALL task");
}

/* Returns the number of the first one; 0: there is none. */
static size_t check_once(struct flow_checking *checking, const char *type)
{
    const struct value *tasks = checking->definition->tasks;
    size_t first = 0, count = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        if (is_type(tasks->items[i], type) && ++count == 1)
            first = i + 1;
    }
    if (count > 1)
        flow_fault(&checking->faults, "Task Validation Error: there must be at most one %s task",
                   type);
    return first;
}

struct task_target {
    struct str field;
    size_t number; /* of the task */
};

static int compare_targets(const void *left, const void *right)
{
    const struct task_target *a = left, *b = right;
    int order = str_compare(a->field, b->field);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static void check_twice(struct flow_checking *checking, struct task_target *targets, size_t count,
                        const char *what_for)
{
    qsort(targets, count, sizeof(*targets), compare_targets);
    for (size_t i = 1; i < count; i++) {
        if (str_eq(targets[i - 1].field, targets[i].field))
            flow_fault(&checking->faults,
                       "Task Validation Error: tasks %zu and %zu must not both %s the field "
                       "%.*s",
                       targets[i - 1].number, targets[i].number, what_for,
                       STR_ARG(flow_shown(targets[i].field)));
    }
}

/* Each field of the destination has one source, and each result one task: two tasks that make the
 * same one are a fault of their making alone. */
static void check_targets(struct flow_checking *checking)
{
    const struct value *tasks = checking->definition->tasks;
    struct task_target *written = arena_array(checking->arena, struct task_target, tasks->count);
    struct task_target *made = arena_array(checking->arena, struct task_target, tasks->count);
    size_t written_count = 0, made_count = 0;
    for (size_t i = 0; i < tasks->count; i++) {
        const struct value *task = tasks->items[i];
        struct str result = value_text(task, "destinationField");
        struct str field = written_fields_by(&checking->written, task);
        if (task_makes_field(task) && result.len > 0)
            made[made_count++] = (struct task_target){result, i + 1};
        if (field.data)
            written[written_count++] = (struct task_target){field, i + 1};
    }
    size_t faults = checking->faults.count;
    check_twice(checking, made, made_count, "make");
    if (checking->faults.count == faults)
        check_twice(checking, written, written_count, "write");
}

void flow_tasks_check(struct flow_checking *checking)
{
    const struct value *tasks = checking->definition->tasks;
    if (tasks->count == 0 || tasks->count > FLOW_TASKS_MAX) {
        flow_fault(&checking->faults, "Task Validation Error: tasks must have 1 to %d tasks",
                   FLOW_TASKS_MAX);
        return;
    }
    if (!(checking->definition->source.connector->roles & ROLE_SOURCE))
        return; /* nothing is known of such a flow */
    check_projection(checking);
    (void)check_once(checking, "Map_all");
    size_t partition = check_once(checking, "Partition");
    for (size_t i = 0; i < tasks->count; i++)
        check_task(checking, i, i + 1 == partition);
    check_targets(checking);
}
