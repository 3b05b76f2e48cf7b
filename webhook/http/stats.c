#include "webhook/http/stats.h"

#include "webhook/http/stats_live.h"
#include "webhook/http/watchdog.h"
#include "webhook/sys/metrics.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Status 0 stands for a request whose connection was cut before its answer was out. */
static const struct {
    unsigned status;
    const char *shown;
} statuses[] = {
    {200, "200"}, {400, "400"}, {404, "404"}, {405, "405"}, {413, "413"},
    {415, "415"}, {500, "500"}, {503, "503"}, {0, "cut"},
};
static const char *const node_states[] = {"topology_known", "topology_missing", "topology_invalid",
                                          "without_gpu"};

static const char *status_shown(unsigned i) {
    return statuses[i].shown;
}
static const char *route_shown(unsigned i) {
    return i < ROUTES ? routes[i].label : "other";
}
static const char *verdict_shown(unsigned i) {
    return verdict_name((enum verdict)i);
}
static const char *reason_shown(unsigned i) {
    return i == REASON_NONE ? "none" : reason_row((enum reason)i)->code;
}
static const char *node_state_shown(unsigned i) {
    return node_states[i];
}
static const char *answer_shown(unsigned i) {
    return i ? "decided" : "kept";
}
static const char *reload_shown(unsigned i) {
    return i ? "good" : "bad";
}
static const char *connection_shown(unsigned i) {
    return i ? "busy" : "open";
}

static const char *version = "unknown"; /* set once, before there are threads */

static const char *version_shown(unsigned i) {
    (void)i;
    return version;
}

void stats_setup(const char *program_version) {
    version = program_version;
}

static _Atomic uint64_t decision_cells[VERDICT_COUNT * REASON_COUNT];
static _Atomic uint64_t workload_cells[VERDICT_COUNT * REASON_COUNT];
static _Atomic uint64_t filter_cells[REASON_COUNT];
static _Atomic uint64_t request_cells[(ROUTES + 1) * LENGTH(statuses)];
static _Atomic uint64_t duration_cells[(ROUTES + 1) * METRIC_HISTOGRAM_CELLS];
static _Atomic uint64_t node_cells[LENGTH(node_states)];
static _Atomic uint64_t answer_cells[2];
static _Atomic uint64_t cluster_reload_cells[2];
static _Atomic uint64_t certificate_reload_cells[2];
static _Atomic uint64_t connection_cells[2];
static _Atomic uint64_t expiry_cells[1];
static _Atomic uint64_t ready_cells[1];
static _Atomic uint64_t build_cells[1];

enum family {
    DECISIONS,
    WORKLOADS,
    FILTER_NODES,
    REQUESTS,
    DURATION,
    NODES,
    ANSWERS,
    CLUSTER_RELOADS,
    CERTIFICATE_RELOADS,
    CONNECTIONS,
    EXPIRY,
    READY,
    BUILD,
    FAMILIES
};

static const struct metric family[FAMILIES] = {
    [DECISIONS] = {"tpguard_decisions",
                   "Admission decisions on GPU pods, by verdict and reason.",
                   METRIC_COUNTER,
                   true,
                   {{"verdict", VERDICT_COUNT, verdict_shown},
                    {"code", REASON_COUNT, reason_shown}},
                   decision_cells},
    [WORKLOADS] = {"tpguard_workload_decisions",
                   "Verdicts on workloads as they were applied, by verdict and reason.",
                   METRIC_COUNTER,
                   true,
                   {{"verdict", VERDICT_COUNT, verdict_shown},
                    {"code", REASON_COUNT, reason_shown}},
                   workload_cells},
    [FILTER_NODES] = {"tpguard_filter_nodes",
                      "Nodes judged by filter, by reason; none is kept.",
                      METRIC_COUNTER,
                      true,
                      {{"code", REASON_COUNT, reason_shown}},
                      filter_cells},
    [REQUESTS] = {"tpguard_requests",
                  "HTTP requests by route and status; cut: no answer got out.",
                  METRIC_COUNTER,
                  true,
                  {{"route", ROUTES + 1, route_shown}, {"status", LENGTH(statuses), status_shown}},
                  request_cells},
    [DURATION] = {"tpguard_request_duration_seconds",
                  "From the request's headers to the last byte of its answer.",
                  METRIC_HISTOGRAM,
                  false,
                  {{"route", ROUTES + 1, route_shown}},
                  duration_cells},
    [NODES] = {"tpguard_nodes",
               "Nodes in the cache, by what is known of their wiring.",
               METRIC_GAUGE,
               false,
               {{"state", LENGTH(node_states), node_state_shown}},
               node_cells},
    [ANSWERS] = {"tpguard_answers",
                 "Answers for one shape and one node: kept, or decided anew.",
                 METRIC_COUNTER,
                 false,
                 {{"source", 2, answer_shown}},
                 answer_cells},
    [CLUSTER_RELOADS] = {"tpguard_cluster_reloads",
                         "Loads of the cluster file.",
                         METRIC_COUNTER,
                         false,
                         {{"result", 2, reload_shown}},
                         cluster_reload_cells},
    [CERTIFICATE_RELOADS] = {"tpguard_certificate_reloads",
                             "Loads of the certificate files.",
                             METRIC_COUNTER,
                             false,
                             {{"result", 2, reload_shown}},
                             certificate_reload_cells},
    [CONNECTIONS] = {"tpguard_connections",
                     "Connections: open, and those with a request.",
                     METRIC_GAUGE,
                     false,
                     {{"state", 2, connection_shown}},
                     connection_cells},
    [EXPIRY] = {"tpguard_certificate_expiry_timestamp_seconds",
                "When the server's certificate ends.",
                METRIC_GAUGE,
                false,
                {{0}},
                expiry_cells},
    [READY] =
        {"tpguard_ready", "1 when /readyz says ready.", METRIC_GAUGE, false, {{0}}, ready_cells},
    [BUILD] = {"tpguard_build",
               "The program that runs.",
               METRIC_INFO,
               false,
               {{"version", 1, version_shown}},
               build_cells},
};

void stats_decision(enum verdict v, enum reason code) {
    metric_add(&family[DECISIONS], v, code, 1);
}

void stats_workload(enum verdict v, enum reason code) {
    metric_add(&family[WORKLOADS], v, code, 1);
}

void stats_filter_nodes(enum reason code, unsigned n) {
    metric_add(&family[FILTER_NODES], code, 0, n);
}

void stats_request(unsigned route, unsigned status, uint64_t us) {
    unsigned at = 0;
    while (at < LENGTH(statuses) && statuses[at].status != status) {
        at++;
    }
    metric_add(&family[REQUESTS], route, at, 1);
    metric_observe_us(&family[DURATION], route, 0, us);
}

void stats_reload(bool cluster_file, bool good) {
    metric_add(&family[cluster_file ? CLUSTER_RELOADS : CERTIFICATE_RELOADS], good, 0, 1);
}

/* Values that live elsewhere are copied into their cells just before they are printed. */
static void gather(const struct service *s) {
    struct cluster_stats c = {0};
    cluster_stats_get(s->cluster, &c);
    metric_set(&family[NODES], 0, 0, c.topo_ok);
    metric_set(&family[NODES], 1, 0, c.topo_missing);
    metric_set(&family[NODES], 2, 0, c.topo_invalid);
    metric_set(&family[NODES], 3, 0, c.nodes - c.gpu_nodes);
    metric_set(&family[ANSWERS], 0, 0, c.kept);
    metric_set(&family[ANSWERS], 1, 0, c.decided);
    metric_set(&family[READY], 0, 0, c.ready && !atomic_load(&s->stopping));
    struct watchdog_counts connected = watchdog_count(s->watchdog);
    metric_set(&family[CONNECTIONS], 0, 0, connected.open);
    metric_set(&family[CONNECTIONS], 1, 0, connected.busy);
    int64_t expires = atomic_load(&s->certificate_expires);
    metric_set(&family[EXPIRY], 0, 0, expires > 0 ? (uint64_t)expires : 0);
}

void stats_text(const struct service *s, struct buf *out) {
    gather(s);
    for (unsigned i = 0; i < FAMILIES; i++) {
        metric_text(&family[i], out);
    }
    stats_live_text(s, out);
    metrics_end(out);
}
