#include "webhook/kube/creds.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "webhook/kube/config_inner.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"

struct creds {
    pthread_mutex_t lock;
    char token_file[KUBE_PATH_MAX];
    char ca_file[KUBE_PATH_MAX];
    struct buf token;
    int64_t token_us; /* when its file was read; 0 never */
    struct buf ca;
    struct stat ca_seen;
};

static void wipe(struct buf *b) {
    if (b->p) {
        explicit_bzero(b->p, b->cap);
    }
    buf_done(b);
}

static bool same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool creds_new(const struct kube_config *c, struct creds **out, struct err *e) {
    struct creds *k = calloc(1, sizeof *k);
    if (!k) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    pthread_mutex_init(&k->lock, NULL);
    memcpy(k->token_file, c->token_file, sizeof k->token_file);
    memcpy(k->ca_file, c->ca_file, sizeof k->ca_file);
    k->token = buf_new(KUBE_TOKEN_MAX);
    k->ca = buf_new(KUBE_PEM_MAX);
    buf_span(&k->token, buf_view(&c->token));
    buf_span(&k->ca, buf_view(&c->ca));
    if (!buf_ok(&k->token) || !buf_ok(&k->ca)) {
        creds_free(k);
        return err_set(e, ERR_INTERNAL, "no memory for token and CA");
    }
    *out = k;
    return true;
}

void creds_free(struct creds *c) {
    if (!c) {
        return;
    }
    wipe(&c->token);
    buf_done(&c->ca);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* The old text is wiped, not given back as it is. */
static void exchange(struct buf *kept, struct buf *fresh) {
    struct buf old = *kept;
    *kept = *fresh;
    *fresh = old;
}

static bool read_token(struct creds *c, struct err *e) {
    struct buf text = buf_new(KUBE_TOKEN_MAX);
    struct buf token = buf_new(KUBE_TOKEN_MAX);
    bool done =
        file_read(c->token_file, KUBE_TOKEN_MAX, &text, e) &&
        (config_token(buf_view(&text), &token, e) || err_wrap(e, "%.200s: ", c->token_file));
    pthread_mutex_lock(&c->lock);
    if (done) {
        exchange(&c->token, &token);
    }
    /* Also when it could not be read: one look a minute is enough. */
    c->token_us = clock_mono_us();
    done = done || c->token.n > 0;
    pthread_mutex_unlock(&c->lock);
    wipe(&text);
    wipe(&token);
    return done;
}

bool creds_token(struct creds *c, struct buf *out, struct err *e) {
    pthread_mutex_lock(&c->lock);
    bool stale = c->token_file[0] && (c->token.n == 0 || c->token_us == 0 ||
                                      clock_mono_us() - c->token_us > CREDS_TOKEN_US);
    pthread_mutex_unlock(&c->lock);
    if (stale && !read_token(c, e)) {
        return false;
    }
    pthread_mutex_lock(&c->lock);
    buf_span(out, buf_view(&c->token));
    pthread_mutex_unlock(&c->lock);
    return buf_ok(out) || err_set(e, ERR_INTERNAL, "no memory for the token");
}

bool creds_refused(struct creds *c, struct span token) {
    if (!c->token_file[0] || !read_token(c, NULL)) {
        return false;
    }
    pthread_mutex_lock(&c->lock);
    bool other = !span_eq(buf_view(&c->token), token);
    pthread_mutex_unlock(&c->lock);
    return other;
}

/* A file that is half written, or gone for a moment, changes nothing: the next look sees it whole.
 */
static void refresh_ca(struct creds *c) {
    struct stat now;
    struct buf text = buf_new(KUBE_PEM_MAX);
    if (stat(c->ca_file, &now) != 0) {
        return;
    }
    pthread_mutex_lock(&c->lock);
    bool changed = !same(&now, &c->ca_seen);
    pthread_mutex_unlock(&c->lock);
    if (changed && file_read(c->ca_file, KUBE_PEM_MAX, &text, NULL) &&
        config_pem(buf_view(&text), NULL)) {
        pthread_mutex_lock(&c->lock);
        exchange(&c->ca, &text);
        c->ca_seen = now;
        pthread_mutex_unlock(&c->lock);
    }
    buf_done(&text);
}

void creds_ca(struct creds *c, struct buf *out) {
    if (c->ca_file[0]) {
        refresh_ca(c);
    }
    pthread_mutex_lock(&c->lock);
    buf_span(out, buf_view(&c->ca));
    pthread_mutex_unlock(&c->lock);
}
