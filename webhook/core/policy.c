#include "webhook/core/policy.h"

#include "topology/buf.h"

struct policy policy_default(void) {
    return (struct policy){
        .mode = MODE_ENFORCE,
        .rewrites = REWRITE_STEER,
        .unsatisfiable = UNSAT_AUTO,
        .unknown_tp = UNKNOWN_STRICT,
        .unknown_topology = UNKNOWN_STRICT,
        .allocation = ALLOC_PLUGIN,
        .workloads = WORKLOADS_WARN,
        .freshness_s = 600,
    };
}

static const char *const modes[] = {"enforce", "warn", "audit", "off"};
static const char *const unsats[] = {"auto", "deny", "wait"};
static const char *const unknowns[] = {"strict", "allow"};
static const char *const allocations[] = {"plugin", "exact"};
static const char *const workloads[] = {"warn", "deny"};
static const struct {
    const char *name;
    unsigned bit;
} rewrites[] = {
    {"steer", REWRITE_STEER},
    {"repin", REWRITE_REPIN},
    {"replicas", REWRITE_REPLICAS},
    {"pipeline", REWRITE_PIPELINE},
};
#define COUNT(list) ((unsigned)(sizeof(list) / sizeof *(list)))

static bool find(const char *const *list, unsigned n, struct span s, unsigned *at) {
    for (unsigned i = 0; i < n; i++) {
        if (span_is(s, list[i])) {
            *at = i;
            return true;
        }
    }
    return false;
}

static const char *name_of(const char *const *list, unsigned n, unsigned at) {
    return at < n ? list[at] : "invalid";
}

bool mode_parse(struct span s, enum mode *out) {
    unsigned at = 0;
    if (!find(modes, COUNT(modes), s, &at)) {
        return false;
    }
    *out = (enum mode)at;
    return true;
}

const char *mode_name(enum mode m) {
    return name_of(modes, COUNT(modes), m);
}

bool unsatisfiable_parse(struct span s, enum unsatisfiable *out) {
    unsigned at = 0;
    if (!find(unsats, COUNT(unsats), s, &at)) {
        return false;
    }
    *out = (enum unsatisfiable)at;
    return true;
}

const char *unsatisfiable_name(enum unsatisfiable u) {
    return name_of(unsats, COUNT(unsats), u);
}

bool unknown_parse(struct span s, enum unknown_policy *out) {
    unsigned at = 0;
    if (!find(unknowns, COUNT(unknowns), s, &at)) {
        return false;
    }
    *out = (enum unknown_policy)at;
    return true;
}

const char *unknown_name(enum unknown_policy u) {
    return name_of(unknowns, COUNT(unknowns), u);
}

bool allocation_parse(struct span s, enum allocation *out) {
    unsigned at = 0;
    if (!find(allocations, COUNT(allocations), s, &at)) {
        return false;
    }
    *out = (enum allocation)at;
    return true;
}

const char *allocation_name(enum allocation a) {
    return name_of(allocations, COUNT(allocations), a);
}

bool workloads_parse(struct span s, enum workloads *out) {
    unsigned at = 0;
    if (!find(workloads, COUNT(workloads), s, &at)) {
        return false;
    }
    *out = (enum workloads)at;
    return true;
}

const char *workloads_name(enum workloads w) {
    return name_of(workloads, COUNT(workloads), w);
}

static bool rewrite_bit(struct span word, unsigned *bit) {
    for (unsigned i = 0; i < COUNT(rewrites); i++) {
        if (span_is(word, rewrites[i].name)) {
            *bit = rewrites[i].bit;
            return true;
        }
    }
    return false;
}

bool rewrites_parse(struct span s, unsigned *out, struct err *e) {
    struct span rest = span_trim(s);
    if (span_is(rest, "none")) {
        *out = 0;
        return true;
    }
    unsigned bits = 0;
    bool more = true;
    while (more) {
        /* A comma at the end leaves an empty word to be refused, as one in the middle is. */
        more = span_find(rest, ',') < rest.n;
        struct span word = span_trim(span_cut(&rest, ','));
        unsigned bit = 0;
        if (!rewrite_bit(word, &bit)) {
            return err_set(e, ERR_INPUT,
                           "wants \"none\" or a comma list of steer, repin, replicas, pipeline; "
                           "found \"" SPAN_FMT "\"",
                           SPAN_ARG(span_upto(word, 40)));
        }
        bits |= bit;
    }
    *out = bits;
    return true;
}

void rewrites_text(unsigned bits, struct buf *out) {
    bool any = false;
    for (unsigned i = 0; i < COUNT(rewrites); i++) {
        if (bits & rewrites[i].bit) {
            buf_str(out, any ? "," : "");
            buf_str(out, rewrites[i].name);
            any = true;
        }
    }
    if (!any) {
        buf_str(out, "none");
    }
}
