/* Pages of JSON: where records begin and end. json_record.c reads the records themselves. */
#include "record/json_in.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "record/json_path.h"
#include "record/json_record.h"

#include <stdlib.h>
#include <string.h>

/* What comes next in the page. */
enum json_state {
    PAGE_START,
    PAGE_LINES,      /* a record, after line breaks */
    PAGE_SKIPPED,    /* the rest of a line that is too long */
    PAGE_FIRST_ITEM, /* behind '[' */
    PAGE_ITEM,       /* behind ',' */
    PAGE_SEPARATOR,  /* behind an item */
    PAGE_TAIL,       /* behind the array, or behind a document without it */
};

struct json_in {
    struct record_decoder decoder;
    struct json_records records;
    const char *path;
    struct json_scan scan;
    struct buf rest;
    /* Of the page at hand. */
    enum json_state state;
    bool found; /* the array */
    uint64_t page;
    uint64_t start_byte;       /* of the window, in the page */
    uint64_t left_out;         /* bytes of the page that are not in `rest`, before its end */
    struct record_place place; /* of the next record */
};

/* One call of read(). */
struct json_reading {
    struct json_in *in;
    struct str window;
    bool is_last;
    struct record_batch *batch;
    const char *done; /* up to here everything is read; counted for lines as well */
    struct error *error;
};

/* What a step of reading came to. */
enum json_step {
    STEP_ON,     /* one more step may follow */
    STEP_STOP,   /* more bytes, or room in the batch, are needed; or all is read */
    STEP_FAILED, /* the page is no good */
};

static uint64_t page_byte(const struct json_reading *reading, const char *at)
{
    return reading->in->start_byte + (uint64_t)(at - reading->window.data);
}

static enum json_step page_fails_at(struct json_reading *reading, uint64_t byte, bool is_json,
                                    const char *what)
{
    fail(reading->error, ERR_VALIDATION, "Page %llu of the source %s: %s at byte %llu.",
         (unsigned long long)reading->in->page, is_json ? "cannot be read" : "is not valid JSON",
         what, (unsigned long long)byte);
    return STEP_FAILED;
}

static enum json_step page_fails(struct json_reading *reading, const char *at, const char *what)
{
    return page_fails_at(reading, page_byte(reading, at), false, what);
}

static uint64_t lines_in(const char *from, const char *to)
{
    uint64_t lines = 0;
    while (from < to && (from = memchr(from, '\n', (size_t)(to - from)))) {
        lines++;
        from++;
    }
    return lines;
}

/* Everything before `p` is read. `one_line`: there is no line break in it. */
static void advance(struct json_reading *reading, const char *p, bool one_line)
{
    if (!one_line)
        reading->in->place.line += lines_in(reading->done, p);
    reading->done = p;
}

static const char *end_of(const struct json_reading *reading)
{
    return reading->window.data + reading->window.len;
}

/* Behind the blanks between two records. */
static const char *between(struct json_reading *reading)
{
    struct json_scan *scan = &reading->in->scan;
    bool multiline = scan->multiline; /* which is about records themselves */
    const char *p = json_scan_blanks(scan, reading->done);
    scan->multiline = multiline;
    advance(reading, p, false);
    return p;
}

static enum json_step value_too_long(struct json_reading *reading)
{
    return page_fails_at(reading, page_byte(reading, reading->done), true,
                         "a value is longer than 4 MiB");
}

/* More bytes are needed, of which there are none: the page ends too early. */
static enum json_step wants_more(struct json_reading *reading, const char *at)
{
    if (reading->is_last)
        return page_fails(reading, at, "it ends too early");
    if (end_of(reading) - reading->done > RECORD_BYTES_MAX)
        return value_too_long(reading);
    return STEP_STOP;
}

static enum json_step scan_failed(struct json_reading *reading)
{
    const struct json_scan *scan = &reading->in->scan;
    if (scan->fault == JSON_SCAN_CUT)
        return wants_more(reading, scan->fault_at);
    bool is_json = scan->fault == RECORD_FAULT_TOO_DEEP || scan->fault == RECORD_FAULT_NUMBER;
    return page_fails_at(reading, page_byte(reading, scan->fault_at), is_json,
                         record_fault_text((enum record_fault)scan->fault));
}

/* The record from reading->done to `p` is not taken. */
static void add_error(struct json_reading *reading, const char *p, int fault, const char *fault_at)
{
    struct record_batch *batch = reading->batch;
    const char *from = reading->done;
    size_t len = (size_t)(p - from);
    batch->errors[batch->error_count++] = (struct record_error){
        .place = reading->in->place,
        .fault = (enum record_fault)fault,
        .byte = (uint32_t)(fault_at - from),
        .record = {from, len < RECORD_BYTES_MAX ? len : RECORD_BYTES_MAX},
    };
    reading->in->place.position++;
    advance(reading, p, false);
}

static void add_row(struct json_reading *reading, const char *p)
{
    struct record_batch *batch = reading->batch;
    batch->places[batch->rows++] = reading->in->place;
    reading->in->place.position++;
    advance(reading, p, !reading->in->scan.multiline);
}

/* Behind a record of JSON lines there is nothing but blanks in its line. NULL: see the fault. */
static const char *line_rest(struct json_reading *reading, const char *p)
{
    struct json_scan *scan = &reading->in->scan;
    while (p < scan->end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    if (p == scan->end)
        return reading->is_last ? p : json_scan_fail(scan, JSON_SCAN_CUT, p);
    return *p == '\n' ? p : json_scan_fail(scan, RECORD_FAULT_SYNTAX, p);
}

/* The end of the line that begins at `p`, or the window's end. */
static const char *line_end(const struct json_reading *reading, const char *p)
{
    const char *found = memchr(p, '\n', (size_t)(end_of(reading) - p));
    return found ? found : end_of(reading);
}

static enum json_step bad_line(struct json_reading *reading)
{
    struct json_in *in = reading->in;
    const char *from = reading->done, *line = line_end(reading, from);
    bool is_whole = line < end_of(reading) || reading->is_last;
    int fault = in->scan.fault;
    const char *fault_at = in->scan.fault_at;
    size_t len = (size_t)(end_of(reading) - from);
    if (fault == JSON_RECORD_WIDER) {
        reading->batch->is_full = true;
        return STEP_STOP;
    }
    if (fault_at - from > RECORD_BYTES_MAX) {
        fault = RECORD_FAULT_TOO_LONG;
        fault_at = from;
    } else if (fault == JSON_SCAN_CUT && reading->is_last) {
        fault = RECORD_FAULT_SYNTAX;
    } else if (fault == JSON_SCAN_CUT || (!is_whole && len <= RECORD_BYTES_MAX)) {
        return STEP_STOP;
    }
    if (!is_whole)
        in->state = PAGE_SKIPPED;
    add_error(reading, line, fault, fault_at < line ? fault_at : line);
    return STEP_ON;
}

/* Behind the record at `p`, and in JSON lines behind the blanks after it. NULL: see the fault. */
static const char *scan_record(struct json_reading *reading, const char *p, bool names_only)
{
    struct json_records *records = &reading->in->records;
    struct json_scan *scan = &reading->in->scan;
    if (names_only)
        p = json_names_read(&records->names, &records->schema, scan, p);
    else
        p = json_record_read(records, scan, p, reading->batch);
    if (p && p - reading->done > RECORD_BYTES_MAX)
        return json_scan_fail(scan, RECORD_FAULT_TOO_LONG, p);
    return p && reading->in->state == PAGE_LINES ? line_rest(reading, p) : p;
}

/* Reads the record at `p` into the batch. Its new names become columns when it is known to have no
 * error; such a record is read three times, of which a source has few. */
static const char *take_record(struct json_reading *reading, const char *p)
{
    struct json_in *in = reading->in;
    if (*p != '{')
        return json_scan_fail(&in->scan, RECORD_FAULT_NOT_RECORD, p);
    const char *behind = scan_record(reading, p, false);
    if (behind || in->scan.fault != JSON_RECORD_NEW_NAMES)
        return behind;
    if (!scan_record(reading, p, true))
        return NULL;
    json_names_add(&in->records.names, &in->records.schema);
    return scan_record(reading, p, false);
}

static enum json_step read_line(struct json_reading *reading)
{
    const char *p = between(reading);
    if (p == end_of(reading) || !record_batch_has_room(reading->batch))
        return STEP_STOP;
    p = take_record(reading, p);
    if (!p)
        return bad_line(reading);
    add_row(reading, p);
    return STEP_ON;
}

static enum json_step skip_line(struct json_reading *reading)
{
    const char *line = line_end(reading, reading->done);
    if (line < end_of(reading))
        reading->in->state = PAGE_LINES;
    advance(reading, line, true);
    return line < end_of(reading) ? STEP_ON : STEP_STOP;
}

/* An item that is JSON, but no record that can be taken. */
static enum json_step bad_item(struct json_reading *reading)
{
    struct json_in *in = reading->in;
    int fault = in->scan.fault;
    const char *fault_at = in->scan.fault_at;
    if (fault == JSON_SCAN_CUT)
        return wants_more(reading, fault_at);
    if (fault == RECORD_FAULT_TOO_LONG)
        return value_too_long(reading);
    if (fault == JSON_RECORD_WIDER) {
        reading->batch->is_full = true;
        return STEP_STOP;
    }
    in->scan.structure_only = true;
    const char *p = json_scan_value(&in->scan, reading->done, 0);
    in->scan.structure_only = false;
    if (!p)
        return scan_failed(reading);
    add_error(reading, p, fault, fault_at);
    in->state = PAGE_SEPARATOR;
    return STEP_ON;
}

static enum json_step keep_rest(struct json_reading *reading, const char *from, const char *to)
{
    struct json_in *in = reading->in;
    if (!in->path)
        return STEP_ON;
    buf_add(&in->rest, (struct str){from, (size_t)(to - from)});
    if (!in->rest.overflow)
        return STEP_ON;
    return page_fails_at(reading, in->left_out + JSON_REST_MAX, true,
                         "more than 1 MiB stands around the records");
}

/* `p` is at the bracket that closes the array. */
static enum json_step array_ends(struct json_reading *reading, const char *p)
{
    reading->in->left_out = page_byte(reading, p) - reading->in->rest.len;
    reading->in->state = PAGE_TAIL;
    advance(reading, p + 1, true);
    return keep_rest(reading, p, p + 1);
}

static enum json_step read_item(struct json_reading *reading)
{
    struct json_in *in = reading->in;
    const char *p = between(reading);
    if (p == end_of(reading))
        return wants_more(reading, p);
    if (in->state == PAGE_FIRST_ITEM && *p == ']')
        return array_ends(reading, p);
    if (!record_batch_has_room(reading->batch))
        return STEP_STOP;
    p = take_record(reading, p);
    if (!p)
        return bad_item(reading);
    add_row(reading, p);
    in->state = PAGE_SEPARATOR;
    return STEP_ON;
}

static enum json_step read_separator(struct json_reading *reading)
{
    struct json_in *in = reading->in;
    const char *p = between(reading);
    if (p == end_of(reading))
        return wants_more(reading, p);
    if (*p == ']')
        return array_ends(reading, p);
    if (*p != ',')
        return page_fails(reading, p, "there is neither ',' nor ']' behind a record");
    in->state = PAGE_ITEM;
    advance(reading, p + 1, true);
    return STEP_ON;
}

/* The page is over: what stands around the records must be one JSON value. */
static enum json_step check_rest(struct json_reading *reading)
{
    const struct json_in *in = reading->in;
    struct str rest = buf_str(&in->rest);
    struct json_scan scan = {.end = rest.data + rest.len};
    const char *p = json_scan_value(&scan, rest.data, 0);
    const char *what = "it ends too early", *at = scan.fault_at;
    if (p) {
        at = json_scan_blanks(&scan, p);
        if (at == scan.end)
            return STEP_STOP;
        what = "there is more behind the document";
    } else if (scan.fault != JSON_SCAN_CUT) {
        what = record_fault_text((enum record_fault)scan.fault);
    }
    bool is_json = !p && (scan.fault == RECORD_FAULT_TOO_DEEP || scan.fault == RECORD_FAULT_NUMBER);
    return page_fails_at(reading, in->left_out + (uint64_t)(at - rest.data), is_json, what);
}

static enum json_step read_tail(struct json_reading *reading)
{
    struct json_in *in = reading->in;
    const char *end = end_of(reading);
    if (!in->path) {
        const char *p = between(reading);
        return p == end ? STEP_STOP : page_fails(reading, p, "there is more behind the array");
    }
    if (keep_rest(reading, reading->done, end) != STEP_ON)
        return STEP_FAILED;
    advance(reading, end, false);
    return reading->is_last ? check_rest(reading) : STEP_STOP;
}

/* `p` is at the document's value. */
static enum json_step read_document(struct json_reading *reading, const char *p)
{
    struct json_in *in = reading->in;
    const char *from = p;
    p = json_find_array(&in->scan, p, in->path, &in->found);
    if (p && !in->found)
        p = json_scan_value(&in->scan, from, 0);
    if (!p)
        return scan_failed(reading);
    if (p - from > RECORD_BYTES_MAX)
        return value_too_long(reading);
    in->left_out = page_byte(reading, from);
    in->state = in->found ? PAGE_FIRST_ITEM : PAGE_TAIL;
    advance(reading, p, false);
    return keep_rest(reading, from, p);
}

static enum json_step read_start(struct json_reading *reading)
{
    static const struct str mark = STR("\xEF\xBB\xBF"); /* UTF-8's byte order mark */
    struct json_in *in = reading->in;
    if (in->start_byte == 0 && reading->window.len < mark.len && !reading->is_last)
        return STEP_STOP;
    if (in->start_byte == 0 && str_starts(reading->window, mark))
        advance(reading, reading->window.data + mark.len, true);
    const char *p = between(reading);
    if (p == end_of(reading))
        return in->path ? wants_more(reading, p) : STEP_STOP;
    if (in->path)
        return read_document(reading, p);
    in->state = *p == '[' ? PAGE_FIRST_ITEM : PAGE_LINES;
    if (*p == '[')
        advance(reading, p + 1, true);
    return STEP_ON;
}

static enum json_step take_step(struct json_reading *reading)
{
    static enum json_step (*const steps[])(struct json_reading *) = {
        [PAGE_START] = read_start,     [PAGE_LINES] = read_line, [PAGE_SKIPPED] = skip_line,
        [PAGE_FIRST_ITEM] = read_item, [PAGE_ITEM] = read_item,  [PAGE_SEPARATOR] = read_separator,
        [PAGE_TAIL] = read_tail,
    };
    return steps[reading->in->state](reading);
}

static bool json_in_read(struct record_decoder *decoder, struct str window, bool is_last,
                         struct record_batch *batch, size_t *ret_used, struct error *error)
{
    struct json_in *in = (struct json_in *)decoder;
    struct json_reading reading = {in, window, is_last, batch, window.data, error};
    in->scan.end = window.data + window.len;
    batch->page = in->page;
    batch->is_full = batch->is_full || !record_schema_widen(&in->records.schema, batch);
    *ret_used = 0;
    if (record_decoder_waits(decoder, window, is_last))
        return true;
    enum json_step step = STEP_ON;
    while (step == STEP_ON)
        step = take_step(&reading);
    *ret_used = (size_t)(reading.done - window.data);
    in->start_byte += *ret_used;
    record_decoder_stops(decoder, window.len - *ret_used, record_batch_has_room(batch));
    return step != STEP_FAILED;
}

static void json_in_start_page(struct record_decoder *decoder, uint64_t page)
{
    struct json_in *in = (struct json_in *)decoder;
    in->state = PAGE_START;
    decoder->retry_len = 0;
    in->found = false;
    in->page = page;
    in->start_byte = 0;
    in->place = (struct record_place){.position = 0, .line = 1};
    buf_clear(&in->rest);
}

static void json_in_forget_columns(struct record_decoder *decoder)
{
    struct json_in *in = (struct json_in *)decoder;
    const struct record_columns found = {0};
    if (!in->records.schema.is_open)
        return;
    json_records_done(&in->records);
    json_records_init(&in->records, &found, false);
}

static void json_in_free(struct record_decoder *decoder)
{
    struct json_in *in = (struct json_in *)decoder;
    if (!in)
        return;
    json_records_done(&in->records);
    buf_done(&in->rest);
    free(in);
}

static const struct record_decoder_ops json_in_ops = {
    .start_page = json_in_start_page,
    .read = json_in_read,
    .forget_columns = json_in_forget_columns,
    .free = json_in_free,
};

struct record_decoder *json_in_new(const struct json_in_options *options)
{
    struct json_in *in = xcalloc(1, sizeof(*in));
    in->decoder.ops = &json_in_ops;
    in->path = options->path;
    in->rest = buf_on_heap(JSON_REST_MAX);
    json_records_init(&in->records, &options->columns, options->whole);
    json_in_start_page(&in->decoder, 0);
    return &in->decoder;
}

struct str json_in_rest(struct record_decoder *decoder, bool *ret_found)
{
    const struct json_in *in = (const struct json_in *)decoder;
    *ret_found = in->found;
    return buf_str(&in->rest);
}
