/* Drives Kannel's sendsms as fast as it answers: one thread, epoll, kept-alive connections, one request on each.
 *
 *   kannel_drive PORT CONNECTIONS PATH
 *
 * PATH is everything before the number, which comes last. Each line "FIRST COUNT" on stdin sends COUNT requests to the
 * numbers 62812%08d from FIRST on and is answered "ACCEPTED MICROSECONDS": how many were answered 202 with
 * "0: Accepted for delivery", which Kannel says when its store has them, and the processor time this program took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 4096

struct lane { int fd; size_t size; char bytes[ROOM]; };

static const char *path;
static struct lane *lanes;
static int loop_fd, width;
static long next, last, answered, accepted;

static void die(const char *says) { perror(says); exit(1); }

static void ask(struct lane *lane) {
    char request[ROOM];
    if (next >= last) return;
    int n = snprintf(request, sizeof request, "GET %s62812%08ld HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path, next++);
    if (n >= ROOM || send(lane->fd, request, (size_t)n, MSG_NOSIGNAL) != n) die("kannel_drive: send");
}

/* One request is out on a lane, so what has arrived is one answer or the beginning of it. */
static void hear(struct lane *lane) {
    ssize_t n = recv(lane->fd, lane->bytes + lane->size, ROOM - 1 - lane->size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { errno = n ? errno : ECONNRESET; die("kannel_drive: the peer hung up"); }
    lane->size += (size_t)n;
    lane->bytes[lane->size] = 0;
    char *stop = strstr(lane->bytes, "\r\n\r\n"), *length = strcasestr(lane->bytes, "content-length:");
    if (!stop || !length || length > stop) return;
    if (lane->size < (size_t)(stop + 4 - lane->bytes) + strtoul(length + 15, NULL, 10)) return;
    answered++;
    accepted += !strncmp(lane->bytes, "HTTP/1.1 202", 12) && !strncmp(stop + 4, "0: ", 3);
    lane->size = 0;
    ask(lane);
}

static void open_lane(struct lane *lane, int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = lane};
    int on = 1;
    lane->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(lane->fd, (struct sockaddr *)&at, sizeof at) < 0) die("kannel_drive: connect");
    setsockopt(lane->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (epoll_ctl(loop_fd, EPOLL_CTL_ADD, lane->fd, &wanted) < 0) die("kannel_drive: epoll");
}

static long used(void) {
    struct rusage all;
    getrusage(RUSAGE_SELF, &all);
    return (all.ru_utime.tv_sec + all.ru_stime.tv_sec) * 1000000L + all.ru_utime.tv_usec + all.ru_stime.tv_usec;
}

static void drive(long first, long count) {
    struct epoll_event events[256];
    long before = used();
    next = first, last = first + count, answered = accepted = 0;
    for (int n = 0; n < width; n++) ask(&lanes[n]);
    while (answered < count) {
        int ready = epoll_wait(loop_fd, events, 256, -1);
        for (int n = 0; n < ready; n++) hear(events[n].data.ptr);
    }
    printf("%ld %ld\n", accepted, used() - before);
    fflush(stdout);
}

int main(int argc, char **argv) {
    long first, count;
    if (argc != 4 || (width = atoi(argv[2])) < 1) {
        fprintf(stderr, "usage: kannel_drive PORT CONNECTIONS PATH\n");
        return 2;
    }
    path = argv[3];
    loop_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!(lanes = calloc((size_t)width, sizeof *lanes))) die("kannel_drive: memory");
    for (int n = 0; n < width; n++) open_lane(&lanes[n], atoi(argv[1]));
    while (scanf("%ld %ld", &first, &count) == 2) drive(first, count);
    return 0;
}
