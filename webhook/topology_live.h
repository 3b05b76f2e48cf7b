/* `tpguard topology --from`: this node's own GPUs, once or again and again. Between readings of one
 * run it keeps what was seen, so that a link that goes down while somebody watches is shown as down
 * and not as never fitted. Links that come back are shown at once: holding them down is the agent's
 * business. */
#ifndef TPGUARD_WEBHOOK_TOPOLOGY_LIVE_H
#define TPGUARD_WEBHOOK_TOPOLOGY_LIVE_H

#include "topology/err.h"
#include "topology/read.h"
#include "webhook/topology.h"

struct topology_live;

struct live_options {
    struct read_options read;
    const char *baseline; /* a tpguard.io/topology annotation seen earlier; NULL none */
    unsigned interval_s;  /* between readings, where the driver reports nothing before; 0: 10 */
};

NODISCARD bool topology_live_new(const struct live_options *o, struct topology_live **out,
                                 struct err *e);
void topology_live_free(struct topology_live *l);

/* *e has the words of reader_read on failure. */
NODISCARD bool topology_live_read(struct topology_live *l, int64_t now, struct topo *out,
                                  struct err *e);

/* Whether the last reading is worth showing after the one shown before it (the time aside); true
 * for the first. Then it counts as shown. */
bool topology_live_news(struct topology_live *l, const struct topo *t, const char *error);

/* Until it is time to read again; false: SIGINT or SIGTERM came. Blocks both signals on its first
 * call, which must come before the first reading. */
bool topology_live_wait(struct topology_live *l, unsigned ms);
unsigned topology_live_interval_ms(const struct topology_live *l);

/* The command: reads, shows, and with watch goes on until a signal. Returns the exit code. */
int topology_live_run(const struct topology_ask *base, const struct live_options *options,
                      const struct topology_print *p, bool watch);

#endif
