/* Paths are compared as the kernel has them, without symbolic links. */
#include "cli/secret_paths.h"

#include "base/str.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[SECRET_PATHS_MAX] = {"config", "data", "keyring", "tls-key",
                                                    "webhook-secret"};

size_t secret_paths(const struct options *options, const char *ret_paths[SECRET_PATHS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < SECRET_PATHS_MAX; i++) {
        const char *path = options_text(options, names[i]);
        if (path)
            ret_paths[count++] = path;
    }
    return count;
}

const char *secret_paths_of_rule(const char *rule)
{
    static const char file[] = "=file:";
    const char *found = strstr(rule, file);
    return found ? found + strlen(file) : NULL;
}

/* What is not there yet is where its directory is. */
static void real_path(const char *path, char real[PATH_MAX])
{
    char directory[PATH_MAX], name[PATH_MAX], place[PATH_MAX];
    if (realpath(path, real))
        return;
    snprintf(directory, sizeof(directory), "%s", path);
    snprintf(name, sizeof(name), "%s", path);
    if (!realpath(dirname(directory), place) ||
        snprintf(real, PATH_MAX, "%s/%s", place, basename(name)) >= PATH_MAX)
        snprintf(real, PATH_MAX, "%s", path);
}

static bool is_within(struct str path, struct str directory)
{
    return str_starts(path, directory) &&
           (path.len == directory.len || path.data[directory.len] == '/');
}

static bool check_rule(const struct options *options, const char *rule, struct error *error)
{
    char directory[PATH_MAX], real[PATH_MAX];
    const char *given = secret_paths_of_rule(rule);
    if (!given)
        return true;
    real_path(given, directory);
    for (size_t i = 0; i < SECRET_PATHS_MAX; i++) {
        const char *path = options_text(options, names[i]);
        if (!path)
            continue;
        real_path(path, real);
        if (is_within(str_from(real), str_from(directory)) ||
            is_within(str_from(directory), str_from(real)))
            return fail(error, ERR_VALIDATION,
                        "--reference %s would allow files of the server itself: --%s is %s. Use a "
                        "directory apart from it.",
                        rule, names[i], path);
    }
    return true;
}

bool secret_paths_check(const struct options *options, struct error *error)
{
    const struct option_value *rules = options_list(options, "reference");
    for (int i = 0; i < rules->count; i++) {
        if (!check_rule(options, rules->texts[i], error))
            return false;
    }
    return true;
}
