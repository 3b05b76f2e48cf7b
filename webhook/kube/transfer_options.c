#include <string.h>

#include "webhook/kube/transfer_inner.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/version.h"

#define URL_MAX ((size_t)32 * 1024)

#define SET(option, value) (bad |= curl_easy_setopt(r->curl, option, value) != CURLE_OK)

/* Paths are made by us out of escaped parts; anything else would be a second request in disguise.
 */
static bool path_is_sound(const char *path) {
    for (const char *p = path; *p; p++) {
        if (*p <= ' ' || *p > '~' || *p == '#') {
            return false;
        }
    }
    return path[0] == '/';
}

struct authority {
    struct span scheme; /* with "://" */
    struct span host;   /* IPv6 with its brackets */
    struct span port;   /* "443" */
    struct span all;    /* host and port as written */
    struct span path;
};

static struct authority split(const char *server) {
    struct authority a = {0};
    struct span s = span_of(server);
    bool tls = span_starts(s, "https://");
    a.scheme = span_upto(s, tls ? 8 : 7);
    s = span_from(s, a.scheme.n);
    a.all = span_upto(s, span_find(s, '/'));
    a.path = span_from(s, a.all.n);
    size_t from = a.all.n && a.all.p[0] == '[' ? span_find(a.all, ']') : 0;
    size_t colon = from + span_find(span_from(a.all, from), ':');
    a.host = span_upto(a.all, colon);
    a.port = span_from(a.all, colon + 1);
    if (a.port.n == 0) {
        a.port = tls ? SPAN("443") : SPAN("80");
    }
    return a;
}

static bool add_head(struct run *r, const char *name, struct span value) {
    struct buf line = buf_new(KUBE_TOKEN_MAX + 1024);
    buf_str(&line, name);
    buf_span(&line, value);
    struct curl_slist *more = buf_ok(&line) ? curl_slist_append(r->heads, line.p) : NULL;
    if (line.p) {
        explicit_bzero(line.p, line.cap);
    }
    buf_done(&line);
    r->heads = more ? more : r->heads;
    return more != NULL;
}

static bool heads(struct run *r, struct span host) {
    const struct transfer *t = r->t;
    /* libcurl asks for leave before it sends larger bodies otherwise: a round trip for nothing. */
    bool done = add_head(r, "Expect:", (struct span){0}) &&
                add_head(r, "Accept: ", span_of(t->accept ? t->accept : "application/json"));
    if (done && r->token.n) {
        done = add_head(r, "Authorization: Bearer ", r->token);
    }
    if (done && t->content_type) {
        done = add_head(r, "Content-Type: ", span_of(t->content_type));
    }
    return !done || !host.n ? done : add_head(r, "Host: ", host);
}

/* tls-server-name: the URL carries the name that the certificate must have, the connection still
 * goes to the server, and the Host header says what it would have said. */
static bool where_to(struct run *r) {
    const struct kube_client *c = r->t->client;
    struct authority a = split(c->server);
    bool other = c->server_name[0] && span_is(a.scheme, "https://");
    r->url = buf_new(URL_MAX);
    if (other) {
        buf_fmt(&r->url, "https://%s:" SPAN_FMT, c->server_name, SPAN_ARG(a.port));
        buf_span(&r->url, a.path);
        int n =
            snprintf(r->connect_to, sizeof r->connect_to, "%s:" SPAN_FMT ":" SPAN_FMT ":" SPAN_FMT,
                     c->server_name, SPAN_ARG(a.port), SPAN_ARG(a.host), SPAN_ARG(a.port));
        r->connect = n > 0 && (size_t)n < sizeof r->connect_to
                         ? curl_slist_append(NULL, r->connect_to)
                         : NULL;
        if (!r->connect) {
            return false;
        }
    } else {
        buf_str(&r->url, c->server);
    }
    buf_str(&r->url, r->t->path);
    return buf_ok(&r->url) && heads(r, other ? a.all : (struct span){0});
}

static bool request(struct run *r) {
    const struct transfer *t = r->t;
    bool bad = false;
    SET(CURLOPT_URL, r->url.p);
    SET(CURLOPT_HTTPHEADER, r->heads);
    SET(CURLOPT_CONNECT_TO, r->connect);
    SET(CURLOPT_USERAGENT, "tpguard/" TPGUARD_VERSION);
    if (t->content_type || strcmp(t->method, "POST") == 0) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
    }
    if (strcmp(t->method, "GET") != 0 && strcmp(t->method, "POST") != 0) {
        SET(CURLOPT_CUSTOMREQUEST, t->method);
    }
    return !bad;
}

static bool manners(struct run *r) {
    const struct kube_client *c = r->t->client;
    bool bad = false;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PATH_AS_IS, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_TCP_KEEPIDLE, 30L);
    SET(CURLOPT_TCP_KEEPINTVL, 10L);
    /* Empty means none; a proxy not set would be looked for in the environment. */
    SET(CURLOPT_PROXY, c->proxy);
    SET(CURLOPT_NOPROXY, c->no_proxy);
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_MAXCONNECTS, 1L);
    return !bad;
}

static bool limits(struct run *r) {
    const struct transfer *t = r->t;
    bool bad = false;
    if (!t->deadline_us) {
        SET(CURLOPT_CONNECTTIMEOUT_MS, (long)t->connect_ms);
        return !bad;
    }
    int64_t left_ms = (t->deadline_us - clock_mono_us()) / 1000;
    SET(CURLOPT_TIMEOUT_MS, (long)(left_ms > 0 ? left_ms : 1));
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
    return !bad;
}

static bool tls(struct run *r) {
    const struct kube_client *c = r->t->client;
    struct curl_blob ca = {.data = r->ca.p, .len = r->ca.n, .flags = CURL_BLOB_NOCOPY};
    struct curl_blob cert = {.data = c->cert.p, .len = c->cert.n, .flags = CURL_BLOB_NOCOPY};
    struct curl_blob key = {.data = c->key.p, .len = c->key.n, .flags = CURL_BLOB_NOCOPY};
    bool bad = false;
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
    if (ca.len) {
        SET(CURLOPT_CAINFO_BLOB, &ca);
        /* Only that one: no folder of the system beside it. */
        SET(CURLOPT_CAPATH, NULL);
    }
    if (cert.len) {
        SET(CURLOPT_SSLCERT_BLOB, &cert);
        SET(CURLOPT_SSLKEY_BLOB, &key);
    }
    return !bad;
}

bool run_options(struct run *r, struct err *e) {
    if (!path_is_sound(r->t->path)) {
        return err_set(e, ERR_INTERNAL, "%.10s: the path is none", r->t->method);
    }
    r->ca = buf_new(KUBE_PEM_MAX);
    creds_ca(r->t->client->creds, &r->ca);
    if (!buf_ok(&r->ca) || !where_to(r) || !request(r) || !manners(r) || !limits(r) || !tls(r)) {
        return err_set(e, ERR_INTERNAL, "%.10s %.120s: libcurl does not take the request",
                       r->t->method, r->t->path);
    }
    return true;
}

void run_done(struct run *r) {
    for (struct curl_slist *s = r->heads; s; s = s->next) {
        explicit_bzero(s->data, strlen(s->data));
    }
    curl_slist_free_all(r->heads);
    curl_slist_free_all(r->connect);
    buf_done(&r->url);
    buf_done(&r->ca);
    buf_done(&r->body);
}
