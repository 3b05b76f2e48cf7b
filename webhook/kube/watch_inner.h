/* Inside of a watch: its state, and the two things it does. All but watch_status and watch_stop is
 * called by its own thread only. */
#ifndef TPGUARD_KUBE_WATCH_INNER_H
#define TPGUARD_KUBE_WATCH_INNER_H

#include "webhook/core/watchstate.h"
#include "webhook/kube/watch.h"
#include "webhook/kube/watch_text.h"
#include "webhook/sys/log.h"
#include "webhook/sys/pace.h"

#define WATCH_LIST_MS    60000  /* one page */
#define WATCH_CONNECT_MS 30000  /* until a stream is accepted */
#define WATCH_IDLE_MS    150000 /* two bookmarks, which come each minute, were missed */
#define WATCH_BAD_LINES  20     /* lines of log a minute about objects that cannot be read */

struct watch {
    struct kube_client *client;
    struct watch_options options;
    struct watch_sink sink;
    struct pace pace; /* its lock guards status */
    struct watch_status status;
    /* The thread's own. */
    struct watchstate state;
    uint64_t listed; /* objects of the list under way */
    int64_t bad_since_us;
    unsigned bad_lines;
};

/* Carry out an action; the next one. */
struct watch_action watch_list(struct watch *w, const struct watch_action *a);
struct watch_action watch_stream(struct watch *w, const struct watch_action *a);

void watch_alive(struct watch *w); /* a sign of life; forgets the last error */
void watch_event_seen(struct watch *w);
void watch_listed(struct watch *w);
void watch_fault(struct watch *w, enum log_level level, const char *error, uint64_t wait_ms);
void watch_bad_object(struct watch *w, struct span object, const struct err *bad);

#endif
