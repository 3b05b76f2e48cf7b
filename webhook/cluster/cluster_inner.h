/* What the files of struct cluster share. All functions here want its lock held. */
#ifndef TPGUARD_CLUSTER_INNER_H
#define TPGUARD_CLUSTER_INNER_H

#include <pthread.h>

#include "webhook/cluster/answers.h"
#include "webhook/cluster/cluster.h"
#include "webhook/cluster/content.h"

struct cluster {
    pthread_mutex_t lock;
    struct policy policy;
    char *scheduler_name; /* the policy's, copied */
    struct content *content;
    struct answers answers;
    bool ready;
    unsigned listed; /* bits of enum cluster_kind */
    uint64_t decided;
    uint64_t kept;
};

/* The answer for one node, kept or decided. of may be NULL. *view, when asked for (view not NULL),
 * is valid until the next call. */
struct question {
    const struct shape *shape;
    struct answers_of *of;
    int64_t now;
};
void cluster_answer_at(struct cluster *c, const struct question *q, uint32_t at,
                       struct node_answer *out);
/* "llm/chat-0, llm/chat-1": who sits on these GPUs of node `at`; as many as fit. */
void cluster_put_holders(const struct content *k, uint32_t at, const struct topo *t,
                         struct gpuset of, struct buf *out);

#endif
