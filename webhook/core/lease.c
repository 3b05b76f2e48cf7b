#include "webhook/core/lease.h"

#include <string.h>

#define SECOND_US INT64_C(1000000)
/* After a lost race the record is read again soon, but two who race do not spin. */
#define RACE_PART 8

static void copy_text(char *to, size_t cap, const char *from) {
    size_t n = strnlen(from, cap - 1);
    memcpy(to, from, n);
    to[n] = 0;
}

static bool same(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

void lease_begin(struct lease *l, const char *me, const struct lease_times *t, int64_t now_us) {
    memset(l, 0, sizeof *l);
    copy_text(l->me, sizeof l->me, me);
    l->times = *t;
    l->next_us = now_us;
}

static int64_t duration_us(const struct lease *l) {
    uint32_t s = l->seen.duration_s;
    if (s == 0) {
        return l->times.duration_us;
    }
    return (s > LEASE_DURATION_MAX ? LEASE_DURATION_MAX : (int64_t)s) * SECOND_US;
}

/* May the record that was last seen be replaced by ours? Our own name may always be written again:
 * it stands for one process (leader.h). */
static bool may_write(const struct lease *l, int64_t now_us) {
    const struct lease_record *r = &l->seen;
    if (!l->exists) {
        return true;
    }
    if (same(r->holder, l->me)) {
        return !r->preferred[0] || same(r->preferred, l->me);
    }
    if (r->strategy[0]) {
        return false; /* whoever elects there will write our name, or not */
    }
    return !r->holder[0] || now_us - l->seen_us >= duration_us(l);
}

struct lease_step lease_next(const struct lease *l, int64_t now_us) {
    if (now_us < l->next_us) {
        return (struct lease_step){LEASE_WAIT, l->next_us - now_us};
    }
    if (!l->fresh || !may_write(l, now_us)) {
        return (struct lease_step){LEASE_READ, 0};
    }
    return (struct lease_step){l->exists ? LEASE_WRITE : LEASE_CREATE, 0};
}

void lease_wanted(const struct lease *l, const char *now_text, struct lease_record *out) {
    memset(out, 0, sizeof *out);
    bool stays = l->exists && same(l->seen.holder, l->me) && l->seen.acquired[0];
    copy_text(out->holder, sizeof out->holder, l->me);
    copy_text(out->renewed, sizeof out->renewed, now_text);
    copy_text(out->acquired, sizeof out->acquired, stays ? l->seen.acquired : now_text);
    copy_text(out->version, sizeof out->version, l->exists ? l->seen.version : "");
    out->duration_s = (uint32_t)(l->times.duration_us / SECOND_US);
    out->transitions = l->seen.transitions;
    if (l->exists && !same(l->seen.holder, l->me) && out->transitions < INT32_MAX) {
        out->transitions++;
    }
}

void lease_released(const struct lease *l, struct lease_record *out) {
    *out = l->seen;
    out->holder[0] = 0;
    out->duration_s = 1;
}

static int64_t spread(const struct lease *l, uint32_t random) {
    return l->times.retry_us + l->times.retry_us * 6 / 5 * (random >> 16) / 65536;
}

/* A write that changes nothing of these (a label, say) is no sign of life of the holder. */
static bool moved(const struct lease_record *a, const struct lease_record *b) {
    return !same(a->holder, b->holder) || !same(a->renewed, b->renewed) ||
           !same(a->acquired, b->acquired) || a->duration_s != b->duration_s ||
           a->transitions != b->transitions;
}

void lease_read(struct lease *l, const struct lease_record *r, int64_t now_us, uint32_t random) {
    if (!l->exists || moved(&l->seen, r)) {
        l->seen_us = now_us;
    }
    l->seen = *r;
    l->exists = true;
    l->fresh = may_write(l, now_us);
    if (l->fresh) {
        l->next_us = now_us;
    } else {
        l->next_us = now_us + spread(l, random);
    }
    if (!same(r->holder, l->me) || !l->fresh) {
        l->leads = false;
    }
}

void lease_missing(struct lease *l, int64_t now_us) {
    l->leads = false; /* somebody deleted it: whoever creates it leads */
    l->exists = false;
    l->fresh = true;
    memset(&l->seen, 0, sizeof l->seen);
    l->next_us = now_us;
}

void lease_written(struct lease *l, const struct lease_record *answer, int64_t sent_us,
                   int64_t now_us) {
    bool led = l->leads && now_us < lease_until(l); /* else others saw it not leading */
    l->seen = *answer;
    l->exists = true;
    l->seen_us = now_us;
    l->fresh = true;
    l->next_us = sent_us + l->times.retry_us;
    if (!same(answer->holder, l->me)) { /* an admission plugin of the cluster would have it so */
        l->leads = false;
        l->fresh = false;
        return;
    }
    l->renewed_us = sent_us;
    l->term += !led;
    l->leads = true;
}

void lease_refused(struct lease *l, int64_t now_us) {
    l->fresh = false;
    l->next_us = now_us + l->times.retry_us / RACE_PART;
}

void lease_failed(struct lease *l, int64_t now_us, uint32_t random) {
    l->fresh = false;
    l->next_us = now_us + (l->leads ? l->times.retry_us : spread(l, random));
}

int64_t lease_until(const struct lease *l) {
    return l->leads ? l->renewed_us + l->times.renew_us : 0;
}

bool lease_lapse(struct lease *l, int64_t now_us) {
    if (!l->leads || now_us < lease_until(l)) {
        return false;
    }
    l->leads = false;
    l->fresh = false;
    return true;
}
