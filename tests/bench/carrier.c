/* A carrier without a delay of its own: one thread, epoll, takes everything it is given.
 *
 *   carrier http|smpp PORT DELAY_MS RECEIPTS
 *
 * http: POST with Content-Length over kept-alive connections, answered as the Telegram Bot API answers sendMessage.
 * smpp: an SMPP 3.4 SMSC. It prints "PORT CONTROL\n" and ends when its stdin does. PORT 0 takes a free one.
 * The control port takes lines: "figures" or "reset", each answered with one line of JSON (before the reset).
 * A send counts when it has been read whole, which is before its answer leaves when there is a delay.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MOST_FDS 16384
#define CHUNK 65536
#define LONGEST 512             /* bytes of one answer */
#define POLL_NS 20000000000LL   /* how long getUpdates is held: nobody writes to this bot */
#define SUBMIT 0x04u
#define SUBMIT_RESP 0x80000004u

enum kind { HTTP, SMPP, CONTROL };

struct buffer { char *bytes; size_t start, end, room; };
struct connection { int open; enum kind kind; unsigned generation; int hears, writing; struct buffer in, out; };
struct held { int64_t due; int fd; unsigned generation; unsigned size; char bytes[LONGEST]; };
struct queue { struct held *ring; size_t first, count, room; };
struct seen { uint64_t key; uint32_t times; };

static struct connection *connections;
static struct queue delayed, polls;
static struct seen *table;
static size_t table_room = 1 << 16;
static int loop_fd, timer_fd, want_receipts, hearing = -1;
static enum kind spoken;
static int64_t delay_ns, armed;
static uint64_t count, distinct, most, first_ns, last_ns, next_id = 1;

static void die(const char *says) { perror(says); exit(1); }

static void *need(void *memory) { if (!memory) die("carrier: memory"); return memory; }

static int64_t clock_ns(clockid_t which) {
    struct timespec at;
    clock_gettime(which, &at);
    return (int64_t)at.tv_sec * 1000000000LL + at.tv_nsec;
}

/* ---- who was reached, and how often ---------------------------------------------------------------------- */

static void put(struct seen *where, size_t room, struct seen one) {
    size_t at = one.key & (room - 1);
    while (where[at].times) at = (at + 1) & (room - 1);
    where[at] = one;
}

static void grow(void) {
    struct seen *larger = need(calloc(table_room * 2, sizeof *larger));
    for (size_t n = 0; n < table_room; n++) if (table[n].times) put(larger, table_room * 2, table[n]);
    free(table);
    table = larger;
    table_room *= 2;
}

/* 64 bits of hash stand for the destination: two of a million meet once in some ten million runs. */
static void taken(const char *destination, size_t size) {
    uint64_t key = 14695981039346656037ull;
    for (size_t n = 0; n < size; n++) key = (key ^ (unsigned char)destination[n]) * 1099511628211ull;
    key ^= key >> 32;
    size_t at = key & (table_room - 1);
    while (table[at].times && table[at].key != key) at = (at + 1) & (table_room - 1);
    if (!table[at].times) distinct++;
    table[at].key = key;
    if (++table[at].times > most) most = table[at].times;
    if (distinct * 2 > table_room) grow();
    last_ns = (uint64_t)clock_ns(CLOCK_REALTIME);
    if (!count++) first_ns = last_ns;
}

static void forget(void) {
    memset(table, 0, table_room * sizeof *table);
    count = distinct = most = first_ns = last_ns = 0;
}

/* ---- connections ----------------------------------------------------------------------------------------- */

static void make_room(struct buffer *b, size_t more) {
    if (b->start == b->end) b->start = b->end = 0;
    if (b->room - b->end >= more) return;
    memmove(b->bytes, b->bytes + b->start, b->end - b->start);
    b->end -= b->start;
    b->start = 0;
    if (b->room - b->end >= more) return;
    b->room = (b->room + more) * 2;
    b->bytes = need(realloc(b->bytes, b->room));
}

static void watch(int fd, int writing) {
    struct epoll_event wanted = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.fd = fd};
    connections[fd].writing = writing;
    if (epoll_ctl(loop_fd, EPOLL_CTL_MOD, fd, &wanted) < 0) die("carrier: epoll");
}

static void end(int fd) {
    struct connection *c = &connections[fd];
    if (hearing == fd) hearing = -1;
    c->open = 0;
    c->generation++;
    c->in.start = c->in.end = c->out.start = c->out.end = 0;
    close(fd);
}

static void flush(int fd) {
    struct connection *c = &connections[fd];
    while (c->open && c->out.start < c->out.end) {
        ssize_t n = send(fd, c->out.bytes + c->out.start, c->out.end - c->out.start, MSG_NOSIGNAL);
        if (n > 0) { c->out.start += (size_t)n; continue; }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) { if (!c->writing) watch(fd, 1); return; }
        end(fd);
        return;
    }
    if (c->open && c->writing) watch(fd, 0);
}

static void write_out(int fd, const char *bytes, size_t size) {
    struct buffer *out = &connections[fd].out;
    make_room(out, size);
    memcpy(out->bytes + out->end, bytes, size);
    out->end += size;
}

/* ---- answers that wait: the delay is constant, so first in is first out ------------------------------------ */

static void hold(struct queue *q, int64_t wait, int fd, const char *bytes, size_t size) {
    if (q->count == q->room) {
        size_t room = q->room ? q->room * 2 : 1024;
        struct held *ring = need(malloc(room * sizeof *ring));
        for (size_t n = 0; n < q->count; n++) ring[n] = q->ring[(q->first + n) % q->room];
        free(q->ring);
        *q = (struct queue){.ring = ring, .first = 0, .count = q->count, .room = room};
    }
    struct held *one = &q->ring[(q->first + q->count++) % q->room];
    *one = (struct held){.due = clock_ns(CLOCK_MONOTONIC) + wait, .fd = fd,
                         .generation = connections[fd].generation, .size = (unsigned)size};
    memcpy(one->bytes, bytes, size);
}

static void answer(int fd, const char *bytes, size_t size) {
    if (delay_ns) hold(&delayed, delay_ns, fd, bytes, size);
    else write_out(fd, bytes, size);
}

static void release(struct queue *q, int64_t now) {
    while (q->count && q->ring[q->first].due <= now) {
        struct held *one = &q->ring[q->first];
        if (connections[one->fd].open && connections[one->fd].generation == one->generation) {
            write_out(one->fd, one->bytes, one->size);
            flush(one->fd);
        }
        q->first = (q->first + 1) % q->room;
        q->count--;
    }
}

static void arm(void) {
    int64_t due = delayed.count ? delayed.ring[delayed.first].due : 0;
    if (polls.count && (!due || polls.ring[polls.first].due < due)) due = polls.ring[polls.first].due;
    if (due == armed) return;
    struct itimerspec at = {.it_value = {.tv_sec = due / 1000000000LL, .tv_nsec = due % 1000000000LL}};
    timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    armed = due;
}

/* ---- HTTP ------------------------------------------------------------------------------------------------ */

static size_t reply(char *into, const char *json, int size) {
    return (size_t)snprintf(into, LONGEST, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\n\r\n%s", size, json);
}

static size_t content_length(const char *head, const char *stop) {
    for (const char *line = head; line && line < stop; line = memmem(line, (size_t)(stop - line), "\r\n", 2)) {
        if (*line == '\r') line += 2;
        if (!strncasecmp(line, "content-length:", 15)) return strtoul(line + 15, NULL, 10);
    }
    return 0;
}

static void take_post(int fd, const char *body, size_t size) {
    char json[128], bytes[LONGEST];
    const char *stop = body + size, *at = memmem(body, size, "\"chat_id\"", 9);
    if (at) {
        for (at += 9; at < stop && (*at == ' ' || *at == ':' || *at == '"'); at++) {}
        const char *after = at;
        while (after < stop && *after != '"' && *after != ',' && *after != '}' && *after != ' ') after++;
        taken(at, (size_t)(after - at));
    } else taken("", 0);
    int n = snprintf(json, sizeof json, "{\"ok\":true,\"result\":{\"message_id\":%llu}}", (unsigned long long)next_id++);
    answer(fd, bytes, reply(bytes, json, n));
}

static int read_http(int fd) {
    struct buffer *in = &connections[fd].in;
    while (in->start < in->end) {
        const char *head = in->bytes + in->start;
        const char *stop = memmem(head, in->end - in->start, "\r\n\r\n", 4);
        if (!stop) return in->end - in->start < CHUNK;
        size_t length = content_length(head, stop + 2), whole = (size_t)(stop + 4 - head) + length;
        if (in->end - in->start < whole) return 1;
        const char *line = memchr(head, '\r', (size_t)(stop + 1 - head));
        if (memmem(head, (size_t)(line - head), "/getUpdates", 11)) {
            char bytes[LONGEST];
            hold(&polls, POLL_NS, fd, bytes, reply(bytes, "{\"ok\":true,\"result\":[]}", 23));
        } else take_post(fd, stop + 4, length);
        in->start += whole;
    }
    return 1;
}

/* ---- SMPP ------------------------------------------------------------------------------------------------ */

static uint32_t word(const char *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return ntohl(value);
}

static size_t pdu(char *into, uint32_t command, uint32_t sequence, const char *body, size_t size) {
    uint32_t head[4] = {htonl((uint32_t)(16 + size)), htonl(command), 0, htonl(sequence)};
    memcpy(into, head, 16);
    memcpy(into + 16, body, size);
    return 16 + size;
}

/* The end of a C string that must lie within the body; NULL when it does not. */
static const char *past(const char *at, const char *stop) {
    const char *zero = at && at < stop ? memchr(at, 0, (size_t)(stop - at)) : NULL;
    return zero ? zero + 1 : NULL;
}

static void receipt(int fd, const char *id, const char *destination) {
    static uint32_t sequence;
    int to = connections[fd].hears ? fd : hearing;
    if (to < 0) return;
    char body[LONGEST - 16], bytes[LONGEST], words[160];
    int says = snprintf(words, sizeof words, "id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 "
                        "stat:DELIVRD err:000 text:", id);
    int n = snprintf(body, sizeof body, "%c%c%c%.20s%c%c%cBPBD%c%c%c%c%c%c%c%c%c%c%c", 0, 1, 1, destination, 0,
                     5, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, says);
    memcpy(body + n, words, (size_t)says);
    n += says;
    n += snprintf(body + n, sizeof body - (size_t)n, "%c%c%c%c%s%c", 0, 0x1e, 0, (int)strlen(id) + 1, id, 0);
    n += snprintf(body + n, sizeof body - (size_t)n, "%c%c%c%c%c", 4, 0x27, 0, 1, 2);
    answer(to, bytes, pdu(bytes, 0x05, ++sequence & 0x7fffffff, body, (size_t)n));
    if (to != fd && !delay_ns) flush(to);
}

static void take_submit(int fd, uint32_t sequence, const char *body, const char *stop) {
    char id[24], bytes[LONGEST];
    const char *source = past(body, stop);                               /* service_type */
    const char *to = source ? past(source + 2, stop) : NULL;             /* source ton, npi, address */
    const char *after = to ? past(to + 2, stop) : NULL;                  /* destination ton, npi, address */
    if (after) taken(to + 2, (size_t)(after - to - 3));
    else taken("", 0);
    int n = snprintf(id, sizeof id, "%08llx", (unsigned long long)next_id++);
    answer(fd, bytes, pdu(bytes, SUBMIT_RESP, sequence, id, (size_t)n + 1));
    const char *validity = after ? past(after + 3, stop) : NULL;         /* class, protocol, priority, schedule */
    const char *asks = past(validity, stop);
    if (want_receipts && asks && asks < stop && (*asks & 1)) receipt(fd, id, to + 2);
}

static int take_pdu(int fd, uint32_t command, uint32_t sequence, const char *body, const char *stop) {
    char bytes[LONGEST];
    switch (command) {
    case SUBMIT:
        take_submit(fd, sequence, body, stop);
        return 1;
    case 0x01: case 0x02: case 0x09:                                     /* bind: receiver, transmitter, transceiver */
        if (command != 0x02) connections[fd].hears = 1, hearing = fd;
        write_out(fd, bytes, pdu(bytes, command | 0x80000000u, sequence, "carrier", 8));
        return 1;
    case 0x15:                                                           /* enquire_link */
        write_out(fd, bytes, pdu(bytes, 0x80000015u, sequence, "", 0));
        return 1;
    case 0x06:                                                           /* unbind */
        write_out(fd, bytes, pdu(bytes, 0x80000006u, sequence, "", 0));
        flush(fd);
        return 0;
    default:                                                             /* deliver_sm_resp and other answers */
        return 1;
    }
}

static int read_smpp(int fd) {
    struct buffer *in = &connections[fd].in;
    while (in->end - in->start >= 16) {
        const char *at = in->bytes + in->start;
        uint32_t size = word(at);
        if (size < 16 || size > 0x10400) return 0;
        if (in->end - in->start < size) return 1;
        if (!take_pdu(fd, word(at + 4), word(at + 12), at + 16, at + size)) return 0;
        in->start += size;
    }
    return 1;
}

/* ---- control and the loop -------------------------------------------------------------------------------- */

static int read_control(int fd) {
    struct buffer *in = &connections[fd].in;
    char *line, told[256];
    while ((line = memchr(in->bytes + in->start, '\n', in->end - in->start))) {
        int n = snprintf(told, sizeof told,
                         "{\"count\":%llu,\"first_ns\":%llu,\"last_ns\":%llu,\"distinct\":%llu,\"most\":%llu}\n",
                         (unsigned long long)count, (unsigned long long)first_ns, (unsigned long long)last_ns,
                         (unsigned long long)distinct, (unsigned long long)most);
        if (!strncmp(in->bytes + in->start, "reset", 5)) forget();
        write_out(fd, told, (size_t)n);
        in->start = (size_t)(line + 1 - in->bytes);
    }
    return in->end - in->start < CHUNK;
}

static void read_some(int fd) {
    struct connection *c = &connections[fd];
    make_room(&c->in, CHUNK);
    ssize_t n = recv(fd, c->in.bytes + c->in.end, c->in.room - c->in.end, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) { end(fd); return; }
    c->in.end += (size_t)n;
    int sound = c->kind == HTTP ? read_http(fd) : c->kind == SMPP ? read_smpp(fd) : read_control(fd);
    if (!c->open) return;
    if (sound) flush(fd);
    else end(fd);
}

static int listen_at(int port, int *found) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 4096) < 0) die("carrier: listen");
    getsockname(fd, (struct sockaddr *)&at, &size);
    *found = ntohs(at.sin_port);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(loop_fd, EPOLL_CTL_ADD, fd, &wanted);
    return fd;
}

static void welcome(int door, enum kind kind) {
    int fd, on = 1;
    while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MOST_FDS) { close(fd); continue; }
        struct connection *c = &connections[fd];
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        c->open = 1, c->kind = kind, c->hears = c->writing = 0;
        struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(loop_fd, EPOLL_CTL_ADD, fd, &wanted);
    }
}

static void watch_also(int fd) {
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(loop_fd, EPOLL_CTL_ADD, fd, &wanted);  /* a stdin that is a plain file cannot be watched: no matter */
}

static void run(int door, int control) {
    struct epoll_event events[256];
    for (;;) {
        arm();
        int ready = epoll_wait(loop_fd, events, 256, -1);
        for (int n = 0; n < ready; n++) {
            int fd = events[n].data.fd;
            char rest[64];
            if (fd == door) welcome(door, spoken);
            else if (fd == control) welcome(control, CONTROL);
            else if (fd == 0) { if (read(0, rest, sizeof rest) <= 0) return; }
            else if (fd == timer_fd) { if (read(fd, rest, 8) == 8) armed = 0; }
            else if (connections[fd].open) {
                if (events[n].events & EPOLLOUT) flush(fd);
                if (connections[fd].open && events[n].events & ~(unsigned)EPOLLOUT) read_some(fd);
            }
        }
        int64_t now = delayed.count || polls.count ? clock_ns(CLOCK_MONOTONIC) : 0;
        release(&delayed, now);
        release(&polls, now);
    }
}

int main(int argc, char **argv) {
    if (argc != 5) { fprintf(stderr, "usage: carrier http|smpp PORT DELAY_MS RECEIPTS\n"); return 2; }
    struct rlimit files = {MOST_FDS, MOST_FDS};
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    spoken = strcmp(argv[1], "smpp") ? HTTP : SMPP;
    delay_ns = (int64_t)(atof(argv[3]) * 1e6);
    want_receipts = atoi(argv[4]);
    connections = need(calloc(MOST_FDS, sizeof *connections));
    table = need(calloc(table_room, sizeof *table));
    loop_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    int port, asked;
    int door = listen_at(atoi(argv[2]), &port), control = listen_at(0, &asked);
    watch_also(timer_fd);
    watch_also(0);
    printf("%d %d\n", port, asked);
    fflush(stdout);
    run(door, control);
    return 0;
}
