/* The command line of `tpguard serve`: one table of options gives the parser and --help. */
#ifndef TPGUARD_WEBHOOK_SERVE_OPTIONS_H
#define TPGUARD_WEBHOOK_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "topology/attr.h"
#include "topology/buf.h"
#include "topology/err.h"
#include "webhook/core/policy.h"
#include "webhook/sys/log.h"

#define SERVE_SANS_MAX 24

struct serve_options {
    const char *listen;
    const char *extender_listen; /* "" none */
    const char *cluster_file;    /* NULL none */
    const char *tls_cert;        /* NULL: self-signed */
    const char *tls_key;
    const char *write_ca; /* NULL none */
    const char *san[SERVE_SANS_MAX];
    unsigned n_san;
    struct policy policy;
    enum log_level log_level;
    bool log_text;
    bool bench_echo;
    bool help;
    unsigned deadline_s;
    size_t max_body;
};

/* Text is borrowed from argv. ERR_INPUT says which option, what it wants and what was found. */
NODISCARD bool serve_options_read(int argc, char **argv, struct serve_options *out, struct err *e);
void serve_options_help(struct buf *out);

#endif
