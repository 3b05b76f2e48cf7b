/* What is said when a node's wiring changes: Events of the Node. Two observations are compared pair
 * by pair; where there is no earlier one (after a restart) what the Node shows says how much is
 * news. Pure. */
#ifndef TPGUARD_CORE_NODECHANGE_H
#define TPGUARD_CORE_NODECHANGE_H

#include <stddef.h>

#include "webhook/core/nodestate.h"

/* Lanes and states of all pairs as of one readable report: node_pairs_size(n) bytes, comparable
 * with memcmp. Above the diagonal the lanes that both GPUs report, below it enum pair_state, on it
 * enum gpu_block where that is damage. */
struct node_pairs {
    uint32_t who; /* hash of indices and UUIDs: other GPUs are not compared */
    uint8_t n;
    uint8_t cell[];
};
size_t node_pairs_size(unsigned n);
/* v must be readable; out has room for node_pairs_size(v->topo->n). */
void node_pairs_of(const struct node_view *v, struct node_pairs *out);

enum node_said { NODE_SAID_NOTHING = 0, NODE_SAID_FALSE, NODE_SAID_TRUE, NODE_SAID_UNKNOWN };

/* What was known before: from the leader's memory, or from the condition that the Node shows. */
struct node_before {
    const struct node_pairs *pairs; /* of the last readable report; NULL not in memory */
    uint8_t said;                   /* enum node_said: status of the condition */
    enum reason reason;             /* of the condition; REASON_NONE: none, or not one of ours */
    bool same_message;              /* the condition's message is the one wanted now */
};
/* "True" and so on; anything else said nothing. */
enum node_said node_said_of(struct span status);

#define NODE_EVENTS_MAX 8
#define NODE_EVENT_MAX  600
struct node_event {
    enum reason code; /* reason_row(code)->warning: type Warning */
    char message[NODE_EVENT_MAX + 1];
};
/* The events of the change from `before` to (v, now wanted s); returns how many. */
unsigned node_events_of(const struct node_view *v, const struct node_state *s,
                        const struct policy *policy, const struct node_before *before,
                        struct node_event out[static NODE_EVENTS_MAX]);

#endif
