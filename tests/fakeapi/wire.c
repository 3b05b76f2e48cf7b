#include "tests/fakeapi/wire.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static gnutls_certificate_credentials_t creds;
static bool tls;
static bool ask_client;

void sleep_ms(unsigned ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

void wire_setup(const struct wire_tls *t) {
    if (!t->cert) {
        return;
    }
    tls = true;
    ask_client = t->client_ca != NULL;
    if (gnutls_certificate_allocate_credentials(&creds) < 0 ||
        gnutls_certificate_set_x509_key_file(creds, t->cert, t->key, GNUTLS_X509_FMT_PEM) < 0 ||
        (ask_client &&
         gnutls_certificate_set_x509_trust_file(creds, t->client_ca, GNUTLS_X509_FMT_PEM) < 1)) {
        fprintf(stderr, "fakeapi: certificate, key or client CA cannot be used\n");
        exit(2);
    }
}

static void peer_name(struct wire *w) {
    unsigned n = 0;
    const gnutls_datum_t *certs = gnutls_certificate_get_peers(w->tls, &n);
    gnutls_x509_crt_t c;
    size_t size = sizeof w->peer;
    if (!certs || n == 0 || gnutls_x509_crt_init(&c) < 0) {
        return;
    }
    if (gnutls_x509_crt_import(c, &certs[0], GNUTLS_X509_FMT_DER) == 0) {
        (void)gnutls_x509_crt_get_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, 0, w->peer, &size);
    }
    gnutls_x509_crt_deinit(c);
}

bool wire_open(struct wire *w, int fd) {
    int on = 1;
    *w = (struct wire){.fd = fd};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!tls) {
        return true;
    }
    if (gnutls_init(&w->tls, GNUTLS_SERVER) < 0) {
        return false;
    }
    gnutls_set_default_priority(w->tls);
    gnutls_credentials_set(w->tls, GNUTLS_CRD_CERTIFICATE, creds);
    if (ask_client) {
        gnutls_certificate_server_set_request(w->tls, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert(w->tls, NULL, 0);
    }
    gnutls_transport_set_int(w->tls, fd);
    int r;
    do {
        r = gnutls_handshake(w->tls);
    } while (r < 0 && !gnutls_error_is_fatal(r));
    if (r == 0 && ask_client) {
        peer_name(w);
    }
    return r == 0;
}

void wire_close(struct wire *w, bool politely) {
    if (w->tls) {
        if (politely) {
            (void)gnutls_bye(w->tls, GNUTLS_SHUT_WR);
        }
        gnutls_deinit(w->tls);
    }
    close(w->fd);
}

long wire_read(struct wire *w, char *out, size_t cap) {
    for (;;) {
        long n = w->tls ? gnutls_record_recv(w->tls, out, cap) : recv(w->fd, out, cap, 0);
        if (w->tls && n < 0 && !gnutls_error_is_fatal((int)n)) {
            continue;
        }
        if (!w->tls && n < 0 && errno == EINTR) {
            continue;
        }
        return n;
    }
}

bool wire_write(struct wire *w, const char *p, size_t n) {
    while (n) {
        size_t step = w->slow_ms ? 1 : n;
        long got =
            w->tls ? gnutls_record_send(w->tls, p, step) : send(w->fd, p, step, MSG_NOSIGNAL);
        if (got <= 0) {
            if (w->tls && got < 0 && !gnutls_error_is_fatal((int)got)) {
                continue;
            }
            return false;
        }
        p += got;
        n -= (size_t)got;
        if (w->slow_ms) {
            sleep_ms(w->slow_ms);
        }
    }
    return true;
}
