#include "webhook/policy_options.h"

#include "webhook/option_words.h"

static bool set_mode(struct policy *p, struct span v, struct err *e) {
    return mode_parse(v, &p->mode) || err_set(e, ERR_INPUT, "wants enforce, warn, audit or off");
}
static bool set_rewrite(struct policy *p, struct span v, struct err *e) {
    return rewrites_parse(v, &p->rewrites, e);
}
static bool set_unsatisfiable(struct policy *p, struct span v, struct err *e) {
    return unsatisfiable_parse(v, &p->unsatisfiable) ||
           err_set(e, ERR_INPUT, "wants auto, deny or wait");
}
static bool set_unknown_tp(struct policy *p, struct span v, struct err *e) {
    return unknown_parse(v, &p->unknown_tp) || err_set(e, ERR_INPUT, "wants strict or allow");
}
static bool set_unknown_topology(struct policy *p, struct span v, struct err *e) {
    return unknown_parse(v, &p->unknown_topology) || err_set(e, ERR_INPUT, "wants strict or allow");
}
static bool set_allocation(struct policy *p, struct span v, struct err *e) {
    return allocation_parse(v, &p->allocation) || err_set(e, ERR_INPUT, "wants plugin or exact");
}
static bool set_workloads(struct policy *p, struct span v, struct err *e) {
    return workloads_parse(v, &p->workloads) || err_set(e, ERR_INPUT, "wants warn or deny");
}
static bool set_degraded(struct policy *p, struct span v, struct err *e) {
    (void)v;
    (void)e;
    p->allow_degraded = true;
    return true;
}
static bool set_autoscaler(struct policy *p, struct span v, struct err *e) {
    (void)v;
    (void)e;
    p->autoscaler = true;
    return true;
}
static bool set_freshness(struct policy *p, struct span v, struct err *e) {
    uint32_t seconds = 0;
    if (!span_u32(v, 31536000, &seconds)) {
        return err_set(e, ERR_INPUT, "wants seconds, 0 to 31536000");
    }
    p->freshness_s = seconds;
    return true;
}
static bool set_scheduler(struct policy *p, struct span v, struct err *e) {
    if (v.n > 253) {
        return err_set(e, ERR_INPUT, "wants a scheduler's name of at most 253 characters");
    }
    p->scheduler_name = v;
    return true;
}

static const struct option_row {
    const char *name;
    const char *value; /* NULL: takes none */
    const char *help;
    bool (*set)(struct policy *p, struct span v, struct err *e);
} rows[] = {
    {"mode", "MODE", "enforce, warn, audit or off, where the namespace says nothing (enforce)",
     set_mode},
    {"rewrite", "LIST", "what may be rewritten: none, or a list of steer, repin (steer)",
     set_rewrite},
    {"unsatisfiable", "HOW", "pods that no node could ever take: auto, deny or wait (auto)",
     set_unsatisfiable},
    {"autoscaler", NULL, "nodes come and go: unsatisfiable=auto waits", set_autoscaler},
    {"unknown-tp", "HOW",
     "TP size cannot be read: strict (one NVLink set of all its GPUs) or allow (strict)",
     set_unknown_tp},
    {"unknown-topology", "HOW",
     "wiring cannot be read: strict (no TP group there) or allow (strict)", set_unknown_topology},
    {"allocation", "HOW", "who picks the GPUs: plugin (stock device plugin) or exact (plugin)",
     set_allocation},
    {"workloads", "HOW", "workloads whose pods would be denied: warn or deny at apply (warn)",
     set_workloads},
    {"allow-degraded", NULL, "a pair with fewer lanes than expected may serve TP groups",
     set_degraded},
    {"freshness", "SECONDS",
     "wiring reported by an agent longer ago than this is unknown, 0 = never (600)", set_freshness},
    {"scheduler-name", "NAME", "steered pods get this schedulerName (left as it is)",
     set_scheduler},
};
#define ROWS (sizeof rows / sizeof rows[0])

static const struct option_row *find(struct span name) {
    for (size_t i = 0; i < ROWS; i++) {
        if (span_is(name, rows[i].name)) {
            return &rows[i];
        }
    }
    return NULL;
}

bool policy_option_known(struct span name, bool *takes_value) {
    const struct option_row *r = find(name);
    if (r) {
        *takes_value = r->value != NULL;
    }
    return r != NULL;
}

const char *policy_option_name(unsigned i, bool *takes_value) {
    if (i >= ROWS) {
        return NULL;
    }
    *takes_value = rows[i].value != NULL;
    return rows[i].name;
}

bool policy_option_set(struct policy *p, struct span name, struct span value, struct err *e) {
    const struct option_row *r = find(name);
    if (!r) {
        return err_set(e, ERR_INPUT, "no option --" SPAN_FMT, SPAN_ARG(name));
    }
    struct policy next = *p;
    if (!r->set(&next, value, e)) {
        return err_wrap(e, "--" SPAN_FMT " \"" SPAN_FMT "\": ", SPAN_ARG(name), SPAN_ARG(value));
    }
    *p = next;
    return true;
}

void policy_options_help(struct buf *out) {
    for (size_t i = 0; i < ROWS; i++) {
        option_word_help(rows[i].name, rows[i].value, rows[i].help, out);
    }
}
