#include "webhook/http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "topology/buf.h"
#include "topology/span.h"
#include "webhook/http/limits.h"

#define HOST_MAX 256

/* HOST:PORT, the host in brackets when it holds colons itself. */
static bool split(const char *address, struct span *host, struct span *port) {
    struct span all = span_of(address);
    size_t at = all.n;
    while (at && all.p[at - 1] != ':') {
        at--;
    }
    uint32_t number = 0;
    *port = span_from(all, at);
    if (at == 0 || !span_u32(*port, 65535, &number)) {
        return false;
    }
    *host = span_upto(all, at - 1);
    if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']') {
        *host = (struct span){host->p + 1, host->n - 2};
        return true;
    }
    return span_find(*host, ':') == host->n;
}

bool listen_host(const char *address, char *out, unsigned cap) {
    struct span host;
    struct span port;
    if (!split(address, &host, &port) || host.n >= cap) {
        return false;
    }
    memcpy(out, host.p, host.n);
    out[host.n] = '\0';
    return true;
}

static const char *why_not(int number) {
    switch (number) {
    case EADDRINUSE:
        return "address in use";
    case EACCES:
        return "permission denied (a port below 1024 wants CAP_NET_BIND_SERVICE)";
    case EADDRNOTAVAIL:
        return "this machine has no such address";
    default:
        return strerrordesc_np(number);
    }
}

/* errno tells when it is -1. */
static int open_one(const struct addrinfo *a) {
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    const int on = 1;
    const int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, HTTP_BACKLOG) == 0) {
        return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static bool show(int fd, char shown[static LISTEN_SHOWN_MAX]) {
    struct sockaddr_storage a = {0};
    socklen_t n = sizeof a;
    char host[INET6_ADDRSTRLEN];
    char port[8];
    if (getsockname(fd, (struct sockaddr *)&a, &n) != 0 ||
        getnameinfo((struct sockaddr *)&a, n, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return false;
    }
    struct buf b = buf_over(shown, LISTEN_SHOWN_MAX);
    bool v6 = a.ss_family == AF_INET6;
    buf_fmt(&b, "%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    return buf_ok(&b);
}

/* The first address that can be listened on; all of them for ":PORT" is the IPv6 one, which takes
 * IPv4 as well. */
static int open_any(const char *host, const char *port, int *number) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    const char *const every[] = {"::", "0.0.0.0"};
    const char *const given[] = {host};
    const char *const *try = host[0] ? given : every;
    int fd = -1;
    *number = EADDRNOTAVAIL;
    for (unsigned i = 0; fd < 0 && i < (host[0] ? 1 : 2); i++) {
        struct addrinfo *found = NULL;
        if (getaddrinfo(try[i], port, &hints, &found) != 0) {
            continue;
        }
        for (const struct addrinfo *a = found; fd < 0 && a; a = a->ai_next) {
            fd = open_one(a);
            *number = fd < 0 ? errno : 0;
        }
        freeaddrinfo(found);
    }
    return fd;
}

bool listen_open(const char *address, int *fd, char shown[static LISTEN_SHOWN_MAX], struct err *e) {
    struct span host;
    struct span port;
    char host_text[HOST_MAX];
    char port_text[8];
    if (!split(address, &host, &port) || host.n >= sizeof host_text) {
        return err_set(e, ERR_INPUT,
                       "cannot listen on \"%.100s\": wants HOST:PORT, port 0 to 65535", address);
    }
    struct buf h = BUF_OVER(host_text);
    struct buf p = BUF_OVER(port_text);
    buf_span(&h, host);
    buf_span(&p, port);
    int number = 0;
    int got = buf_ok(&p) ? open_any(host_text, port_text, &number) : -1;
    if (got < 0) {
        return err_set(e, ERR_IO, "cannot listen on %.100s: %s", address, why_not(number));
    }
    if (!show(got, shown)) {
        close(got);
        return err_set(e, ERR_IO, "cannot listen on %.100s: its address cannot be read", address);
    }
    *fd = got;
    return true;
}
