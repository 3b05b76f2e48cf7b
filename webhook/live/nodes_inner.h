/* What the files of nodes.h share: looking (nodes_look.c), writing (nodes_write.c), rounds
 * (nodes.c). */
#ifndef TPGUARD_LIVE_NODES_INNER_H
#define TPGUARD_LIVE_NODES_INNER_H

#include "webhook/core/nodechange.h"
#include "webhook/live/nodes.h"

#define NODES_NAME_MAX 254
#define NODES_WORD_MAX 65
#define NODES_BATCH    32  /* jobs between two looks */
#define NODES_LOOKS    128 /* nodes worked out under one hold of the cache's lock */

/* Of one node; 0 everywhere: never met. */
struct node_memory {
    uint64_t who;    /* hash of name and uid */
    uint64_t inputs; /* what `want` was worked out from ... */
    uint64_t books;
    int64_t until;  /* ... and the Unix second from which on it may not hold */
    uint64_t want;  /* hash of what the node should show */
    uint64_t wrote; /* hash of what was written last; 0 nothing */
    int64_t wrote_us;
    int64_t wait_us; /* after a failure: not before this */
    int64_t logged_us;
    uint64_t message;         /* hash of the last message said */
    struct node_pairs *pairs; /* of the last readable report; NULL */
    uint8_t reason;           /* enum reason of the condition last said */
    uint8_t said;             /* enum node_said */
    bool knows;               /* the three above are filled */
    bool due;                 /* something may have to be said or written */
};

struct nodes_memory {
    struct node_memory *node; /* by number of the cache */
    uint32_t cap;
    size_t pairs_bytes;
    uint64_t term;
    uint64_t generation; /* of the cache when the pass began */
    uint32_t cursor;     /* where the pass goes on; 0 it begins */
    int64_t look_us;     /* next pass, though nothing changed */
    int64_t quiet_us;    /* the API server wants no requests before this */
    int64_t logged_us;
    struct node_job *job; /* NODES_BATCH */
    unsigned n_jobs;
};

/* One node that does not show what it should, or has something to tell. Copied out of the cache. */
struct node_job {
    uint32_t at;
    uint64_t who;
    char name[NODES_NAME_MAX];
    char uid[NODES_WORD_MAX];
    char since[NODES_WORD_MAX]; /* lastTransitionTime that stays; "" it is now */
    bool labels;                /* are to be patched */
    bool condition;
    struct node_state state;
    uint64_t want;
    unsigned n_events;
    struct node_event event[NODE_EVENTS_MAX];
    struct node_pairs *pairs; /* becomes the memory's; NULL: that stays as it is */
};

/* Fills m->job from the nodes behind m->cursor. true: all were looked at (m->cursor is 0). */
bool nodes_look(const struct nodes_ends *ends, struct nodes_memory *m);
/* The job is done; wrote: something was written. */
void nodes_keep(struct nodes_memory *m, struct node_job *job, bool wrote, int64_t mono_us);
/* It failed: not before this. NULL when the node is another one by now. */
struct node_memory *nodes_put_off(struct nodes_memory *m, const struct node_job *job,
                                  int64_t until_us);
void nodes_forget(struct nodes_memory *m);

void nodes_put_labels(const struct node_job *job, struct buf *out);
void nodes_put_condition(const struct node_job *job, int64_t now, struct buf *out);

/* Writes and tells one job. */
enum nodes_outcome {
    NODES_DONE,
    NODES_FAILED, /* this node: later */
    NODES_OVER,   /* the API server takes nothing now: m->quiet_us says until when */
};
enum nodes_outcome nodes_write(const struct nodes_ends *ends, struct nodes_memory *m,
                               struct node_job *job, struct nodes_done *done);

#endif
