/* Metrics of a live cluster: how the watches fare, what was reserved, which events were written. */
#include "webhook/http/stats_live.h"

#include "webhook/live/events.h"
#include "webhook/live/live.h"
#include "webhook/sys/metrics.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const char *const kinds[CLUSTER_KINDS] = {"nodes", "pods", "namespaces", "agents"};
static const char *const fates[] = {"written", "repeated", "dropped", "refused"};
static const char *const results[] = {"reserved", "refused", "passed", "failed"};

static const char *kind_shown(unsigned i) {
    return kinds[i];
}
static const char *fate_shown(unsigned i) {
    return fates[i];
}
static const char *result_shown(unsigned i) {
    return results[i];
}

static _Atomic uint64_t synced_cells[CLUSTER_KINDS];
static _Atomic uint64_t silent_cells[CLUSTER_KINDS];
static _Atomic uint64_t list_cells[CLUSTER_KINDS];
static _Atomic uint64_t event_cells[CLUSTER_KINDS];
static _Atomic uint64_t failure_cells[CLUSTER_KINDS];
static _Atomic uint64_t said_cells[LENGTH(fates)];
static _Atomic uint64_t bind_cells[STATS_BIND_COUNT];
static _Atomic uint64_t round_cells[1];
static _Atomic uint64_t off_cells[1];
static _Atomic uint64_t unreserved_cells[1];

enum family {
    SYNCED,
    SILENT,
    LISTS,
    EVENTS,
    FAILURES,
    SAID,
    BINDS,
    ROUNDS,
    OFF,
    UNRESERVED,
    FAMILIES
};

#define PER_KIND                                                                                   \
    {                                                                                              \
        { "resource", CLUSTER_KINDS, kind_shown }                                                  \
    }
static const struct metric family[FAMILIES] = {
    [SYNCED] = {"tpguard_watch_synced", "1 when a full list is in the cache.", METRIC_GAUGE, false,
                PER_KIND, synced_cells},
    [SILENT] = {"tpguard_watch_silent_seconds", "Since the API server was last heard.",
                METRIC_GAUGE, false, PER_KIND, silent_cells},
    [LISTS] = {"tpguard_watch_lists", "Full lists read.", METRIC_COUNTER, false, PER_KIND,
               list_cells},
    [EVENTS] = {"tpguard_watch_events", "Changes read from watches.", METRIC_COUNTER, false,
                PER_KIND, event_cells},
    [FAILURES] = {"tpguard_watch_failures", "Lists and watches that failed.", METRIC_COUNTER, false,
                  PER_KIND, failure_cells},
    [SAID] = {"tpguard_events",
              "Kubernetes Events: written, repeated (the same was said a short while ago), dropped "
              "(queue full), refused.",
              METRIC_COUNTER,
              false,
              {{"fate", LENGTH(fates), fate_shown}},
              said_cells},
    [BINDS] = {"tpguard_binds",
               "Bindings at the last gate: reserved; refused; passed (no GPU pod of ours); failed "
               "(could not be told).",
               METRIC_COUNTER,
               false,
               {{"result", STATS_BIND_COUNT, result_shown}},
               bind_cells},
    [ROUNDS] = {"tpguard_reservation_conflicts",
                "Reservations tried again because another bind to the node came first.",
                METRIC_COUNTER,
                false,
                {{0}},
                round_cells},
    [OFF] = {"tpguard_pods_off_nvlink",
             "Pods that run with a TP group on GPUs without healthy NVLink between them; 0 on "
             "replicas that do not lead.",
             METRIC_GAUGE,
             false,
             {{0}},
             off_cells},
    [UNRESERVED] = {"tpguard_pods_unreserved",
                    "Pods with a TP group that were bound past the gate, without a reserved set; 0 "
                    "on replicas that do not lead.",
                    METRIC_GAUGE,
                    false,
                    {{0}},
                    unreserved_cells},
};

void stats_bind(enum stats_bind result, unsigned tries) {
    metric_add(&family[BINDS], result, 0, 1);
    if (tries > 1) {
        metric_add(&family[ROUNDS], 0, 0, tries - 1);
    }
}

static void gather(const struct service *s) {
    struct live_watch w;
    for (unsigned i = 0; live_watch(s->live, i, &w); i++) {
        metric_set(&family[SYNCED], i, 0, w.synced);
        metric_set(&family[SILENT], i, 0, w.silent_s > 0 ? (uint64_t)w.silent_s : 0);
        metric_set(&family[LISTS], i, 0, w.lists);
        metric_set(&family[EVENTS], i, 0, w.events);
        metric_set(&family[FAILURES], i, 0, w.failures);
    }
    struct cluster_stats c;
    struct events_stats e = {0};
    cluster_stats_get(s->cluster, &c);
    metric_set(&family[OFF], 0, 0, c.off_nvlink);
    metric_set(&family[UNRESERVED], 0, 0, c.unreserved);
    events_stats_get(s->events, &e);
    metric_set(&family[SAID], 0, 0, e.written);
    metric_set(&family[SAID], 1, 0, e.repeated);
    metric_set(&family[SAID], 2, 0, e.dropped);
    metric_set(&family[SAID], 3, 0, e.refused);
}

void stats_live_text(const struct service *s, struct buf *out) {
    if (!s->live) {
        return;
    }
    gather(s);
    for (unsigned i = 0; i < FAMILIES; i++) {
        metric_text(&family[i], out);
    }
}
