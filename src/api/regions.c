/* A table made from api/aws-regions.txt. */
#include "api/regions.h"

#include "wire/sigv4.h"

static const struct str of_aws[] = {
#include "aws_regions.inc"
};

struct str region_find(const struct regions *regions, struct str name)
{
    for (size_t i = 0; i < sizeof(of_aws) / sizeof(*of_aws); i++) {
        if (str_eq(of_aws[i], name))
            return of_aws[i];
    }
    for (size_t i = 0; i < regions->count; i++) {
        if (str_eq(str_from(regions->more[i]), name))
            return str_from(regions->more[i]);
    }
    return STR_NULL;
}

bool region_is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-')
            return false;
    }
    return text.len > 0 && text.len <= SIGV4_REGION_MAX;
}
