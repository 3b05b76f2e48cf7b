#include "webhook/core/watchstate.h"

#define LIMIT_MIN 10

void watchstate_init(struct watchstate *s, unsigned limit) {
    memset(s, 0, sizeof *s);
    s->limit = s->limit_wanted = limit;
}

/* 0 .. below - 1. The bias of the modulo is of no matter for delays. */
static uint64_t draw(uint64_t random, uint64_t below) {
    return below ? random % below : 0;
}

/* Every watcher of a cluster loses its stream in the same moment when an API server goes: full
 * jitter spreads them. */
static uint64_t backoff_ms(unsigned failures, uint64_t random) {
    uint64_t most = WATCH_BACKOFF_MIN_MS;
    for (unsigned i = 1; i < failures && most < WATCH_BACKOFF_MAX_MS; i++) {
        most *= 2;
    }
    most = most < WATCH_BACKOFF_MAX_MS ? most : WATCH_BACKOFF_MAX_MS;
    uint64_t ms = draw(random, most + 1);
    return ms > WATCH_WAIT_MIN_MS ? ms : WATCH_WAIT_MIN_MS;
}

static struct watch_action act(const struct watchstate *s, uint64_t wait_ms, uint64_t random) {
    return (struct watch_action){
        .what = s->now,
        .wait_ms = wait_ms,
        .timeout_s =
            s->now == WATCH_DO_STREAM
                ? WATCH_TIMEOUT_MIN_S + (unsigned)draw(random >> 32, WATCH_TIMEOUT_MIN_S + 1)
                : 0,
        .first = s->now == WATCH_DO_LIST && s->next[0] == '\0',
    };
}

struct watch_action watchstate_now(const struct watchstate *s, uint64_t random) {
    return act(s, 0, random);
}

/* What the sink has stays: only a list that came to its end makes it forget. */
static void list_again(struct watchstate *s) {
    s->now = WATCH_DO_LIST;
    s->next[0] = '\0';
    s->pages = 0;
    s->watches_failed = 0;
}

static bool was_healthy(const struct watchstate *s, int64_t now_us) {
    return s->opened_us && now_us - s->opened_us >= (int64_t)WATCH_HEALTHY_MS * 1000;
}

/* Another failure; long good times before it are not held against the server. */
static void count(struct watchstate *s, int64_t now_us) {
    if (was_healthy(s, now_us)) {
        s->failures = 0;
        s->watches_failed = 0;
        s->streams_failed = 0;
        s->expiries = 0;
    }
    s->failures++;
    s->watches_failed += s->now == WATCH_DO_STREAM;
    s->streams_failed += s->now == WATCH_DO_STREAM;
    s->opened_us = 0;
    s->spoke = false;
}

static struct watch_action nonsense(struct watchstate *s, const char *why, int64_t now_us,
                                    uint64_t random) {
    count(s, now_us);
    list_again(s);
    struct watch_action a = act(s, backoff_ms(s->failures, random), random);
    a.why = why;
    return a;
}

static bool keep(char *out, size_t cap, struct span s) {
    if (s.n >= cap || (s.n && memchr(s.p, '\0', s.n))) {
        return false;
    }
    if (s.n) {
        memcpy(out, s.p, s.n);
    }
    out[s.n] = '\0';
    return true;
}

struct watch_action watchstate_page(struct watchstate *s, struct span version, struct span cont,
                                    int64_t now_us, uint64_t random) {
    if (s->now != WATCH_DO_LIST) {
        return nonsense(s, "a page of a list came, and none was asked for", now_us, random);
    }
    if (version.n == 0) {
        return nonsense(s, "the list has no metadata.resourceVersion", now_us, random);
    }
    if (cont.n && span_eq(cont, span_of(s->next))) {
        return nonsense(s, "the list goes on with the page that was just read", now_us, random);
    }
    if (++s->pages > WATCH_PAGES_MAX) {
        return nonsense(s, "the list has more than 100000 pages", now_us, random);
    }
    /* Of the first page: where the state behind the token has gone, later ones may be newer, and a
     * watch that starts too early only repeats what is known. */
    if (s->pages == 1 && !keep(s->version, sizeof s->version, version)) {
        return nonsense(s, "metadata.resourceVersion has more than 127 bytes", now_us, random);
    }
    if (!keep(s->next, sizeof s->next, cont)) {
        return nonsense(s, "metadata.continue has more than 4095 bytes", now_us, random);
    }
    if (cont.n) {
        return act(s, 0, random);
    }
    /* A server that lists is there again; whether it also streams is another question. */
    s->failures = s->streams_failed < s->failures ? s->streams_failed : s->failures;
    s->now = WATCH_DO_STREAM;
    s->limit = s->limit_wanted;
    s->watches_failed = 0;
    struct watch_action a = act(s, 0, random);
    a.complete = true;
    return a;
}
_Static_assert(WATCH_PAGES_MAX == 100000 && WATCH_VERSION_MAX == 128 && WATCH_CONTINUE_MAX == 4096,
               "the messages above say so");

void watchstate_open(struct watchstate *s, int64_t now_us) {
    s->opened_us = now_us;
    s->spoke = false;
}

bool watchstate_event(struct watchstate *s, struct span version) {
    s->spoke = true;
    return version.n == 0 || keep(s->version, sizeof s->version, version);
}

struct watch_action watchstate_ended(struct watchstate *s, int64_t now_us, uint64_t random) {
    bool brief = !s->opened_us || now_us - s->opened_us < (int64_t)WATCH_SHORT_MS * 1000;
    if (brief && !s->spoke) {
        return watchstate_failed(s, &(struct watch_failure){0}, now_us, random);
    }
    if (was_healthy(s, now_us)) {
        s->failures = 0;
        s->streams_failed = 0;
        s->expiries = 0;
    }
    s->watches_failed = 0;
    s->opened_us = 0;
    s->spoke = false;
    uint64_t most = brief ? WATCH_BACKOFF_MIN_MS : 2 * WATCH_WAIT_MIN_MS;
    uint64_t wait = draw(random, most + 1);
    return act(s, wait > WATCH_WAIT_MIN_MS ? wait : WATCH_WAIT_MIN_MS, random);
}

/* After these a watch from the same resourceVersion has no hope: it is gone (410), or unknown to
 * the server (400 unreadable, 504 ahead of it), or the stream has something in it that cannot be
 * passed.
 */
static bool version_is_lost(const struct watch_failure *f) {
    if (f->fault == WATCH_TOO_LARGE) {
        return true;
    }
    return f->fault == WATCH_STATUS && (f->expired || f->status == 410 || f->status == 400 ||
                                        f->status == 504 || f->status == 422);
}

static bool is_expiry(const struct watch_failure *f) {
    return f->fault == WATCH_STATUS && (f->expired || f->status == 410);
}

static uint64_t wait_after(const struct watchstate *s, const struct watch_failure *f,
                           uint64_t random) {
    if (is_expiry(f)) {
        /* Daily life, and what a server that was away says when it is back: the failures before it
         * are no reason to wait, other expiries are. */
        return s->failures == 1 ? 0 : backoff_ms(s->expiries, random);
    }
    if (f->fault == WATCH_STATUS && (f->status == 403 || f->status == 404)) {
        return WATCH_REFUSED_MS / 2 + draw(random, WATCH_REFUSED_MS / 2 + 1);
    }
    uint64_t after_s =
        f->retry_after_s < WATCH_RETRY_AFTER_S ? f->retry_after_s : WATCH_RETRY_AFTER_S;
    /* Not all in the very second that was named for all. */
    return after_s ? after_s * 1000 + draw(random, 1000) : backoff_ms(s->failures, random);
}

struct watch_action watchstate_failed(struct watchstate *s, const struct watch_failure *f,
                                      int64_t now_us, uint64_t random) {
    count(s, now_us);
    s->expiries += is_expiry(f);
    uint64_t wait = wait_after(s, f, random);
    if (s->now == WATCH_DO_STREAM) {
        if (version_is_lost(f) ||
            (f->fault == WATCH_STATUS && s->watches_failed >= WATCH_GIVE_UP)) {
            list_again(s);
        }
    } else if (f->fault == WATCH_TOO_LARGE && s->limit > LIMIT_MIN) {
        s->limit = s->limit / 2 > LIMIT_MIN ? s->limit / 2 : LIMIT_MIN;
        wait = WATCH_WAIT_MIN_MS;
    } else if (f->fault == WATCH_STATUS && (is_expiry(f) || f->status == 400)) {
        list_again(s);
    }
    return act(s, wait, random);
}
