/* The database's listener: a thread that takes connections, and one for each of them. */
#include "sandbox/postgres/postgres.h"

#include "base/alloc.h"
#include "sandbox/postgres/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REST_MS = 100 };

enum seat_state { SESSION_FREE, SESSION_TAKEN, SESSION_LEFT };

struct served_session {
    struct database *database;
    pthread_t thread;
    int fd;
    enum seat_state state; /* under the database's lock */
};

struct database {
    struct database_context context;
    struct ca *ca;
    int listener;
    int port;
    int stop_fd;
    bool running;
    bool stopping; /* under the lock */
    pthread_t thread;
    pthread_mutex_t lock;
    struct served_session sessions[DATABASE_CONNECTIONS_MAX];
};

static int choose_context(SSL *ssl, int *alert, void *argument)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *context = ca_context_for(argument, name ? name : "localhost");
    if (context && SSL_set_SSL_CTX(ssl, context))
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void *serve_session(void *argument)
{
    struct served_session *session = argument;
    struct database *database = session->database;
    struct wire wire = {.fd = session->fd, .stop_fd = database->stop_fd};
    pthread_setname_np(pthread_self(), "database");
    database_converse(&wire, &database->context);
    SSL_free(wire.ssl);
    arena_done(&wire.arena);
    pthread_mutex_lock(&database->lock);
    close(session->fd);
    session->state = SESSION_LEFT;
    pthread_mutex_unlock(&database->lock);
    return NULL;
}

/* Under the lock. */
static struct served_session *find_session(struct database *database)
{
    for (size_t i = 0; i < DATABASE_CONNECTIONS_MAX; i++) {
        struct served_session *session = &database->sessions[i];
        if (session->state == SESSION_LEFT) {
            pthread_join(session->thread, NULL); /* it has nothing left to do */
            session->state = SESSION_FREE;
        }
        if (session->state == SESSION_FREE)
            return session;
    }
    return NULL;
}

static void take_client(struct database *database, int fd)
{
    struct timeval idle = {.tv_sec = IDLE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
    pthread_mutex_lock(&database->lock);
    struct served_session *session = database->stopping ? NULL : find_session(database);
    if (session) {
        session->database = database;
        session->fd = fd;
        if (pthread_create(&session->thread, NULL, serve_session, session) == 0)
            session->state = SESSION_TAKEN;
        else
            session = NULL;
    }
    pthread_mutex_unlock(&database->lock);
    if (!session)
        close(fd);
}

static bool is_stopping(struct database *database)
{
    pthread_mutex_lock(&database->lock);
    bool stopping = database->stopping;
    pthread_mutex_unlock(&database->lock);
    return stopping;
}

static void rest(struct database *database)
{
    struct pollfd fd = {.fd = database->stop_fd, .events = POLLIN};
    poll(&fd, 1, REST_MS);
}

static void *accept_main(void *argument)
{
    struct database *database = argument;
    pthread_setname_np(pthread_self(), "database");
    while (!is_stopping(database)) {
        int fd = accept4(database->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            take_client(database, fd);
        else
            rest(database); /* out of descriptors, perhaps: others will give theirs back */
    }
    return NULL;
}

/* A literal address of either family. */
static bool read_address(const char *host, int port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
    *ret_address = (struct sockaddr_storage){.ss_family = AF_INET6};
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_port = htons((uint16_t)port);
        return true;
    }
    *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

static bool open_listener(struct database *database, const char *host, int port)
{
    struct sockaddr_storage address;
    struct sockaddr *any = (struct sockaddr *)&address;
    socklen_t size = sizeof(address);
    int on = 1;
    if (!read_address(host, port, &address))
        return false;
    database->listener = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (database->listener < 0)
        return false;
    setsockopt(database->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(database->listener, any, size) != 0 ||
        listen(database->listener, DATABASE_CONNECTIONS_MAX) != 0 ||
        getsockname(database->listener, any, &size) != 0)
        return false;
    /* The port is at the same place in both families. */
    database->port = ntohs(((struct sockaddr_in *)&address)->sin_port);
    return true;
}

static bool open_tls(struct database *database)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    database->context.tls = tls;
    if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION))
        return false;
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_tlsext_servername_callback(tls, choose_context);
    SSL_CTX_set_tlsext_servername_arg(tls, database->ca);
    return true;
}

/* Signals are other threads' business; with SIGPIPE blocked a client that has gone is an error of
 * write(2). The threads of connections inherit that. */
static bool start_thread(struct database *database)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    database->running = pthread_create(&database->thread, NULL, accept_main, database) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return database->running;
}

bool database_start(const char *host, int port, struct ca *ca, struct memory *memory,
                    struct loaded *loaded, struct database **ret_database, struct error *error)
{
    struct database *database = xcalloc(1, sizeof(*database));
    pthread_mutex_init(&database->lock, NULL);
    database->ca = ca;
    database->listener = -1;
    database->context.memory = memory;
    database->context.loaded = loaded;
    database->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (database->stop_fd < 0 || !open_listener(database, host, port) || !open_tls(database) ||
        !start_thread(database)) {
        database_stop(database);
        return fail(error, ERR_INTERNAL, "The sandbox's database cannot listen on %s:%d.", host,
                    port);
    }
    *ret_database = database;
    return true;
}

/* Wakes every thread; each then ends by itself. */
static void cut_all(struct database *database)
{
    eventfd_write(database->stop_fd, 1);
    pthread_mutex_lock(&database->lock);
    database->stopping = true;
    for (size_t i = 0; i < DATABASE_CONNECTIONS_MAX; i++) {
        if (database->sessions[i].state == SESSION_TAKEN)
            shutdown(database->sessions[i].fd, SHUT_RDWR);
    }
    pthread_mutex_unlock(&database->lock);
    shutdown(database->listener, SHUT_RDWR);
}

static bool is_in_use(struct served_session *session)
{
    if (!session->database)
        return false;
    pthread_mutex_lock(&session->database->lock);
    bool in_use = session->state != SESSION_FREE;
    pthread_mutex_unlock(&session->database->lock);
    return in_use;
}

void database_stop(struct database *database)
{
    if (!database)
        return;
    if (database->running) {
        cut_all(database);
        pthread_join(database->thread, NULL);
        for (size_t i = 0; i < DATABASE_CONNECTIONS_MAX; i++) {
            if (is_in_use(&database->sessions[i]))
                pthread_join(database->sessions[i].thread, NULL);
        }
    }
    if (database->listener >= 0)
        close(database->listener);
    if (database->stop_fd >= 0)
        close(database->stop_fd);
    SSL_CTX_free(database->context.tls);
    pthread_mutex_destroy(&database->lock);
    free(database);
}

int database_port(const struct database *database)
{
    return database->port;
}
