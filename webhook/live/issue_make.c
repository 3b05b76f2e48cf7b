#include "webhook/live/issue_work.h"

/* A clock behind ours still takes the first certificates. */
#define BACKDATED_S 3600

struct make {
    const struct issue_work *w;
    int64_t now;
    struct issue_secret *to;
};

static bool copy_part(const struct make *m, enum issue_part from, enum issue_part to) {
    buf_reset(&m->to->part[to]);
    buf_span(&m->to->part[to], buf_view(&m->w->secret.part[from]));
    return buf_ok(&m->to->part[to]);
}

static bool sign(const struct make *m, int64_t from, int64_t ca_ends, struct err *e) {
    int64_t end = m->now + m->w->times.server_life_s;
    struct certs_order o = {.ca = buf_view(&m->to->part[ISSUE_CA]),
                            .ca_key = buf_view(&m->to->part[ISSUE_CA_KEY]),
                            .names = m->w->o->names,
                            .n_names = m->w->o->n_names,
                            .life = {from, end < ca_ends ? end : ca_ends}};
    buf_reset(&m->to->part[ISSUE_CERT]);
    buf_reset(&m->to->part[ISSUE_KEY]);
    return certs_sign(&o, &m->to->part[ISSUE_CERT], &m->to->part[ISSUE_KEY], e);
}

/* When a CA made now begins: where the present one did. */
static int64_t beginning(const struct make *m) {
    return m->w->seen.signer >= 0 ? m->w->seen.signs.not_before : m->now - BACKDATED_S;
}

static bool rewrite_bundle(const struct make *m, int first, bool rest, struct err *e) {
    buf_reset(&m->to->part[ISSUE_CA]);
    return certs_bundle(buf_view(&m->w->secret.part[ISSUE_CA]), first, rest, m->now,
                        &m->to->part[ISSUE_CA], e);
}

static bool make_all(const struct make *m, struct err *e) {
    int64_t from = beginning(m);
    int64_t end = m->now + m->w->times.ca_life_s;
    struct buf old = buf_new(CERT_PEM_MAX);
    bool done = certs_bundle(buf_view(&m->w->secret.part[ISSUE_CA]), -1, true, m->now, &old, e);
    buf_reset(&m->to->part[ISSUE_CA]);
    buf_reset(&m->to->part[ISSUE_CA_KEY]);
    buf_reset(&m->to->part[ISSUE_NEXT_KEY]);
    done = done && certs_make_ca((struct certs_life){from, end}, &m->to->part[ISSUE_CA],
                                 &m->to->part[ISSUE_CA_KEY], e);
    buf_span(&m->to->part[ISSUE_CA], buf_view(&old));
    m->to->next_since = 0;
    m->to->old_since = old.n ? m->now : 0;
    buf_done(&old);
    return done && sign(m, from, end, e);
}

static bool publish(const struct make *m, struct err *e) {
    struct certs_life life = {beginning(m), m->now + m->w->times.ca_life_s};
    buf_reset(&m->to->part[ISSUE_NEXT_KEY]);
    m->to->next_since = m->now;
    return rewrite_bundle(m, m->w->seen.signer, true, e) &&
           certs_make_ca(life, &m->to->part[ISSUE_CA], &m->to->part[ISSUE_NEXT_KEY], e);
}

static bool switch_ca(const struct make *m, struct err *e) {
    if (!copy_part(m, ISSUE_NEXT_KEY, ISSUE_CA_KEY) ||
        !rewrite_bundle(m, m->w->seen.next, true, e)) {
        return false;
    }
    buf_reset(&m->to->part[ISSUE_NEXT_KEY]);
    m->to->next_since = 0;
    m->to->old_since = m->now;
    return sign(m, m->w->seen.comes.not_before, m->w->seen.comes.not_after, e);
}

static void stamp(const struct make *m) {
    if (m->w->seen.next >= 0) {
        m->to->next_since = m->now;
    } else {
        m->to->old_since = m->now;
    }
}

/* The Secret is gone, but what was in it is here and works. */
static bool remembered(const struct make *m) {
    const struct certs_seen *s = &m->w->seen;
    return s->pair && s->names && s->by_signer && m->now < s->life.not_after;
}

static bool make(const struct make *m, struct err *e) {
    switch (m->w->plan.action) {
    case ISSUE_CREATE:
        return remembered(m) || make_all(m, e);
    case ISSUE_FILL:
        return make_all(m, e);
    case ISSUE_SIGN:
        return sign(m, m->w->seen.signs.not_before, m->w->seen.signs.not_after, e);
    case ISSUE_PUBLISH:
        return publish(m, e);
    case ISSUE_SWITCH:
        return switch_ca(m, e);
    case ISSUE_DROP:
        m->to->old_since = 0;
        return rewrite_bundle(m, m->w->seen.signer, false, e);
    case ISSUE_STAMP:
        stamp(m);
        return true;
    case ISSUE_KEEP:
    case ISSUE_ACTION_COUNT:
        break;
    }
    return true;
}

bool issue_make(const struct issue_work *w, int64_t now, struct issue_secret *to, struct err *e) {
    struct make m = {w, now, to};
    memcpy(to->version, w->secret.version, sizeof to->version);
    to->next_since = w->secret.next_since;
    to->old_since = w->secret.old_since;
    for (unsigned i = 0; i < ISSUE_PART_COUNT; i++) {
        if (!copy_part(&m, (enum issue_part)i, (enum issue_part)i)) {
            return err_set(e, ERR_INTERNAL, "no memory");
        }
    }
    if (!make(&m, e)) {
        return false;
    }
    for (unsigned i = 0; i < ISSUE_PART_COUNT; i++) {
        if (!buf_ok(&to->part[i])) {
            return err_set(e, ERR_TOO_LARGE, "the certificates have no room in the Secret");
        }
    }
    return true;
}
