/* A listening socket for an address as people write it. */
#ifndef TPGUARD_HTTP_LISTEN_H
#define TPGUARD_HTTP_LISTEN_H

#include "topology/attr.h"
#include "topology/err.h"

#define LISTEN_SHOWN_MAX 64

/* "0.0.0.0:9443", "[::1]:9443", "localhost:0"; ":9443" is every address, IPv6 too where there is
 * any. Port 0 is any free one. shown: the address as bound, "127.0.0.1:43211". */
NODISCARD bool listen_open(const char *address, int *fd, char shown[static LISTEN_SHOWN_MAX],
                           struct err *e);
/* The host part, without brackets; false when the address is not HOST:PORT. */
NODISCARD bool listen_host(const char *address, char *out, unsigned cap);

#endif
