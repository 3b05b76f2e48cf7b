#include "webhook/serve_certificate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "webhook/http/listen.h"
#include "webhook/http/stats.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"
#include "webhook/sys/log.h"

#define HOST_MAX 256

static struct stat look(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        st = (struct stat){0};
    }
    return st;
}

static bool same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool read_pair(struct serve_certificate *s, struct certs *out, struct err *e) {
    /* Looked at before they are read: a change in between shows at the next look. */
    s->cert = look(s->options->tls_cert);
    s->key = look(s->options->tls_key);
    struct certs got = {buf_new(1), buf_new(CERT_PEM_MAX), buf_new(CERT_PEM_MAX)};
    if (!file_read(s->options->tls_cert, CERT_PEM_MAX, &got.cert, e) ||
        !file_read(s->options->tls_key, CERT_PEM_MAX, &got.key, e)) {
        certs_done(&got);
        return false;
    }
    *out = got;
    return true;
}

static bool write_file(const char *path, struct span text, struct err *e) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return err_set(e, ERR_IO, "--write-ca %.200s: %s", path, strerrordesc_np(errno));
    }
    ssize_t put = write(fd, text.p, text.n);
    bool done = close(fd) == 0 && put >= 0 && (size_t)put == text.n;
    return done || err_set(e, ERR_IO, "--write-ca %.200s: cannot be written", path);
}

/* Names under which clients on this machine and the user's own clients reach us. */
static bool make_own(const struct serve_options *o, struct certs *out, struct err *e) {
    char machine[HOST_MAX] = "";
    char bound[HOST_MAX] = "";
    const char *names[CERT_NAMES_MAX] = {"localhost", "127.0.0.1", "::1"};
    unsigned n = 3;
    if (gethostname(machine, sizeof machine - 1) == 0 && machine[0] && !strchr(machine, '_')) {
        names[n++] = machine;
    }
    if (listen_host(o->listen, bound, sizeof bound) && bound[0]) {
        names[n++] = bound;
    }
    for (unsigned i = 0; i < o->n_san; i++) {
        names[n++] = o->san[i];
    }
    struct certs made;
    if (!certs_self_signed(names, n, &made, e)) {
        return false;
    }
    if (o->write_ca && !write_file(o->write_ca, buf_view(&made.ca), e)) {
        certs_done(&made);
        return false;
    }
    *out = made;
    return true;
}

bool serve_certificate_first(struct serve_certificate *s, const struct serve_options *o,
                             struct certs *out, struct err *e) {
    *s = (struct serve_certificate){.options = o};
    return o->tls_cert ? read_pair(s, out, e) : make_own(o, out, e);
}

void serve_certificate_refresh(struct serve_certificate *s, struct server *server, bool force) {
    if (!s->options->tls_cert) {
        return;
    }
    struct stat cert = look(s->options->tls_cert);
    struct stat key = look(s->options->tls_key);
    if (!force && same(&cert, &s->cert) && same(&key, &s->key)) {
        return;
    }
    struct err e = {0};
    struct certs got;
    bool done = read_pair(s, &got, &e);
    if (done) {
        done = server_use_certificate(server, buf_view(&got.cert), buf_view(&got.key), &e);
        certs_done(&got);
    }
    stats_reload(false, done);
    if (done) {
        log_say(LOG_INFO, "certificate replaced", NULL);
    } else {
        log_say(LOG_ERROR, "the certificate files are not used, the old one stays", e.msg);
    }
}
