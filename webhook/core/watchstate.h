/* What a list-and-watch does next: a state machine without I/O, clock or chance. The caller carries
 * out the action, tells what came of it, and gets the next one; time and randomness are arguments.
 *
 *   list pages -> watch from the list's resourceVersion -> (stream ends) watch again from the last
 * one
 *                                                       -> (410 and the like) list again
 *
 * Lists ask for no resourceVersion: they are consistent reads, so that no list is older than what
 * was seen before. (client-go asks for one not older than its last, and falls back to this when
 * that has expired.) resourceVersions are texts that are handed back and never looked into. */
#ifndef TPGUARD_CORE_WATCHSTATE_H
#define TPGUARD_CORE_WATCHSTATE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/span.h"

#define WATCH_VERSION_MAX  128    /* bytes of a resourceVersion, the NUL counted */
#define WATCH_CONTINUE_MAX 4096   /* the same of a continue token */
#define WATCH_PAGES_MAX    100000 /* of one list */

#define WATCH_BACKOFF_MIN_MS 500
#define WATCH_BACKOFF_MAX_MS 30000
#define WATCH_WAIT_MIN_MS    50 /* no attempt follows a failed one sooner */
#define WATCH_REFUSED_MS                                                                           \
    20000                      /* between half and all of it after 403 and 404: a human must act   \
                                */
#define WATCH_RETRY_AFTER_S 60 /* a Retry-After beyond is cut to it */
#define WATCH_HEALTHY_MS    10000 /* a stream open for so long ends a row of failures */
#define WATCH_SHORT_MS      1000  /* a stream that ends sooner without a word is a failure */
#define WATCH_GIVE_UP       5     /* failed watches in a row, then the list is made again */
#define WATCH_TIMEOUT_MIN_S 300   /* timeoutSeconds of a stream, up to twice it */

enum watch_do {
    WATCH_DO_LIST = 0, /* the page behind `next` ("": the first), of `limit` objects */
    WATCH_DO_STREAM,   /* from `version` */
};

struct watchstate {
    enum watch_do now;
    char version[WATCH_VERSION_MAX]; /* where a watch goes on; of the list, then of each event */
    char next[WATCH_CONTINUE_MAX];   /* continue of the next page; "" the first page */
    unsigned limit;
    unsigned limit_wanted;
    unsigned pages;          /* of this list so far */
    unsigned failures;       /* in a row */
    unsigned expiries;       /* of them: the version or token had expired */
    unsigned watches_failed; /* in a row, since the list */
    unsigned streams_failed; /* since a healthy one, lists between them or not */
    int64_t opened_us;       /* the stream was accepted then; 0 it was not */
    bool spoke;              /* something came on it */
};

struct watch_action {
    enum watch_do what;
    uint64_t wait_ms;   /* first */
    unsigned timeout_s; /* STREAM */
    bool first;         /* LIST: the first page of a list (list_begin when it has come) */
    bool complete;      /* of a page just told: it was the last (list_end) */
    const char *why;    /* what was told makes no sense; NULL it does. It counts as a failure */
};

void watchstate_init(struct watchstate *s, unsigned limit);
/* What to do first, or again after nothing was told. */
struct watch_action watchstate_now(const struct watchstate *s, uint64_t random);

/* A page has been handled. version: metadata.resourceVersion of the list, cont: its continue. */
struct watch_action watchstate_page(struct watchstate *s, struct span version, struct span cont,
                                    int64_t now_us, uint64_t random);
/* The stream was accepted (200). */
void watchstate_open(struct watchstate *s, int64_t now_us);
/* An event or a bookmark has been handled; version "" leaves things as they are. false: it is too
 * long, and the stream must be ended as broken. */
bool watchstate_event(struct watchstate *s, struct span version);
/* The server ended the stream in order. */
struct watch_action watchstate_ended(struct watchstate *s, int64_t now_us, uint64_t random);

/* How the last action failed. */
enum watch_fault {
    WATCH_NO_ANSWER = 0, /* refused, cut, timed out, unreadable */
    WATCH_STATUS,        /* HTTP status that is not 200, or the code of an ERROR event */
    WATCH_TOO_LARGE,     /* a page or line beyond its maximum */
};
struct watch_failure {
    enum watch_fault fault;
    unsigned status;
    unsigned retry_after_s;
    bool expired; /* the Status says reason Expired or Gone, whatever its code */
};
struct watch_action watchstate_failed(struct watchstate *s, const struct watch_failure *f,
                                      int64_t now_us, uint64_t random);

#endif
