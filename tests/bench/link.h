/* One kept-alive TLS connection of a benchmark. What goes wrong ends the program: a benchmark that
 * half works measures nothing. */
#ifndef TPGUARD_TESTS_BENCH_LINK_H
#define TPGUARD_TESTS_BENCH_LINK_H

#include <gnutls/gnutls.h>

#include "topology/buf.h"

#define LINK_ANSWER_MAX ((size_t)64 * 1024 * 1024)

_Noreturn void die(const char *what, const char *why);

struct link {
    gnutls_session_t session;
    gnutls_certificate_credentials_t trust;
    struct buf answer; /* head and body of the last one */
};

/* Trusts the certificates in ca_file and wants one for localhost. */
void link_open(struct link *l, const char *host, const char *port, const char *ca_file);
void link_close(struct link *l);

/* Sends it and reads the whole answer, which must be a 200 with a length. Its body, good until the
 * next call. */
struct span link_ask(struct link *l, struct span request);

/* A request with a body of JSON. bytes: of the answer, for the bench route; 0 otherwise. */
struct buf link_request(const char *method, const char *path, size_t bytes, struct span body);

#endif
