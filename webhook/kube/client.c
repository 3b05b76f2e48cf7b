#include "webhook/kube/client.h"

#include <stdlib.h>

#include "webhook/kube/status.h"
#include "webhook/kube/transfer.h"
#include "webhook/sys/clock.h"

static bool copy_pair(const struct kube_config *config, struct kube_client *c) {
    c->cert = buf_new(KUBE_PEM_MAX);
    c->key = buf_new(KUBE_PEM_MAX);
    buf_span(&c->cert, buf_view(&config->cert));
    buf_span(&c->key, buf_view(&config->key));
    return buf_ok(&c->cert) && buf_ok(&c->key);
}

bool kube_client_new(const struct kube_config *config, struct kube_client **out, struct err *e) {
    struct kube_client *c = calloc(1, sizeof *c);
    if (!c || !copy_pair(config, c)) {
        kube_client_free(c);
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    memcpy(c->server, config->server, sizeof c->server);
    memcpy(c->server_name, config->server_name, sizeof c->server_name);
    memcpy(c->proxy, config->proxy, sizeof c->proxy);
    memcpy(c->no_proxy, config->no_proxy, sizeof c->no_proxy);
    memcpy(c->namespace, config->namespace, sizeof c->namespace);
    c->insecure = config->insecure;
    if (!creds_new(config, &c->creds, e) || !handles_new(&c->handles, e)) {
        kube_client_free(c);
        return false;
    }
    *out = c;
    return true;
}

void kube_client_free(struct kube_client *c) {
    if (!c) {
        return;
    }
    handles_free(c->handles);
    creds_free(c->creds);
    if (c->key.p) {
        explicit_bzero(c->key.p, c->key.cap);
    }
    buf_done(&c->key);
    buf_done(&c->cert);
    explicit_bzero(c->proxy, sizeof c->proxy);
    free(c);
}

const char *kube_client_namespace(const struct kube_client *c) {
    return c->namespace;
}

static const char *content_type(const struct kube_request *r) {
    if (!r->body.n) {
        return NULL;
    }
    switch (r->body_type) {
    case KUBE_MERGE_PATCH:
        return "application/merge-patch+json";
    case KUBE_STRATEGIC_PATCH:
        return "application/strategic-merge-patch+json";
    case KUBE_JSON:
    default:
        return "application/json";
    }
}

bool kube_call(struct kube_client *c, const struct kube_request *r, struct kube_response *out,
               struct err *e) {
    unsigned timeout_ms = r->timeout_ms ? r->timeout_ms : KUBE_TIMEOUT_MS;
    const struct transfer t = {
        .client = c,
        .method = r->method,
        .path = r->path,
        .accept = r->accept,
        .content_type = content_type(r),
        .body = r->body,
        .max = r->max_response ? r->max_response : KUBE_RESPONSE_MAX,
        .deadline_us = clock_mono_us() + (int64_t)timeout_ms * 1000,
        .stop = r->stop,
    };
    return transfer_run(&t, out, e);
}

bool kube_stream(struct kube_client *c, const struct kube_stream *s, struct kube_response *out,
                 struct err *e) {
    struct lines lines = lines_new(s->max_line, s->line, s->ctx);
    const struct transfer t = {
        .client = c,
        .method = "GET",
        .path = s->path,
        .accept = s->accept,
        .connect_ms = s->connect_ms,
        .idle_ms = s->idle_ms,
        .stop = s->stop,
        .lines = &lines,
        .open = s->open,
        .ctx = s->ctx,
    };
    bool done = transfer_run(&t, out, e);
    lines_done(&lines);
    return done;
}

bool kube_want(struct kube_client *c, const struct kube_request *r, struct buf *body,
               unsigned *status, struct err *e) {
    struct kube_response got = {0};
    bool came = kube_call(c, r, &got, e);
    if (status) {
        *status = came ? got.status : 0;
    }
    if (!came) {
        return err_wrap(e, "%.10s %.140s: ", r->method, r->path);
    }
    bool good = got.status >= 200 && got.status < 300;
    if (!good) {
        const char *word = got.reason[0] ? got.reason : status_word(got.status);
        (void)err_set(e, ERR_IO, "%.10s %.100s: %u%s%s%s%s", r->method, r->path, got.status,
                      word[0] ? " " : "", word, got.message[0] ? ": " : "", got.message);
    }
    if (good && body) {
        *body = got.body;
    } else {
        buf_done(&got.body);
    }
    return good;
}

void kube_escape(struct span s, struct buf *out) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char b = (unsigned char)s.p[i];
        bool plain = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
                     b == '-' || b == '_' || b == '.' || b == '~';
        if (plain) {
            buf_char(out, (char)b);
        } else {
            buf_char(out, '%');
            buf_char(out, hex[b >> 4]);
            buf_char(out, hex[b & 15]);
        }
    }
}
