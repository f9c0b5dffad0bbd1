/* Lets tests in other languages, and bench programs, convert records from standard input to
 * standard output:
 *
 *     record-tool [--columns A,B] [--path /POINTER] [--empty-null] [--gzip] [--piece BYTES] IN OUT
 *
 * IN and OUT are json or csv. Without --columns the input is read twice, as its columns have to be
 * found first. Each record that cannot be read is a line on standard error: its position, its line,
 * the byte and the reason, separated by tabs. Exit status 1: the page is no good, and standard
 * error ends with why. */
#include "base/alloc.h"
#include "record/csv_in.h"
#include "record/csv_out.h"
#include "record/gzip_in.h"
#include "record/json_in.h"
#include "record/json_out.h"
#include "record/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1024 * 1024 * 1024 };

struct options {
    struct record_columns columns;
    const char *path;
    bool empty_is_null, gzip;
    size_t piece;
    const char *in, *out;
};

static _Noreturn void stop(const char *sentence)
{
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static struct record_columns parse_columns(char *list)
{
    static struct str names[RECORD_COLUMNS_MAX];
    size_t count = 0;
    for (char *name = strtok(list, ","); name && count < RECORD_COLUMNS_MAX;
         name = strtok(NULL, ","))
        names[count++] = str_from(name);
    return (struct record_columns){names, count};
}

static struct options parse(char **arg)
{
    struct options options = {.piece = SIZE_MAX};
    for (arg++; *arg && **arg == '-'; arg++) {
        if (is(*arg, "--empty-null"))
            options.empty_is_null = true;
        else if (is(*arg, "--gzip"))
            options.gzip = true;
        else if (is(*arg, "--columns") && arg[1])
            options.columns = parse_columns(*++arg);
        else if (is(*arg, "--path") && arg[1])
            options.path = *++arg;
        else if (is(*arg, "--piece") && arg[1])
            options.piece = strtoul(*++arg, NULL, 10);
        else
            stop("unknown option");
    }
    if (!arg[0] || !arg[1])
        stop("usage: record-tool [OPTION …] json|csv json|csv");
    options.in = arg[0];
    options.out = arg[1];
    return options;
}

static struct record_decoder *new_decoder(const struct options *options,
                                          struct record_columns columns)
{
    if (is(options->in, "csv")) {
        struct csv_in_options csv = {.columns = columns, .empty_is_null = options->empty_is_null};
        return csv_in_new(&csv);
    }
    struct json_in_options json = {.columns = columns, .path = options->path};
    return json_in_new(&json);
}

static struct record_encoder *new_encoder(const struct options *options,
                                          struct record_fields fields,
                                          const struct record_output *output)
{
    if (is(options->out, "csv"))
        return csv_out_new(&fields, output);
    struct json_out_options json = {.fields = fields};
    return json_out_new(&json, output);
}

/* The bytes of the page, as they are or inflated, in pieces. */
struct source {
    struct str bytes;
    struct gzip_in *gzip;
    bool is_done;
};

static size_t source_read(struct source *source, char *space, size_t room)
{
    struct error error;
    size_t len = room < source->bytes.len ? room : source->bytes.len;
    if (!source->gzip) {
        if (len > 0)
            memcpy(space, source->bytes.data, len);
        source->bytes = (struct str){source->bytes.data + len, source->bytes.len - len};
        source->is_done = source->bytes.len == 0;
        return len;
    }
    do {
        if (!gzip_in_inflate(source->gzip, &source->bytes, space, room, &len, &error))
            stop(error.message);
    } while (len == 0 && source->bytes.len > 0);
    source->is_done = source->bytes.len == 0 && len < room;
    if (source->is_done && !gzip_in_finish(source->gzip, &error))
        stop(error.message);
    return len;
}

static void print_errors(const struct record_batch *batch)
{
    for (size_t i = 0; i < batch->error_count; i++) {
        const struct record_error *error = &batch->errors[i];
        fprintf(stderr, "%llu\t%llu\t%u\t%s\n", (unsigned long long)error->place.position,
                (unsigned long long)error->place.line, error->byte,
                record_fault_text(error->fault));
    }
}

/* Reads the page; without an encoder, only for the columns that the batch then has. */
static void convert(const struct options *options, struct record_decoder *decoder, struct str input,
                    struct record_batch *batch, struct record_encoder *encoder)
{
    struct source source = {.bytes = input};
    struct record_window window;
    struct error error;
    if (options->gzip)
        source.gzip = gzip_in_new(INPUT_MAX);
    record_window_init(&window);
    for (;;) {
        size_t room, used;
        if (record_batch_has_room(batch) && !source.is_done) {
            char *space = record_window_space(&window, &room);
            room = room < options->piece ? room : options->piece;
            record_window_add(&window, source_read(&source, space, room));
        }
        struct str text = record_window_text(&window);
        record_batch_clear(batch);
        if (!decoder->ops->read(decoder, text, source.is_done, batch, &used, &error))
            stop(error.message);
        if (encoder) {
            print_errors(batch);
            if (!encoder->ops->write(encoder, batch, &error))
                stop(error.message);
        }
        record_window_use(&window, used);
        if (source.is_done && used == text.len)
            break;
    }
    gzip_in_free(source.gzip);
    record_window_done(&window);
}

static bool write_out(void *context, struct str bytes, struct error *error)
{
    return fwrite(bytes.data, 1, bytes.len, context) == bytes.len ||
           fail(error, ERR_INTERNAL, "Standard output cannot be written to.");
}

static struct str read_input(void)
{
    size_t len = 0, capacity = 1 << 20;
    char *data = xmalloc(capacity);
    for (size_t got; (got = fread(data + len, 1, capacity - len, stdin)) > 0;) {
        len += got;
        if (len == capacity)
            data = xrealloc(data, capacity *= 2);
    }
    return (struct str){data, len};
}

static struct record_columns found_columns(const struct options *options, struct str input)
{
    static struct str names[RECORD_COLUMNS_MAX];
    static struct record_batch batch; /* which keeps the names */
    struct record_decoder *decoder = new_decoder(options, options->columns);
    record_batch_init(&batch, RECORD_ROWS_MAX);
    convert(options, decoder, input, &batch, NULL);
    decoder->ops->free(decoder);
    for (size_t i = 0; i < batch.column_count; i++)
        names[i] = batch.columns[i].name;
    return (struct record_columns){names, batch.column_count};
}

int main(int argc, char **argv)
{
    (void)argc;
    static struct record_field fields[RECORD_COLUMNS_MAX];
    struct options options = parse(argv);
    struct str input = read_input();
    struct record_columns columns = options.columns;
    if (columns.count == 0)
        columns = found_columns(&options, input);
    for (size_t i = 0; i < columns.count; i++)
        fields[i] = (struct record_field){.name = columns.names[i]};
    struct record_output output = {write_out, stdout};
    struct error error;
    struct record_batch batch;
    struct record_decoder *decoder = new_decoder(&options, columns);
    struct record_encoder *encoder =
        new_encoder(&options, (struct record_fields){fields, columns.count}, &output);
    record_batch_init(&batch, RECORD_ROWS_MAX);
    for (size_t i = 0; i < columns.count; i++)
        record_batch_add_column(&batch, columns.names[i]);
    convert(&options, decoder, input, &batch, encoder);
    if (!encoder->ops->finish(encoder, &error))
        stop(error.message);
    encoder->ops->free(encoder);
    decoder->ops->free(decoder);
    record_batch_done(&batch);
    free((char *)(uintptr_t)input.data);
    return fflush(stdout) == 0 ? 0 : 1;
}
