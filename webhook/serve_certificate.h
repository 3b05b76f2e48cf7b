/* Where the server's certificate comes from: two files that are read again when they change, or one
 * made at start. */
#ifndef TPGUARD_WEBHOOK_SERVE_CERTIFICATE_H
#define TPGUARD_WEBHOOK_SERVE_CERTIFICATE_H

#include <sys/stat.h>

#include "topology/attr.h"
#include "topology/err.h"
#include "webhook/http/server.h"
#include "webhook/serve_options.h"
#include "webhook/sys/certs.h"

struct serve_certificate {
    const struct serve_options *options;
    struct stat cert; /* of the files as they were when last tried */
    struct stat key;
};

/* Reads or makes it; writes the CA where the options say so. certs_done frees what came out (ca is
 * empty when it was read from files). */
NODISCARD bool serve_certificate_first(struct serve_certificate *s, const struct serve_options *o,
                                       struct certs *out, struct err *e);

/* Puts changed files to use, or any with force; logs what came of it. A bad pair leaves the old
 * certificate, and is tried again when a file changes once more. */
void serve_certificate_refresh(struct serve_certificate *s, struct server *server, bool force);

#endif
