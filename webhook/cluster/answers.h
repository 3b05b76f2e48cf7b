/* Answers kept: for each of the last CLUSTER_SHAPES shapes asked about, one answer a node, good
 * until that node changes (its generation) or a time comes (freshness). 48 bytes an answer: 64
 * shapes over 5,000 nodes are 15 MB; and two counts of all nodes a shape, about 9 KB. Not for use
 * by two threads at once. */
#ifndef TPGUARD_CLUSTER_ANSWERS_H
#define TPGUARD_CLUSTER_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "webhook/cluster/cluster.h"
#include "webhook/cluster/index.h"
#include "webhook/core/place.h"

struct kept {
    uint64_t gen; /* of the node it was decided for; 0 none */
    int64_t until;
    struct node_answer answer;
};

/* The same counted for pods with these constraints (place_key). */
struct own_census {
    struct census census;
    uint64_t gen;
    int64_t until;
    unsigned key_n;
    unsigned char key[PLACE_KEY_MAX];
};

struct answers_of {
    unsigned char *key; /* NULL: not in use */
    unsigned key_n;
    uint64_t hash;
    uint64_t used; /* when last asked for */
    struct kept *kept;
    uint32_t cap;
    /* All of them counted, good while no node changes (no generation is given out) and before
     * `census_until`. */
    struct census *census; /* NULL: none yet */
    uint64_t census_gen;
    int64_t census_until;
    struct own_census *own; /* of the pod asked for last; NULL: none yet */
};

struct answers {
    struct answers_of shape[CLUSTER_SHAPES];
    struct seed seed;
    uint64_t clock;
};

void answers_init(struct answers *a);
void answers_done(struct answers *a);
void answers_forget(struct answers *a); /* all of them */

/* The answers to this shape, with room for nodes 0..nodes-1; the least recently used make way. NULL
 * without memory: then nothing is kept. */
struct answers_of *answers_for(struct answers *a, const struct shape *s, uint32_t nodes);

#endif
