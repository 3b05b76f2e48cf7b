/* An API server in memory, in place of webhook/kube/client.c: the linker takes these instead. It
 * keeps Leases and Secrets as they were last written (their patches say all that is in them), and
 * one webhook configuration, whose strategic patches it applies. Versions are checked. */
#ifndef TPGUARD_TESTS_FAKE_KUBE_H
#define TPGUARD_TESTS_FAKE_KUBE_H

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "tests/tap.h"
#include "topology/json.h"
#include "webhook/kube/client.h"

#define FAKE_ENTRIES 8
#define FAKE_HOOKS   3

struct fake_entry {
    char path[256];
    struct buf text; /* with its version in it */
};
struct fake_hook {
    const char *name;
    const char *ns;
    const char *service;
    struct buf bundle; /* base64 */
};
struct kube_client {
    pthread_mutex_t lock;
    struct fake_entry entry[FAKE_ENTRIES];
    unsigned n;
    unsigned version;
    struct fake_hook hook[FAKE_HOOKS];
    const char *hooks_path; /* "" none */
    unsigned hooks_version;
    _Atomic unsigned refuse; /* every call is answered with this status; 0 no */
    _Atomic unsigned refuse_writes;
    _Atomic unsigned hang_ms; /* before every answer */
    _Atomic unsigned calls;
    _Atomic unsigned writes;
    _Atomic unsigned conflicts; /* so many writes find somebody was faster */
};

static void fake_sleep_ms(unsigned ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

static struct kube_client fake_new(void) {
    return (struct kube_client){.lock = PTHREAD_MUTEX_INITIALIZER, .hooks_path = ""};
}
static void fake_done(struct kube_client *c) {
    for (unsigned i = 0; i < c->n; i++) {
        buf_done(&c->entry[i].text);
    }
    for (unsigned i = 0; i < FAKE_HOOKS; i++) {
        buf_done(&c->hook[i].bundle);
    }
    pthread_mutex_destroy(&c->lock);
}

void kube_escape(struct span s, struct buf *out) {
    buf_span(out, s);
}

static struct span fake_base(const char *path) {
    struct span s = span_of(path);
    return span_upto(s, span_find(s, '?'));
}

static struct fake_entry *fake_find(struct kube_client *c, struct span path) {
    for (unsigned i = 0; i < c->n; i++) {
        if (span_is(path, c->entry[i].path)) {
            return &c->entry[i];
        }
    }
    return NULL;
}

__attribute__((unused)) static void fake_delete(struct kube_client *c, const char *path) {
    pthread_mutex_lock(&c->lock);
    struct fake_entry *e = fake_find(c, span_of(path));
    if (e) {
        e->path[0] = 0;
    }
    pthread_mutex_unlock(&c->lock);
}

/* The body with its version put in, or the version in it exchanged. */
static void fake_store(struct kube_client *c, struct span path, struct span body) {
    struct fake_entry *e = fake_find(c, path);
    if (!e) {
        e = fake_find(c, SPAN(""));
    }
    if (!e && c->n == FAKE_ENTRIES) {
        abort();
    }
    e = e ? e : &c->entry[c->n++];
    snprintf(e->path, sizeof e->path, SPAN_FMT, SPAN_ARG(path));
    buf_done(&e->text);
    e->text = buf_new((size_t)4 * 1024 * 1024);
    size_t at = span_search(body, "\"metadata\":{") + strlen("\"metadata\":{");
    buf_span(&e->text, span_upto(body, at));
    buf_fmt(&e->text, "\"resourceVersion\":\"%u\"", ++c->version);
    struct span rest = span_from(body, at);
    if (span_starts(rest, "\"resourceVersion\"")) {
        rest = span_from(rest, strcspn(rest.p, ",}"));
    } else {
        buf_char(&e->text, ',');
    }
    buf_span(&e->text, rest);
}

__attribute__((unused)) static void fake_put(struct kube_client *c, const char *path,
                                             const char *text) {
    pthread_mutex_lock(&c->lock);
    fake_store(c, span_of(path), span_of(text));
    pthread_mutex_unlock(&c->lock);
}

static const struct json *fake_member(const struct json *o, const char *key) {
    const struct json *v = NULL;
    struct err e = {0};
    return json_member(o, key, &v, &e) ? v : NULL;
}

static struct span fake_text(const struct json *o, const char *key) {
    struct span s = SPAN("");
    const struct json *v = fake_member(o, key);
    if (v && !json_as_str(v, &s)) {
        s = SPAN("");
    }
    return s;
}

static bool fake_version_is(const struct json *meta, unsigned version) {
    char text[16];
    snprintf(text, sizeof text, "%u", version);
    return span_is(fake_text(meta, "resourceVersion"), text);
}

static void fake_print_hooks(const struct kube_client *c, struct buf *out) {
    buf_fmt(out, "{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"%u\"},\"webhooks\":[",
            c->hooks_version);
    for (unsigned i = 0; i < FAKE_HOOKS; i++) {
        buf_fmt(
            out,
            "%s{\"name\":\"%s\",\"clientConfig\":{\"service\":{\"namespace\":\"%s\",\"name\":\"%"
            "s\",\"port\":443},\"caBundle\":\"%s\"},\"rules\":[{}]}",
            i ? "," : "", c->hook[i].name, c->hook[i].ns, c->hook[i].service,
            buf_cstr(&c->hook[i].bundle));
    }
    buf_str(out, "]}");
}

static void fake_set_bundle(struct kube_client *c, struct span name, struct span bundle) {
    for (unsigned i = 0; i < FAKE_HOOKS; i++) {
        if (span_is(name, c->hook[i].name)) {
            buf_done(&c->hook[i].bundle);
            c->hook[i].bundle = buf_new(1 << 20);
            buf_span(&c->hook[i].bundle, bundle);
        }
    }
}

static unsigned fake_patch_hooks(struct kube_client *c, const struct json *root) {
    if (!fake_version_is(fake_member(root, "metadata"), c->hooks_version)) {
        return 409;
    }
    c->hooks_version++;
    const struct json *hooks = fake_member(root, "webhooks");
    for (const struct json *h = json_first(hooks); h; h = json_next(h)) {
        fake_set_bundle(c, fake_text(h, "name"),
                        fake_text(fake_member(h, "clientConfig"), "caBundle"));
    }
    return 200;
}

static unsigned fake_patch(struct kube_client *c, struct span path, const struct json *root,
                           struct span body, struct fake_entry **e) {
    *e = fake_find(c, path);
    if (!*e) {
        return 404;
    }
    char want[48];
    struct span got = fake_text(fake_member(root, "metadata"), "resourceVersion");
    snprintf(want, sizeof want, "\"resourceVersion\":\"" SPAN_FMT "\"", SPAN_ARG(got));
    if (!span_has(buf_view(&(*e)->text), want)) {
        return 409;
    }
    fake_store(c, path, body);
    return 200;
}

static unsigned fake_write(struct kube_client *c, const struct kube_request *r,
                           struct fake_entry **e) {
    AUTO(arena_done) struct arena a = arena_new((size_t)8 * 1024 * 1024);
    struct err err = {0};
    const struct json *root = NULL;
    if (!json_parse(r->body, &a, &root, &err)) {
        return 400;
    }
    if (c->conflicts) {
        c->conflicts--;
        return 409;
    }
    struct span path = fake_base(r->path);
    unsigned status = 0;
    if (span_is(path, c->hooks_path)) {
        status = fake_patch_hooks(c, root);
    } else if (strcmp(r->method, "POST") == 0) {
        char full[256];
        snprintf(full, sizeof full, SPAN_FMT "/" SPAN_FMT, SPAN_ARG(path),
                 SPAN_ARG(fake_text(fake_member(root, "metadata"), "name")));
        status = fake_find(c, span_of(full)) ? 409 : 201;
        if (status == 201) {
            fake_store(c, span_of(full), r->body);
        }
        *e = fake_find(c, span_of(full));
    } else {
        status = fake_patch(c, path, root, r->body, e);
    }
    c->writes += status < 300;
    return status;
}

static unsigned fake_answer(struct kube_client *c, const struct kube_request *r, struct buf *body) {
    struct fake_entry *e = NULL;
    unsigned status = 0;
    bool get = strcmp(r->method, "GET") == 0;
    if (c->refuse || (!get && c->refuse_writes)) {
        return c->refuse ? c->refuse : c->refuse_writes;
    }
    if (!get) {
        status = fake_write(c, r, &e);
    } else if (c->hooks_path[0] && span_is(fake_base(r->path), c->hooks_path)) {
        fake_print_hooks(c, body);
        return 200;
    } else {
        e = fake_find(c, fake_base(r->path));
        status = e ? 200 : 404;
    }
    if (e && status < 300 && body) {
        buf_span(body, buf_view(&e->text));
    }
    return status;
}

bool kube_want(struct kube_client *c, const struct kube_request *r, struct buf *body,
               unsigned *status, struct err *e) {
    c->calls++;
    for (unsigned ms = 0; ms < c->hang_ms && !(r->stop && *r->stop); ms += 5) {
        fake_sleep_ms(5);
    }
    pthread_mutex_lock(&c->lock);
    unsigned got = fake_answer(c, r, body);
    pthread_mutex_unlock(&c->lock);
    if (status) {
        *status = got;
    }
    return got / 100 == 2 || err_set(e, ERR_IO, "%s %.150s: %u", r->method, r->path, got);
}

#endif
