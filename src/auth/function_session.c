/* A map from access key id to session, under one lock: a look-up copies what it finds, so that a
 * session may end while a request that was signed with it is on its way. */
#include "auth/function_session.h"

#include "base/alloc.h"
#include "base/map.h"
#include "base/random.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const struct str TOKEN_PREFIX = STR("HGFS.");

struct function_sessions {
    pthread_mutex_t lock;
    struct map by_id;
};

/* Texts are on the heap; STR_NULL: not granted. */
struct function_session {
    struct map_link link; /* its name is `id` */
    struct function_sessions *sessions;
    char id[FUNCTION_SESSION_ID_SIZE];
    struct secret *secret_access_key, *token;
    struct str function_arn;
    struct str account, secret_arn, request_id;
    struct secret *secret_text; /* NULL: none was given */
    int requests;               /* since the last grant, at most one more than the limit */
};

struct function_sessions *function_sessions_new(void)
{
    struct function_sessions *sessions = xcalloc(1, sizeof(*sessions));
    pthread_mutex_init(&sessions->lock, NULL);
    return sessions;
}

void function_sessions_free(struct function_sessions *sessions)
{
    if (!sessions)
        return;
    assert(sessions->by_id.count == 0);
    map_done(&sessions->by_id);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions);
}

static void set_text(struct str *text, struct str to)
{
    free((char *)text->data);
    *text = STR_NULL;
    if (!to.data)
        return;
    char *copy = xmalloc(to.len + 1);
    memcpy(copy, to.data, to.len);
    *text = (struct str){copy, to.len};
}

/* Under the lock. */
static void drop_grant(struct function_session *session)
{
    set_text(&session->secret_arn, STR_NULL);
    set_text(&session->request_id, STR_NULL);
    secret_free(session->secret_text);
    session->secret_text = NULL;
}

static void make_credentials(struct function_credentials *credentials)
{
    memcpy(credentials->access_key_id, "ASIA", 4);
    random_text(RANDOM_ID_LETTERS, credentials->access_key_id + 4, FUNCTION_SESSION_ID_SIZE - 5);
    random_text(RANDOM_SECRET_LETTERS, credentials->secret_access_key,
                FUNCTION_SESSION_SECRET_SIZE - 1);
    memcpy(credentials->session_token, TOKEN_PREFIX.data, TOKEN_PREFIX.len);
    random_text(RANDOM_SECRET_LETTERS, credentials->session_token + TOKEN_PREFIX.len,
                FUNCTION_SESSION_TOKEN_SIZE - TOKEN_PREFIX.len - 1);
}

struct function_session *function_session_new(struct function_sessions *sessions,
                                              struct str account, struct str function_arn,
                                              struct function_credentials *ret_credentials)
{
    struct function_session *session = xcalloc(1, sizeof(*session));
    make_credentials(ret_credentials);
    session->sessions = sessions;
    memcpy(session->id, ret_credentials->access_key_id, sizeof(session->id));
    session->link.name = str_from(session->id);
    session->secret_access_key = secret_new(str_from(ret_credentials->secret_access_key));
    session->token = secret_new(str_from(ret_credentials->session_token));
    set_text(&session->account, account);
    set_text(&session->function_arn, function_arn);
    pthread_mutex_lock(&sessions->lock);
    map_add(&sessions->by_id, &session->link);
    pthread_mutex_unlock(&sessions->lock);
    return session;
}

void function_session_free(struct function_session *session)
{
    if (!session)
        return;
    pthread_mutex_lock(&session->sessions->lock);
    map_remove(&session->sessions->by_id, &session->link);
    pthread_mutex_unlock(&session->sessions->lock);
    drop_grant(session);
    set_text(&session->account, STR_NULL);
    set_text(&session->function_arn, STR_NULL);
    secret_free(session->secret_access_key);
    secret_free(session->token);
    free(session);
}

void function_session_grant(struct function_session *session, const struct function_grant *grant)
{
    struct secret *text = grant->secret_text.data ? secret_new(grant->secret_text) : NULL;
    pthread_mutex_lock(&session->sessions->lock);
    drop_grant(session);
    set_text(&session->account, grant->account);
    set_text(&session->secret_arn, grant->secret_arn);
    set_text(&session->request_id, grant->request_id);
    session->secret_text = text;
    session->requests = 0;
    pthread_mutex_unlock(&session->sessions->lock);
}

void function_session_revoke(struct function_session *session)
{
    pthread_mutex_lock(&session->sessions->lock);
    drop_grant(session);
    pthread_mutex_unlock(&session->sessions->lock);
}

bool function_token_is_ours(struct str token)
{
    return str_starts(token, TOKEN_PREFIX);
}

static struct str copy_text(struct arena *arena, struct str text)
{
    return text.data ? arena_copy(arena, text) : STR_NULL;
}

/* Under the lock. */
static void describe(const struct function_session *session, struct arena *arena,
                     struct function_caller *ret_caller)
{
    *ret_caller = (struct function_caller){
        .account = copy_text(arena, session->account),
        .function_arn = copy_text(arena, session->function_arn),
        .secret_arn = copy_text(arena, session->secret_arn),
        .request_id = copy_text(arena, session->request_id),
        .requests = session->requests,
    };
    if (session->secret_text)
        ret_caller->secret_text = arena_copy(arena, secret_reveal(session->secret_text));
}

struct secret *function_session_find(struct function_sessions *sessions, struct str access_key_id,
                                     struct str token, struct arena *arena,
                                     struct function_caller *ret_caller)
{
    struct secret *secret = NULL;
    pthread_mutex_lock(&sessions->lock);
    struct function_session *session =
        (struct function_session *)(void *)map_find(&sessions->by_id, access_key_id);
    if (session && secret_bytes_eq(token, secret_reveal(session->token))) {
        session->requests += session->requests <= FUNCTION_REQUESTS_MAX;
        describe(session, arena, ret_caller);
        secret = secret_new(secret_reveal(session->secret_access_key));
    }
    pthread_mutex_unlock(&sessions->lock);
    return secret;
}
