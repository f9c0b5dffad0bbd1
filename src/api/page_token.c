/* base64url(position | hash[16]). What begins with UTF-8 never begins with a hyphen then, which the
 * AWS CLI would take for an option instead of the value of --next-token. */
#include "api/page_token.h"

#include "base/buf.h"
#include "base/encode.h"
#include "vault/seal.h"

#include <string.h>

enum {
    PAGE_DEFAULT = 20, /* the API's own for every paged operation */
    TAG_SIZE = 16,     /* bytes; a forger has one chance in 2^128 */
    FILTERS_MAX = 512 * 1024,
};

size_t page_size(const struct api_request *request)
{
    return (size_t)value_integer(request->input, "maxResults", PAGE_DEFAULT);
}

/* Page size and token may change from page to page, the filters may not. */
static struct str filters_of(struct api_request *request)
{
    struct buf filters = buf_in(request->arena, FILTERS_MAX);
    for (size_t i = 0; i < request->input->count; i++) {
        struct str name = request->input->names[i];
        if (str_eq(name, STR("nextToken")) || str_eq(name, STR("maxResults")))
            continue;
        buf_add(&filters, name);
        buf_add_char(&filters, '=');
        value_encode(&filters, request->input->items[i]);
        buf_add_char(&filters, '\n');
    }
    return buf_str(&filters);
}

static void tag_of(struct api_request *request, struct str position, unsigned char tag[TAG_SIZE])
{
    unsigned char hash[KEYED_HASH_SIZE];
    struct str parts[] = {STR("page"),
                          request->operation->name,
                          request->caller.account,
                          request->caller.region,
                          filters_of(request),
                          position};
    keyed_hash(request->service->config.service_secret, parts, sizeof(parts) / sizeof(*parts),
               hash);
    memcpy(tag, hash, TAG_SIZE);
}

struct str page_token_make(struct api_request *request, struct str position)
{
    char *bytes = arena_alloc(request->arena, position.len + TAG_SIZE);
    memcpy(bytes, position.data, position.len);
    tag_of(request, position, (unsigned char *)bytes + position.len);
    return encode_base64url(request->arena, (struct str){bytes, position.len + TAG_SIZE});
}

bool page_token_read(struct api_request *request, struct str *ret_position)
{
    struct str token = value_text(request->input, "nextToken");
    struct str bytes;
    unsigned char tag[TAG_SIZE];
    *ret_position = STR_NULL;
    if (!token.data)
        return true;
    if (decode_base64url(request->arena, token, &bytes) && bytes.len >= TAG_SIZE) {
        struct str position = {bytes.data, bytes.len - TAG_SIZE};
        tag_of(request, position, tag);
        if (secret_bytes_eq((struct str){(char *)tag, TAG_SIZE},
                            (struct str){bytes.data + position.len, TAG_SIZE})) {
            *ret_position = position;
            return true;
        }
    }
    return fail(&request->error, ERR_VALIDATION,
                "The nextToken is not one that was given for this request. Start again without it, "
                "and keep the filters the same from page to page.");
}
