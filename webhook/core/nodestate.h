/* What a node shows of its wiring: labels for affinity and people, the condition NVLinkDegraded
 * with the pair in its message, and the events of a change. Pure: a node's view in, texts out.
 * Written by the leader (webhook/live/nodes.h). */
#ifndef TPGUARD_CORE_NODESTATE_H
#define TPGUARD_CORE_NODESTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "webhook/core/node.h"

struct node_state {
    bool concerns;      /* a GPU node: else it shows nothing of ours */
    char nvlink[12];    /* healthy, degraded, none, unknown */
    char nvlink_set[8]; /* size of the largest NVLink set, "0" none; "": not known, no label (a node
                           affinity then does not match) */
    char status[8];     /* of the condition: True, False, Unknown */
    char reason[40];
    char message[400]; /* one sentence or two, ASCII */
};
void node_state_of(const struct node_view *n, const struct policy *policy, int64_t now,
                   struct node_state *out);

/* Lanes and states of all pairs at one time, kept to tell what changed: pairs_size(n) bytes. */
struct node_pairs {
    uint8_t n;
    bool known;
    uint8_t cell[]; /* n x n: lanes | state << 6 has no room: two bytes a pair, lanes then state */
};
unsigned node_pairs_size(unsigned n);
void node_pairs_of(const struct node_view *v, struct node_pairs *out);

/* One event of a change, in the order of pairs. */
#define NODE_EVENTS_MAX 3
struct node_event {
    enum reason code; /* NVLinkDown, NVLinkDegraded, NVLinkUp */
    char message[600];
};
/* before NULL: seen for the first time; then what is down or degraded is told against what is
 * expected. Returns how many. */
unsigned node_events_of(const struct node_view *v, const struct node_pairs *before,
                        struct node_event out[static NODE_EVENTS_MAX]);

#endif
