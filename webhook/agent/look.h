/* What the node should show: its wiring as read, laid over what it showed before, and who holds its
 * GPUs. Texts as they go into the annotations; they change when their content does, so that equal
 * texts need no write. Reading is done by ends, so that all of this runs in a test. One thread. */
#ifndef TPGUARD_AGENT_LOOK_H
#define TPGUARD_AGENT_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/arena.h"
#include "topology/baseline.h"
#include "topology/err.h"
#include "topology/read.h"
#include "topology/span.h"
#include "webhook/core/holders.h"

/* The driver has not answered for this long: the wires are unknown, and are shown so. */
#define LOOK_BLIND_S 60

/* What the books say, and how far. */
struct look_books {
    struct held_list held;
    const struct node_pod *pod;
    uint32_t n_pod;
    bool pods_complete; /* as in struct holders_in */
    const char *source; /* for the log: "the kubelet's socket" */
};

struct look_ends {
    void *ctx;
    bool (*read)(void *ctx, int64_t now, struct reading *out, struct err *e);
    /* Text lies in the arena. NULL: nobody can be asked, and nothing is said. */
    bool (*books)(void *ctx, struct arena *a, struct look_books *out, struct err *e);
    /* UID of the pod that the process runs in, in the arena; false: not known. May be NULL. */
    bool (*pod_of)(void *ctx, uint32_t pid, struct arena *a, struct span *uid);
    /* N of /dev/nvidiaN of each position, -1 unknown. May be NULL. */
    void (*minors)(void *ctx, const struct topo *t, int16_t out[static GPU_MAX]);
    /* Seconds of a clock that nobody sets, for how long something lasts. NULL: the wall clock. */
    int64_t (*steady_s)(void *ctx);
};

struct look;

struct look *look_new(const struct look_ends *ends, const struct baseline_rules *rules);
void look_free(struct look *l); /* NULL is fine */

/* What the node shows already, at the start. false: a text that cannot be read; it is no topology,
 * and what was expected is not known any more. */
bool look_recall(struct look *l, struct span topology);
/* Somebody took the wiring off the node: everything is learned anew (topology/baseline.h). */
void look_forget(struct look *l);

/* Reads the GPUs. false: the driver did not answer (*e), and after LOOK_BLIND_S of that the wires
 * are unknown. now: Unix seconds. */
bool look_wiring(struct look *l, int64_t now, struct err *e);
/* Asks the books and settles who holds what. Where the books have changed, the programs seen by the
 * last look_wiring may be those of a pod that is gone by now: *again says so, nothing is changed,
 * and the caller reads and asks once more. second: that is this call. */
bool look_books(struct look *l, int64_t now, bool second, bool *again, struct err *e);

/* n = 0: nothing to be said (yet). Good until the next call. */
struct span look_topology(const struct look *l);
struct span look_allocations(const struct look *l);
/* When the wiring was last read, and is as look_topology says: Unix seconds; 0: it was not. */
int64_t look_seen_at(const struct look *l);
/* What changed in the last look_wiring, for the log; "" nothing. */
const char *look_changes(const struct look *l);
/* Pairs that are up again and not trusted yet, for the log; "" none. */
const char *look_held(const struct look *l);
/* Seconds until one of them may be trusted; -1 none. */
int64_t look_next_s(const struct look *l, int64_t now);

#endif
