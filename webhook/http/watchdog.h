/* Absolute deadlines. libmicrohttpd's own timeout starts anew with every byte, so a client that
 * drips one byte a second is never too slow for it. Here every connection is known with what it is
 * doing and since when; a thread of its own shuts down (not closes) the sockets whose handshake or
 * request takes too long. Thread-safe. */
#ifndef TPGUARD_HTTP_WATCHDOG_H
#define TPGUARD_HTTP_WATCHDOG_H

#include "topology/attr.h"
#include "topology/err.h"

struct watchdog;
struct watched; /* one connection; owned by the watchdog */

/* crowd: with so many connections open, those that never sent a request have to go after the
 * deadline too. */
NODISCARD bool watchdog_new(unsigned deadline_s, unsigned crowd, struct watchdog **out,
                            struct err *e);
void watchdog_free(struct watchdog *w); /* ends the thread; all connections must be gone */

/* The connection's life: accepted (its handshake begins), then idle and busy in turns. Remove it
 * before the socket is closed. NULL without memory. */
struct watched *watchdog_add(struct watchdog *w, int fd);
void watchdog_idle(struct watchdog *w, struct watched *c);
void watchdog_busy(struct watchdog *w, struct watched *c);
void watchdog_remove(struct watchdog *w, struct watched *c);

struct watchdog_counts {
    unsigned open;
    unsigned busy; /* those in a handshake included */
};
struct watchdog_counts watchdog_count(struct watchdog *w);
/* Shuts down the idle ones, or all. */
void watchdog_shut(struct watchdog *w, bool all);

#endif
