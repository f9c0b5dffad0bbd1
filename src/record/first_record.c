/* The decoders of runs, which stop when the batch has its one row. */
#include "record/first_record.h"

#include "record/csv_in.h"
#include "record/json_in.h"

static bool is_json(struct str text)
{
    static const struct str mark = STR("\xEF\xBB\xBF"); /* UTF-8's byte order mark */
    size_t at = str_starts(text, mark) ? mark.len : 0;
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t' ||
                             text.data[at] == '\r' || text.data[at] == '\n'))
        at++;
    return at < text.len && (text.data[at] == '{' || text.data[at] == '[');
}

/* Of CSV the header is enough: what is wrong with the first row is for runs to report. */
static enum first_record_end judge(const struct record_batch *batch, bool json, bool is_whole,
                                   struct error *error)
{
    if (json ? batch->rows > 0 : batch->column_count > 0)
        return FIRST_RECORD_READ;
    if (json && batch->error_count > 0) {
        fail(error, ERR_VALIDATION, "The first record cannot be read: %s.",
             record_fault_text(batch->errors[0].fault));
        return FIRST_RECORD_UNFIT;
    }
    return is_whole ? FIRST_RECORD_NONE : FIRST_RECORD_CUT;
}

enum first_record_end first_record_read(struct str text, bool is_whole,
                                        struct record_batch *ret_batch, bool *ret_is_json,
                                        struct error *error)
{
    bool json = is_json(text);
    size_t used;
    struct record_decoder *decoder =
        json ? json_in_new(&(struct json_in_options){0}) : csv_in_new(&(struct csv_in_options){0});
    record_batch_init(ret_batch, 1);
    bool read = decoder->ops->read(decoder, text, is_whole, ret_batch, &used, error);
    decoder->ops->free(decoder);
    *ret_is_json = json;
    return read ? judge(ret_batch, json, is_whole, error) : FIRST_RECORD_UNFIT;
}
