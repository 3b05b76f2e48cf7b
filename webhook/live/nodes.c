#include "webhook/live/nodes.h"

#include <stdlib.h>

#include "webhook/live/nodes_inner.h"

struct nodes_memory *nodes_memory_new(void) {
    struct nodes_memory *m = calloc(1, sizeof *m);
    struct node_job *job = calloc(NODES_BATCH, sizeof *job);
    if (!m || !job) {
        free(m);
        free(job);
        return NULL;
    }
    m->job = job;
    return m;
}

void nodes_memory_free(struct nodes_memory *m) {
    if (!m) {
        return;
    }
    nodes_forget(m);
    free(m->node);
    free(m->job);
    free(m);
}

/* A pass over all nodes begins, or one that was cut short goes on. */
static bool is_due(const struct nodes_ends *ends, struct nodes_memory *m) {
    int64_t now_us = ends->mono_us(ends->ctx);
    if (now_us < m->quiet_us) {
        return false;
    }
    if (m->cursor) {
        return true;
    }
    uint64_t generation = cluster_generation(ends->cluster);
    if (generation == m->generation && now_us < m->look_us) {
        return false;
    }
    m->generation = generation;
    m->look_us = now_us + (int64_t)NODES_LOOK_S * 1000000;
    return true;
}

/* What is not reached stays due and is found again in the next pass. */
static bool write_batch(const struct nodes_ends *ends, struct nodes_memory *m,
                        struct nodes_done *done) {
    bool going = true;
    for (unsigned i = 0; i < m->n_jobs; i++) {
        struct node_job *job = &m->job[i];
        going = going && ends->going(ends->ctx) && nodes_write(ends, m, job, done) != NODES_OVER;
        free(job->pairs);
        job->pairs = NULL;
        m->generation = going ? m->generation : 0;
    }
    m->n_jobs = 0;
    return going;
}

void nodes_round(const struct nodes_ends *ends, struct nodes_memory *m, struct nodes_done *out) {
    struct nodes_done done = {0};
    if (m->term != ends->term) {
        nodes_forget(m); /* another replica may have led meanwhile, and told what we remember not */
        m->term = ends->term;
        m->quiet_us = 0;
    }
    bool more = is_due(ends, m);
    while (more) {
        bool all = nodes_look(ends, m);
        bool going = write_batch(ends, m, &done);
        more = !all && going && done.patches + done.failures < NODES_PATCHES_MAX;
    }
    done.more = m->cursor != 0 && ends->mono_us(ends->ctx) >= m->quiet_us;
    *out = done;
}
