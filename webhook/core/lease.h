/* Who of the replicas leads: the algorithm of Kubernetes' own components (client-go) over one Lease
 * object, as a state machine without I/O or clock. The caller asks lease_next what to do, does it,
 * and says what came of it.
 *
 * A lease of somebody else is over when its record has not been seen to change for as long as it
 * says, by the local monotonic clock: the clocks of two machines are never compared. The holder
 * stops leading renew_deadline after it *sent* its last good write, which is earlier than anybody
 * else can think the lease over. */
#ifndef TPGUARD_CORE_LEASE_H
#define TPGUARD_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_TEXT_MAX     256  /* of a holder; a longer one is cut, and is not us */
#define LEASE_TIME_MAX     40   /* "2026-11-22T12:00:00.000000Z" */
#define LEASE_DURATION_MAX 3600 /* seconds; a record that says more is taken for this */

struct lease_times {
    int64_t duration_us; /* whole seconds: what the record says */
    int64_t renew_us;    /* renew deadline, less than duration */
    int64_t retry_us;
};
#define LEASE_TIMES ((struct lease_times){15000000, 10000000, 2000000})

/* What the object says. "" and 0: not there. */
struct lease_record {
    char holder[LEASE_TEXT_MAX];
    char preferred[LEASE_TEXT_MAX]; /* spec.preferredHolder */
    char strategy[64];              /* somebody else elects (coordinated leader election) */
    char acquired[LEASE_TIME_MAX];
    char renewed[LEASE_TIME_MAX];
    char version[64]; /* metadata.resourceVersion */
    uint32_t duration_s;
    uint32_t transitions;
};

struct lease {
    char me[LEASE_TEXT_MAX];
    struct lease_times times;
    struct lease_record seen; /* last read, or last answer to a write */
    bool exists;
    bool fresh;         /* seen is what the next write may stand on */
    bool leads;         /* by our last good write; lease_until says for how long */
    int64_t seen_us;    /* when seen was last found changed */
    int64_t renewed_us; /* when the last good write was sent */
    int64_t next_us;    /* nothing to do before */
    uint64_t term;      /* how often it was won */
};

/* me: at most LEASE_TEXT_MAX - 1 bytes, not "". All times are of one monotonic clock. */
void lease_begin(struct lease *l, const char *me, const struct lease_times *t, int64_t now_us);

enum lease_do { LEASE_WAIT, LEASE_READ, LEASE_CREATE, LEASE_WRITE };
struct lease_step {
    enum lease_do what;
    int64_t wait_us; /* LEASE_WAIT */
};
struct lease_step lease_next(const struct lease *l, int64_t now_us);

/* The record that LEASE_CREATE and LEASE_WRITE put there; version: what it must replace. */
void lease_wanted(const struct lease *l, const char *now_text, struct lease_record *out);
/* The record that hands the lease back: no holder, and over after a second. */
void lease_released(const struct lease *l, struct lease_record *out);

/* What came of it. random: any number, spreads the attempts of those who wait. */
void lease_read(struct lease *l, const struct lease_record *r, int64_t now_us, uint32_t random);
void lease_missing(struct lease *l, int64_t now_us); /* 404 */
void lease_written(struct lease *l, const struct lease_record *answer, int64_t sent_us,
                   int64_t now_us);
void lease_refused(struct lease *l, int64_t now_us); /* 409: somebody was there first */
void lease_failed(struct lease *l, int64_t now_us, uint32_t random); /* no answer, or an error */

/* Leads until then, if no better news comes; 0: does not. */
int64_t lease_until(const struct lease *l);
/* Stops leading when that has passed; true when it just did. */
bool lease_lapse(struct lease *l, int64_t now_us);

#endif
