/* What nodestate.c and nodechange.c share: pairs and GPUs in words. For these two files only. */
#ifndef TPGUARD_CORE_NODESTATE_PARTS_H
#define TPGUARD_CORE_NODESTATE_PARTS_H

#include "topology/buf.h"
#include "topology/topo.h"

/* NVLink lanes that both GPUs report; 0 none. */
unsigned pair_lanes(const struct topo *t, unsigned a, unsigned b);
/* Lanes that the pair should have; 0 none or not known. */
unsigned pair_expected(const struct topo *t, unsigned a, unsigned b);
/* "12 lanes one way, 8 the other". */
void put_disagreement(const struct topo *t, unsigned a, unsigned b, struct buf *out);
/* "0,1,2" by NVML index; of more than 16 GPUs their runs, "0 to 35,37 to 71". */
void put_gpus(const struct topo *t, struct gpuset set, struct buf *out);
/* "GPU 3", "GPUs 0,1". */
void put_gpu_words(const struct topo *t, struct gpuset set, struct buf *out);
/* The fault of a GPU, cleaned. */
void put_fault(const struct gpu *g, struct buf *out);

/* "GPUs 0-1, 2-3: 0 of 12 lanes up; 4-5: 6 of 12 lanes up, and 3 more pairs": pairs of which the
 * same is said share it, `most` of them are named. */
#define PAIR_WORDS_MAX 64
struct pair_list {
    const struct topo *t;
    struct buf *out;
    unsigned most;
    unsigned n;     /* added so far */
    unsigned first; /* position of the first GPU of the first pair */
    char said[PAIR_WORDS_MAX];
};
void pair_list_add(struct pair_list *l, unsigned a, unsigned b, const char *what);
void pair_list_end(struct pair_list *l);

#endif
