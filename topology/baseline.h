/* What a node has shown before, laid over what it shows now: so that a link that is down is told
 * from one that was never fitted, and a link that comes and goes is not trusted. Pure: the clock
 * and the memory are arguments.
 *
 * Expected lanes: the largest of what the product table says, what the published annotation says,
 * and what is up now; they never shrink by themselves. An admin lowers them by deleting the
 * annotation (the next call has no `before`) or by rules.reset: then only the product table and the
 * present count. The memory of losses outlives a deleted annotation, not a reset. GPUs are matched
 * by UUID, else by PCI address and product (a card replaced in its slot), else by index where
 * neither is known (a lost GPU tells no UUID: it gets its old one back). A GPU that is gone
 * altogether takes its expectations with it.
 *
 * Flap guard: a pair that lost lanes, or whose directions disagreed, is published with the fewest
 * lanes since then until the better state has lasted quiet_s. Held down looks like down to every
 * reader of the annotation, with no new key: the wire is the PCIe level below (SYS where it was
 * never seen) or the lower lane count, both ways, and expected stays, so the pair is `down` or
 * `degraded` and nobody places a TP group there. Why it is held is in the memory, and in words in
 * baseline_note. Losses are published at once. An unknown pair is published as unknown, is no loss,
 * and starts the quiet time anew if one is running.
 *
 * The memory may be lost (agent restart): it is seeded from `before`, where a held pair is down, so
 * that a restart makes the wait longer, not shorter. Except for a pair that was published as
 * unknown: nothing tells that it was held, and it is taken as it is. */
#ifndef TPGUARD_TOPOLOGY_BASELINE_H
#define TPGUARD_TOPOLOGY_BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "topology/topo.h"

#define BASELINE_QUIET_S 300

struct baseline_rules {
    uint32_t quiet_s; /* 0: trust at once */
    bool reset;       /* forget `before` and the memory */
};

/* One pair, a < b. */
struct baseline_pair {
    int64_t since;   /* by the caller's clock: since when `lanes` are up without a break */
    int64_t lost_at; /* the last loss; 0 none seen */
    uint16_t flaps;  /* losses seen; stays at 65535 */
    uint8_t lanes;   /* up now, both ways; 0 none */
    uint8_t trusted; /* published */
    uint8_t below;   /* enum wire_kind of the PCIe level, once seen; else WIRE_UNKNOWN */
    bool seen;       /* the fields above are filled */
    bool held;       /* lanes > trusted: waiting for the quiet time */
};

/* About 130 KiB; zeroed is empty. Positions are those of the last call's topology; a position whose
 * UUID changes starts anew from `before`. */
struct baseline_memory {
    uint8_t n;
    char uuid[GPU_MAX][GPU_UUID_MAX];
    struct baseline_pair pair[GPU_MAX][GPU_MAX]; /* [a][b] with a < b */
};

/* before: the published topology, NULL when there is none. out may be now_read or before. */
void baseline_apply(const struct topo *now_read, const struct topo *before,
                    const struct baseline_rules *rules, struct baseline_memory *m, int64_t now,
                    struct topo *out);

/* Seconds until the first held pair may be trusted, for the caller's next look; -1 none is held. */
int64_t baseline_next_s(const struct baseline_memory *m, const struct baseline_rules *rules,
                        int64_t now);

/* Appends "GPUs 0-1 are up again since 120 s after 2 losses: held down for another 180 s" for each
 * held pair, separated by "; ". Nothing when none is held. */
void baseline_note(const struct baseline_memory *m, const struct topo *t,
                   const struct baseline_rules *rules, int64_t now, struct buf *out);

/* Appends what a person should hear about the way from before to after (both published): "GPUs 0-1:
 * healthy -> down (0 of 12 lanes)", "GPU 2: Xid ...", "GPU-... is gone", separated by "; "; at
 * most 16, then "and N more". Nothing when nothing worth an event changed: time, lane speeds and
 * the like are none. Returns how many. before may be NULL (nothing appended, 0). */
unsigned baseline_changes(const struct topo *before, const struct topo *after, struct buf *out);

/* Whether publishing again is worth it: anything differs but observed_at. */
bool baseline_same(const struct topo *a, const struct topo *b);

#endif
