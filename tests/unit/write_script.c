/* Writing records in one batch, and its outcomes as text. */
#include "write_script.h"

void script_write(struct script *self, const struct connector *connector,
                  const struct vendor_connection_config *config, void *argument)
{
    struct write_asked *asked = argument;
    struct str id_field = str_from(asked->id_field);
    const struct write_query query = {
        .entity = str_from(asked->entity),
        .api_version = str_from(asked->api_version),
        .properties = asked->shape ? script_value(self, asked->shape, asked->destination) : NULL,
        .operation = asked->operation,
        .id_fields = &id_field,
        .id_field_count = asked->id_field != NULL,
    };
    if (!asked->outcomes)
        asked->outcomes = arena_array(&self->arena, struct write_outcome, asked->count);
    struct write_batch batch = {.records = asked->records,
                                .outcomes = asked->outcomes,
                                .count = asked->count,
                                .arena = asked->texts ? asked->texts : &self->arena};
    struct vendor_connection_config own = *config;
    own.caller = asked->caller;
    struct vendor_connection *connection = vendor_connection_new(&own);
    bool open = connector->ops->open(connection), written = false;
    while (!written && open) {
        size_t used = self->arena.used;
        written = connector->ops->write(connection, &query, &batch);
        asked->kept += self->arena.used - used;
        open = vendor_state(connection) == VENDOR_STALE && vendor_renew(connection);
    }
    assert_int_equal(written, write_batch_is_known(&batch));
    vendor_close(connection);
    self->verdict = vendor_verdict(connection);
    assert_int_equal(written, self->verdict.kind == VERDICT_ACCEPTED);
}

const char *write_outcomes(struct script *script, const struct write_asked *asked)
{
    static const char *const ends[] = {
        [WRITE_LEFT] = "left",       [WRITE_DONE] = "written", [WRITE_REFUSED] = "refused",
        [WRITE_UNKNOWN] = "unknown", [WRITE_TAKEN] = "taken",
    };
    struct buf lines = buf_in(&script->arena, SCRIPT_TEXT_MAX);
    buf_add_cstr(&lines, "");
    for (size_t i = 0; i < asked->count; i++) {
        const struct write_outcome *outcome = &asked->outcomes[i];
        struct str text = outcome->end == WRITE_REFUSED ? outcome->message : outcome->id;
        buf_printf(&lines, "%s%s%.*s\n", ends[outcome->end], text.len > 0 ? " " : "",
                   STR_ARG(text));
    }
    return arena_cstr(&script->arena, buf_str(&lines));
}
