/* What a local connector's process may do with files and other processes (Landlock, where the
 * kernel has it): it reads all that the server's user may read but for the server's own data and
 * keys, it writes its temporary directories, and it neither traces nor signals processes that it
 * has not started.
 *
 * Landlock knows what is allowed and nothing that is refused. So what is allowed to be read is
 * everything next to the way from "/" to the hidden paths, one rule an entry. Names in directories
 * may be listed everywhere. */
#include "connector/custom/keeper.h"

#include "base/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
    ENTRIES_MAX = 16 * 1024, /* rules; what is beyond them cannot be read */
    ABI_TRUNCATE = 3,        /* of Linux 6.2, 6.12; Debian 12's header has 6.1's */
    ABI_SCOPES = 6,
    ACCESS_FS_TRUNCATE = 1 << 14,
    SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0,
    SCOPE_SIGNAL = 1 << 1,
};

static const uint64_t write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* Linux 6.12's struct landlock_ruleset_attr. */
struct ruleset_attributes {
    uint64_t handled_access_fs, handled_access_net, scoped;
};

struct ruleset {
    int fd;
    uint64_t writing; /* rights to write that this kernel knows */
    size_t entries;
    char hidden[HIDDEN_PATHS_MAX][PATH_MAX]; /* resolved; "": it is not there */
};

/* --- paths --- */

/* Whether the path is `above`, or beneath it, or the file that replaces it in a moment: a keyring
 * is written as FILE.new-… first. */
static bool is_within(const char *path, const char *above)
{
    size_t len = strlen(above);
    return strncmp(path, above, len) == 0 &&
           (path[len] == '\0' || path[len] == '/' || strncmp(path + len, ".new-", 5) == 0);
}

static bool is_hidden(const struct ruleset *rules, const char *path)
{
    for (int i = 0; i < HIDDEN_PATHS_MAX; i++) {
        if (rules->hidden[i][0] && is_within(path, rules->hidden[i]))
            return true;
    }
    return false;
}

static bool leads_to_hidden(const struct ruleset *rules, const char *path)
{
    for (int i = 0; i < HIDDEN_PATHS_MAX; i++) {
        if (rules->hidden[i][0] && is_within(rules->hidden[i], path))
            return true;
    }
    return false;
}

/* --- rules --- */

/* A file takes the rights of files alone; what cannot be opened needs no rule. */
static void allow(struct ruleset *rules, const char *path, uint64_t rights)
{
    _cleanup_close_ int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || S_ISLNK(status.st_mode))
        return;
    if (!S_ISDIR(status.st_mode))
        rights &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                  LANDLOCK_ACCESS_FS_EXECUTE | (uint64_t)ACCESS_FS_TRUNCATE;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    syscall(SYS_landlock_add_rule, rules->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

/* All beneath the directory but for what is hidden; `path` is "" for "/". */
static void allow_reading(struct ruleset *rules, const char *path)
{
    char entry_path[PATH_MAX];
    struct dirent *entry;
    DIR *directory = opendir(*path ? path : "/");
    while (directory && (entry = readdir(directory)) && rules->entries < ENTRIES_MAX) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            snprintf(entry_path, sizeof(entry_path), "%s/%s", path, entry->d_name) >= PATH_MAX ||
            is_hidden(rules, entry_path))
            continue;
        if (leads_to_hidden(rules, entry_path)) {
            allow_reading(rules, entry_path);
            continue;
        }
        rules->entries++;
        allow(rules, entry_path, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE);
    }
    if (directory)
        closedir(directory);
}

/* Lambda's functions know /tmp as theirs. The process's own directory is usually beneath it. */
static void allow_writing(struct ruleset *rules, const char *scratch)
{
    static const char *const places[] = {"/tmp", "/var/tmp", "/dev/shm"};
    uint64_t rights = rules->writing | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (!leads_to_hidden(rules, places[i]) && !is_hidden(rules, places[i]))
            allow(rules, places[i], rights);
    }
    allow(rules, scratch, rights);
    allow(rules, "/dev/null", LANDLOCK_ACCESS_FS_WRITE_FILE);
}

bool isolate(const struct launch_received *launch)
{
    struct ruleset rules = {0};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (launch->isolation == ISOLATION_OFF || (abi < 1 && launch->isolation == ISOLATION_ON))
        return true;
    rules.writing = write_rights | (abi >= ABI_TRUNCATE ? (uint64_t)ACCESS_FS_TRUNCATE : 0);
    struct ruleset_attributes attributes = {
        .handled_access_fs =
            rules.writing | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE,
        .scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL,
    };
    size_t size = abi >= ABI_SCOPES ? sizeof(attributes) : sizeof(attributes.handled_access_fs);
    for (size_t i = 0; i < launch->hidden_count && i < HIDDEN_PATHS_MAX; i++) {
        if (!realpath(launch->hidden[i], rules.hidden[i]))
            rules.hidden[i][0] = '\0';
    }
    rules.fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, size, 0);
    if (rules.fd < 0)
        return launch->isolation == ISOLATION_ON;
    allow_reading(&rules, "");
    allow_writing(&rules, launch->scratch);
    bool done = syscall(SYS_landlock_restrict_self, rules.fd, 0) == 0;
    int reason = errno;
    close(rules.fd);
    errno = reason;
    return done || launch->isolation == ISOLATION_ON;
}
