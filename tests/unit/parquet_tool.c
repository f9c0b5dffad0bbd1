/* Lets tests in Python write Parquet files: cells on standard input, the file on standard output.
 *
 *     parquet-tool [--group-bytes N] [--group-rows N] [--batch-rows N] [--fail-at N] FIELD …
 *
 * A FIELD is KIND=NAME or KIND,PRECISION,SCALE=NAME; the kinds are those of the table below. Cells
 * come row by row: a letter, and then a number with ';' behind it or, for texts, the number of
 * bytes, ':' and the bytes; 'n' alone is null. With --fail-at the output fails when it is called
 * for the N-th time. The last line on standard error is the most memory that the process had, in
 * KiB. */
#include "base/alloc.h"
#include "record/parquet_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_ROOM = 64 * 1024 * 1024 };

struct tool {
    struct record_field fields[RECORD_COLUMNS_MAX];
    size_t field_count;
    struct parquet_out_options options;
    unsigned long long batch_rows, fail_at, taken;
    struct record_batch batch;
};

static const struct {
    char letter; /* of a cell */
    const char *name;
    enum record_kind kind;
    bool has_text, local;
} kinds[] = {
    {'t', "text", RECORD_TEXT, .has_text = true},
    {'i', "integer", RECORD_INTEGER, .has_text = false},
    {'d', "decimal", RECORD_DECIMAL, .has_text = true},
    {'o', "boolean", RECORD_BOOLEAN, .has_text = false},
    {'s', "timestamp", RECORD_TIMESTAMP, .has_text = false},
    {'l', "local", RECORD_TIMESTAMP, .local = true},
    {'a', "date", RECORD_DATE, .has_text = false},
    {'b', "bytes", RECORD_BYTES, .has_text = true},
    {'j', "nested", RECORD_NESTED, .has_text = true},
};

static bool take(void *context, struct str bytes, struct error *error)
{
    struct tool *tool = context;
    if (++tool->taken == tool->fail_at)
        return fail(error, ERR_UNAVAILABLE, "the output is full");
    return fwrite(bytes.data, 1, bytes.len, stdout) == bytes.len ||
           fail(error, ERR_INTERNAL, "standard output cannot be written");
}

/* False at the end of the input, which is between two rows. */
static bool read_cell(struct record_batch *batch, struct record_cell *cell)
{
    int letter = getchar();
    *cell = (struct record_cell){0};
    if (letter == EOF || letter == 'n')
        return letter != EOF;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (kinds[i].letter != letter)
            continue;
        int64_t number;
        if (scanf("%" SCNd64, &number) != 1 || getchar() == EOF)
            return false;
        cell->kind = (uint8_t)kinds[i].kind;
        cell->number = number;
        cell->flags = kinds[i].local ? 0 : RECORD_HAD_ZONE;
        if (kinds[i].has_text) {
            char *text = arena_take(&batch->texts, (size_t)number + 1);
            cell->len = (uint32_t)fread(text, 1, (size_t)number, stdin);
            cell->text = text;
        }
        return true;
    }
    return false;
}

static bool read_row(struct record_batch *batch)
{
    for (size_t i = 0; i < batch->column_count; i++)
        if (!read_cell(batch, &batch->columns[i].cells[batch->rows]))
            return false;
    batch->rows++;
    return true;
}

static bool write_file(struct tool *tool, struct record_encoder *encoder, struct error *error)
{
    struct record_batch *batch = &tool->batch;
    bool more = true;
    while (more) {
        record_batch_clear(batch);
        while (batch->rows < tool->batch_rows && batch->texts.used < TEXT_ROOM && more)
            more = read_row(batch);
        if (batch->rows > 0 && !encoder->ops->write(encoder, batch, error))
            return false;
    }
    return encoder->ops->finish(encoder, error);
}

static bool read_field(char *word, struct record_field *field)
{
    unsigned precision = 0, scale = 0;
    char kind[16];
    char *name = strchr(word, '=');
    if (!name || sscanf(word, "%15[a-z],%u,%u", kind, &precision, &scale) < 1)
        return false;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(kinds[i].name, kind) != 0)
            continue;
        *field = (struct record_field){.name = str_from(name + 1),
                                       .kind = kinds[i].kind,
                                       .precision = (uint8_t)precision,
                                       .scale = (uint8_t)scale,
                                       .local = kinds[i].local};
        return true;
    }
    return false;
}

static bool read_words(struct tool *tool, int count, char **words)
{
    unsigned long long group_bytes = 0, group_rows = 0;
    const struct {
        const char *name;
        unsigned long long *value;
    } options[] = {{"--group-bytes", &group_bytes},
                   {"--group-rows", &group_rows},
                   {"--batch-rows", &tool->batch_rows},
                   {"--fail-at", &tool->fail_at}};
    int at = 1;
    for (bool found = true; found && at + 1 < count;) {
        found = false;
        for (size_t i = 0; i < sizeof(options) / sizeof(*options) && !found; i++)
            found = strcmp(words[at], options[i].name) == 0 &&
                    str_to_u64(str_from(words[at + 1]), UINT32_MAX, options[i].value);
        at += found ? 2 : 0;
    }
    tool->options.group_bytes = group_bytes;
    tool->options.group_rows = group_rows;
    for (; at < count && tool->field_count < RECORD_COLUMNS_MAX; at++)
        if (!read_field(words[at], &tool->fields[tool->field_count++]))
            return false;
    return at == count;
}

static void add_columns(struct tool *tool)
{
    record_batch_init(&tool->batch, tool->batch_rows);
    for (size_t i = 0; i < tool->field_count; i++)
        record_batch_add_column(&tool->batch, tool->fields[i].name);
    if (tool->batch_rows > tool->batch.rows_max)
        tool->batch_rows = tool->batch.rows_max;
}

static void print_peak(void)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof(line), status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            fprintf(stderr, "%s\n", strtok(line + 6, " \tk"));
    if (status)
        fclose(status);
}

int main(int count, char **words)
{
    static struct tool tool = {.batch_rows = 1000};
    struct error error = {0};
    struct record_encoder *encoder;
    if (!read_words(&tool, count, words)) {
        fprintf(stderr, "usage: parquet-tool [--group-bytes N] [--group-rows N] [--batch-rows N] "
                        "[--fail-at N] FIELD …\n");
        return 2;
    }
    tool.options.fields = (struct record_fields){tool.fields, tool.field_count};
    const struct record_output output = {take, &tool};
    add_columns(&tool);
    bool done = parquet_out_new(&tool.options, &output, &encoder, &error);
    if (done) {
        done = write_file(&tool, encoder, &error);
        encoder->ops->free(encoder);
    }
    record_batch_done(&tool.batch);
    if (!done)
        fprintf(stderr, "%s\n", error.message);
    print_peak();
    return done && fflush(stdout) == 0 ? 0 : 1;
}
