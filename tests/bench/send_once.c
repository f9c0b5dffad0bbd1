/* Sends each of the requests once over keep-alive connections, for what works only once (creating,
 * deleting), and prints how many were answered with 200 and in how many seconds.
 *
 *     send_once PORT CONNECTIONS FILE     FILE: a length in bytes on a line, then the bytes, … */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 1024, ANSWER_MAX = 64 * 1024, WAIT_MS = 30 * 1000 };

struct connection {
    size_t len;
    char answer[ANSWER_MAX + 1];
};

static char *requests;
static size_t size, at, good, answered, sent;
static struct pollfd polled[CONNECTIONS_MAX];
static struct connection *connections;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(path);
    size = (size_t)ftell(file);
    rewind(file);
    requests = malloc(size + 1);
    if (!requests || fread(requests, 1, size, file) != size)
        die(path);
    requests[size] = '\0';
    fclose(file);
}

static int open_connection(int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((unsigned short)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* Requests are small enough for a socket's buffer. */
static void send_next(size_t which)
{
    char *bytes;
    if (at >= size) {
        polled[which].fd = -1;
        return;
    }
    size_t len = strtoul(requests + at, &bytes, 10);
    bytes++;
    if (write(polled[which].fd, bytes, len) != (ssize_t)len)
        die("write");
    at = (size_t)(bytes - requests) + len;
    sent++;
}

static int is_whole(const struct connection *connection)
{
    const char *end = strstr(connection->answer, "\r\n\r\n");
    const char *length = end ? strcasestr(connection->answer, "\r\nContent-Length:") : NULL;
    return length && connection->len >=
                         (size_t)(end + 4 - connection->answer) + strtoul(length + 17, NULL, 10);
}

static void receive(size_t which)
{
    struct connection *connection = &connections[which];
    ssize_t got =
        read(polled[which].fd, connection->answer + connection->len, ANSWER_MAX - connection->len);
    if (got <= 0)
        die("read");
    connection->len += (size_t)got;
    connection->answer[connection->len] = '\0';
    if (!is_whole(connection))
        return;
    good += strncmp(connection->answer, "HTTP/1.1 200 ", 13) == 0;
    answered++;
    connection->len = 0;
    send_next(which);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int port = atoi(argv[1]);
    size_t count = strtoul(argv[2], NULL, 10);
    if (count == 0 || count > CONNECTIONS_MAX)
        return 2;
    load(argv[3]);
    connections = calloc(count, sizeof(*connections));
    if (!connections)
        die("memory");
    for (size_t i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = open_connection(port), .events = POLLIN};
    double start = now();
    for (size_t i = 0; i < count; i++)
        send_next(i);
    while (answered < sent) {
        if (poll(polled, count, WAIT_MS) <= 0)
            die("poll");
        for (size_t i = 0; i < count; i++) {
            if (polled[i].fd >= 0 && polled[i].revents)
                receive(i);
        }
    }
    printf("%zu %zu %.6f\n", good, answered, now() - start);
    return 0;
}
