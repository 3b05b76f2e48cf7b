/* Inside issue.c: one look at the Secret, and one step. */
#ifndef TPGUARD_LIVE_ISSUE_WORK_H
#define TPGUARD_LIVE_ISSUE_WORK_H

#include "webhook/live/issue.h"
#include "webhook/live/issue_secret.h"
#include "webhook/sys/certs_issue.h"

struct issue_work {
    const struct issue_options *o;
    struct issue_times times;
    struct issue_secret secret; /* as last read or written */
    struct certs_seen seen;
    struct issue_plan plan;
};

void issue_work_begin(struct issue_work *w, const struct issue_options *o);
void issue_work_end(struct issue_work *w);

/* GET, and what to do about it. published_s: issue_plan.h. */
NODISCARD bool issue_look(struct issue_work *w, int64_t published_s, int64_t now, struct err *e);

/* Carries out w->plan by one write and looks at the answer. *lost: somebody wrote before us,
 * nothing was done, look again. */
NODISCARD bool issue_step(struct issue_work *w, int64_t published_s, int64_t now, bool *lost,
                          struct err *e);

/* The texts that the action leaves, in *to (made by issue_secret_new). No I/O. */
NODISCARD bool issue_make(const struct issue_work *w, int64_t now, struct issue_secret *to,
                          struct err *e);

#endif
