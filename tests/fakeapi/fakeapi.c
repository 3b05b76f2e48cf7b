/* A scripted API server for tests: answers by the rules of a scenario (scenario.h) over HTTP/1.1,
 * with keep-alive, one thread a connection.
 *
 * Usage: fakeapi SCENARIO [--port N] [--port-file F] [--log F] [--tls CERT KEY [--client-ca CA]]
 *
 * Listens on 127.0.0.1. The port file appears, complete, when it does. The log gets one line for
 * each request when it has been read, fields behind tabs:
 *   GET /api/v1/pods?limit=500<TAB>conn=1<TAB>rule=3<TAB>Accept:
 * application/json<TAB>...<TAB>body={...} where rule is the line of the rule in the scenario, or
 * none, and a client certificate adds peer=NAME. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fakeapi/scenario.h"
#include "tests/fakeapi/wire.h"

#define REQUEST_MAX ((size_t)16 * 1024 * 1024)
#define BODY_MAX    ((size_t)256 * 1024 * 1024)

static struct scenario *scenario;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static _Atomic unsigned connections;

struct request {
    struct buf raw; /* head and body */
    struct span method, target, heads, body, auth;
    size_t size; /* of raw, this request's part */
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "fakeapi: %s: %s\n", what, why);
    exit(2);
}

/* ---- reading a request ---- */

static struct span header(struct span heads, const char *name) {
    while (heads.n) {
        struct span line = span_line(&heads);
        struct span key = span_cut(&line, ':');
        if (span_ieq(key, span_of(name))) {
            return span_trim(line);
        }
    }
    return (struct span){0};
}

static bool whole(struct request *r) {
    struct span all = buf_view(&r->raw);
    size_t end = span_search(all, "\r\n\r\n");
    if (end == all.n) {
        return false;
    }
    struct span rest = span_upto(all, end + 2);
    struct span first = span_line(&rest);
    uint64_t length = 0;
    r->method = span_cut(&first, ' ');
    r->target = span_cut(&first, ' ');
    r->heads = rest;
    r->auth = header(rest, "Authorization");
    if (!span_u64(header(rest, "Content-Length"), REQUEST_MAX, &length)) {
        length = 0;
    }
    r->size = end + 4 + length;
    r->body = span_upto(span_from(all, end + 4), length);
    return all.n >= r->size;
}

static bool read_request(struct wire *w, struct request *r) {
    char chunk[16384];
    while (!whole(r)) {
        long n = wire_read(w, chunk, sizeof chunk);
        if (n <= 0) {
            return false;
        }
        buf_put(&r->raw, chunk, (size_t)n);
        if (!buf_ok(&r->raw)) {
            return false;
        }
    }
    return true;
}

static void write_log(const struct request *r, unsigned conn, const struct rule *rule,
                      const char *peer) {
    struct buf b = buf_new(REQUEST_MAX * 2);
    buf_span(&b, r->method);
    buf_char(&b, ' ');
    buf_span(&b, r->target);
    buf_fmt(&b, "\tconn=%u\trule=", conn);
    if (rule) {
        buf_u64(&b, rule->line);
    } else {
        buf_str(&b, "none");
    }
    for (struct span rest = r->heads; rest.n;) {
        buf_char(&b, '\t');
        buf_span(&b, span_line(&rest));
    }
    if (peer[0]) {
        buf_fmt(&b, "\tpeer=%s", peer);
    }
    if (r->body.n) {
        buf_str(&b, "\tbody=");
        buf_span(&b, r->body);
    }
    buf_char(&b, '\n');
    if (log_fd >= 0 && write(log_fd, b.p, b.n) < 0) {
        die("log", strerrordesc_np(errno));
    }
    buf_done(&b);
}

/* ---- answering ---- */

static const struct rule *none(void) {
    static struct rule r = {.step = {{.kind = STEP_STATUS, .n = 404}, {.kind = STEP_BODY}},
                            .n_steps = 2};
    pthread_mutex_lock(&lock);
    r.step[1].text = SPAN("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\","
                          "\"message\":\"no rule of the scenario answers this\","
                          "\"reason\":\"NotFound\",\"code\":404}");
    pthread_mutex_unlock(&lock);
    return &r;
}

static bool is_body(const struct step *s) {
    return s->kind == STEP_BODY || s->kind == STEP_FILE || s->kind == STEP_ITEMS;
}
static bool is_chunk(const struct step *s) {
    return s->kind == STEP_LINE || s->kind == STEP_PART || s->kind == STEP_REPEAT;
}

struct plan {
    bool chunked;
    bool cut;
    bool hang;
    size_t length;
};

static struct plan plan(const struct rule *r) {
    struct plan p = {0};
    for (unsigned i = 0; i < r->n_steps; i++) {
        struct buf b = buf_new(BODY_MAX);
        const struct step *s = &r->step[i];
        p.chunked = p.chunked || is_chunk(s);
        p.cut = p.cut || s->kind == STEP_CUT;
        p.hang = p.hang || s->kind == STEP_HANG;
        if (is_body(s)) {
            step_bytes(scenario, s, &b);
            p.length += b.n;
        }
        buf_done(&b);
    }
    return p;
}

static bool send_head(struct wire *w, const struct rule *r, const struct plan *p) {
    struct buf b = buf_new(65536);
    unsigned status = 200;
    bool typed = false;
    for (unsigned i = 0; i < r->n_steps; i++) {
        if (r->step[i].kind == STEP_STATUS) {
            status = r->step[i].n;
        }
    }
    buf_fmt(&b, "HTTP/1.1 %u Scripted\r\n", status);
    for (unsigned i = 0; i < r->n_steps; i++) {
        if (r->step[i].kind == STEP_HEADER) {
            typed = typed || span_starts(r->step[i].text, "Content-Type:");
            buf_span(&b, r->step[i].text);
            buf_str(&b, "\r\n");
        }
    }
    if (!typed) {
        buf_str(&b, "Content-Type: application/json\r\n");
    }
    if (p->chunked) {
        buf_str(&b, "Transfer-Encoding: chunked\r\n\r\n");
    } else {
        buf_fmt(&b, "Content-Length: %zu\r\n\r\n", p->length + (p->cut || p->hang ? 100 : 0));
    }
    bool done = wire_write(w, b.p, b.n);
    buf_done(&b);
    return done;
}

static bool send_chunk(struct wire *w, struct span s) {
    if (s.n == 0) {
        return true; /* it would end the answer */
    }
    struct buf b = buf_new(s.n + 64);
    buf_fmt(&b, "%zx\r\n", s.n);
    buf_span(&b, s);
    buf_str(&b, "\r\n");
    bool done = wire_write(w, b.p, b.n);
    buf_done(&b);
    return done;
}

static bool send_repeat(struct wire *w, const struct step *s) {
    bool done = true;
    for (unsigned i = 1; done && i <= s->n; i++) {
        struct buf b = buf_new(BODY_MAX);
        step_counted(s->text, i, &b);
        buf_char(&b, '\n');
        done = send_chunk(w, buf_view(&b));
        buf_done(&b);
    }
    return done;
}

static bool send_bytes(struct wire *w, const struct step *s) {
    struct buf b = buf_new(BODY_MAX);
    step_bytes(scenario, s, &b);
    bool done = is_chunk(s) ? send_chunk(w, buf_view(&b)) : wire_write(w, b.p, b.n);
    buf_done(&b);
    return done;
}

static void until_gone(struct wire *w) {
    char chunk[4096];
    while (wire_read(w, chunk, sizeof chunk) > 0) {
    }
}

/* false: the connection is over. */
static bool play(struct wire *w, const struct rule *r, const struct plan *p) {
    bool head = false;
    for (unsigned i = 0; i < r->n_steps; i++) {
        const struct step *s = &r->step[i];
        if (s->kind == STEP_DROP) {
            return false;
        }
        if (!head && s->kind != STEP_STATUS && s->kind != STEP_HEADER && s->kind != STEP_WAIT &&
            s->kind != STEP_SLOW && s->kind != STEP_HANG) {
            head = true;
            if (!send_head(w, r, p)) {
                return false;
            }
        }
        if (s->kind == STEP_WAIT) {
            sleep_ms(s->n);
        } else if (s->kind == STEP_SLOW) {
            w->slow_ms = s->n;
        } else if (s->kind == STEP_CUT || s->kind == STEP_HANG) {
            if (s->kind == STEP_HANG) {
                until_gone(w);
            }
            return false;
        } else if (s->kind == STEP_REPEAT ? !send_repeat(w, s)
                                          : (is_body(s) || is_chunk(s)) && !send_bytes(w, s)) {
            return false;
        }
    }
    w->slow_ms = 0;
    return (head || send_head(w, r, p)) && (!p->chunked || wire_write(w, "0\r\n\r\n", 5));
}

static void *serve(void *arg) {
    struct wire w;
    int *fd = arg;
    unsigned conn = ++connections;
    bool on = wire_open(&w, *fd);
    struct request r = {.raw = buf_new(REQUEST_MAX)};
    free(fd);
    while (on && read_request(&w, &r)) {
        pthread_mutex_lock(&lock);
        const struct rule *rule = scenario_pick(scenario, r.method, r.target, r.auth);
        write_log(&r, conn, rule, w.peer);
        pthread_mutex_unlock(&lock);
        rule = rule ? rule : none();
        struct plan p = plan(rule);
        on = play(&w, rule, &p);
        /* What came behind this request is the next one. */
        struct buf rest = buf_new(REQUEST_MAX);
        buf_span(&rest, span_from(buf_view(&r.raw), r.size));
        buf_done(&r.raw);
        r = (struct request){.raw = rest};
    }
    buf_done(&r.raw);
    wire_close(&w, on);
    return NULL;
}

/* ---- the program ---- */

static int listen_on(unsigned port, unsigned *got) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof a;
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 64) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        die("listen", strerrordesc_np(errno));
    }
    *got = ntohs(a.sin_port);
    return fd;
}

static void say_port(const char *path, unsigned port) {
    char half[4096];
    if (!path) {
        return;
    }
    (void)snprintf(half, sizeof half, "%s.part", path);
    FILE *f = fopen(half, "w");
    if (!f || fprintf(f, "%u\n", port) < 0 || fclose(f) != 0 || rename(half, path) != 0) {
        die(path, "cannot be written");
    }
}

struct options {
    struct wire_tls tls;
    const char *port_file;
    uint32_t port;
};

static struct options options(int argc, char **argv) {
    struct options o = {0};
    for (int i = 2; i < argc; i++) {
        struct span a = span_of(argv[i]);
        bool more = i + 1 < argc;
        if (span_is(a, "--port") && more && span_u32(span_of(argv[i + 1]), 65535, &o.port)) {
            i++;
        } else if (span_is(a, "--port-file") && more) {
            o.port_file = argv[++i];
        } else if (span_is(a, "--log") && more) {
            log_fd = open(argv[++i], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        } else if (span_is(a, "--tls") && i + 2 < argc) {
            o.tls.cert = argv[++i];
            o.tls.key = argv[++i];
        } else if (span_is(a, "--client-ca") && more) {
            o.tls.client_ca = argv[++i];
        } else {
            die("no such option", argv[i]);
        }
    }
    return o;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        die("usage", "fakeapi SCENARIO [--port N] [--port-file F] [--log F] [--tls CERT KEY "
                     "[--client-ca CA]]");
    }
    struct options o = options(argc, argv);
    unsigned got = 0;
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    scenario = scenario_read(argv[1]);
    wire_setup(&o.tls);
    int fd = listen_on(o.port, &got);
    say_port(o.port_file, got);
    for (;;) {
        int *one = malloc(sizeof *one);
        pthread_t t;
        if (!one || (*one = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) < 0) {
            free(one);
            continue;
        }
        if (pthread_create(&t, NULL, serve, one) == 0) {
            pthread_detach(t);
        }
    }
}
