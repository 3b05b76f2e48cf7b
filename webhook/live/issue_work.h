/* Inside issue.c: one look at the Secret, one step, and the round that is made again and again. All
 * times are arguments. */
#ifndef TPGUARD_LIVE_ISSUE_WORK_H
#define TPGUARD_LIVE_ISSUE_WORK_H

#include "webhook/live/issue.h"
#include "webhook/live/issue_secret.h"
#include "webhook/sys/certs_issue.h"

struct issue_now {
    int64_t unix_s;
    int64_t mono_us;
    bool leads;
};

struct issue_work {
    const struct issue_options *o;
    struct issue_times times;
    const _Atomic bool *stop;   /* ends calls that read; NULL never */
    struct issue_secret secret; /* as last read or written */
    struct certs_seen seen;
    char seen_version[64]; /* what seen is of; "" nothing, or the Secret is gone */
    struct issue_plan plan;
    struct bundle_state bundles;
    struct buf cert; /* in use, or refused by use() */
    struct buf key;
    const char *why; /* last said */
    uint64_t writes;
};

void issue_work_begin(struct issue_work *w, const struct issue_options *o);
void issue_work_end(struct issue_work *w);

/* GET, and what to do about it. */
NODISCARD bool issue_look(struct issue_work *w, struct issue_now now, struct err *e);

/* Carries out w->plan by one write and looks at the answer. *lost: somebody wrote before us,
 * nothing was done, look again. */
NODISCARD bool issue_step(struct issue_work *w, struct issue_now now, bool *lost, struct err *e);

/* Reads, writes what this replica may, keeps the caBundles, hands out what has changed: in that
 * order, so that callers know a CA before its certificate is used. */
NODISCARD bool issue_pass(struct issue_work *w, struct issue_now now, struct err *e);

/* The texts that the action leaves, in *to (made by issue_secret_new). No I/O. */
NODISCARD bool issue_make(const struct issue_work *w, int64_t now, struct issue_secret *to,
                          struct err *e);

#endif
