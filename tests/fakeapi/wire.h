/* One accepted connection, with or without TLS. */
#ifndef TPGUARD_TESTS_FAKEAPI_WIRE_H
#define TPGUARD_TESTS_FAKEAPI_WIRE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

struct wire {
    int fd;
    gnutls_session_t tls; /* NULL: plain */
    unsigned slow_ms;     /* > 0: each byte for itself */
    char peer[256];       /* name in the client's certificate */
};

struct wire_tls {
    const char *cert, *key, *client_ca; /* files; cert NULL: plain */
};
void wire_setup(const struct wire_tls *t); /* once; ends the program when the files are not right */
bool wire_open(struct wire *w, int fd);    /* with the TLS handshake */
void wire_close(struct wire *w, bool politely);
long wire_read(struct wire *w, char *out, size_t cap); /* 0 closed, -1 error */
bool wire_write(struct wire *w, const char *p, size_t n);
void sleep_ms(unsigned ms);

#endif
