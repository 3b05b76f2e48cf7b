#include <stdio.h>

#include "topology/annotation.h"
#include "topology/fit.h"
#include "topology/jw.h"
#include "webhook/core/workload.h"
#include "webhook/topology.h"

#define JSON_VERSION 1
#define SETS_MOST    256

static void kv_text(struct jw *w, const char *key, const char *value) {
    if (value[0]) {
        jw_kv_str(w, key, value);
    } else {
        jw_kv_null(w, key);
    }
}

static void put_gpu(struct jw *w, const struct topology_view *v, unsigned i) {
    const struct gpu *g = &v->topo.gpu[i];
    jw_object(w);
    jw_kv_u64(w, "index", g->index);
    kv_text(w, "uuid", g->uuid);
    kv_text(w, "product", g->product);
    jw_key(w, "memoryMiB");
    g->memory_mib ? jw_u64(w, g->memory_mib) : jw_null(w);
    jw_key(w, "numa");
    g->numa >= 0 ? jw_i64(w, g->numa) : jw_null(w);
    kv_text(w, "pciBusId", g->pci);
    jw_key(w, "mig");
    g->mig == TRI_UNKNOWN ? jw_null(w) : jw_bool(w, g->mig == TRI_YES);
    kv_text(w, "fabric",
            g->fabric == FABRIC_UNKNOWN ? "" : fabric_name((enum fabric_state)g->fabric));
    kv_text(w, "fault", g->fault);
    jw_kv_str(w, "blocked", gpu_block_name((enum gpu_block)v->health.block[i]));
    jw_object_end(w);
}

static void put_gpus(struct jw *w, const struct topology_view *v) {
    jw_array(w);
    for (unsigned i = 0; i < v->topo.n; i++) {
        put_gpu(w, v, i);
    }
    jw_array_end(w);
}

static void put_wires(struct jw *w, const struct topology_view *v) {
    jw_array(w);
    for (unsigned i = 0; i < v->topo.n; i++) {
        jw_array(w);
        for (unsigned j = 0; j < v->topo.n; j++) {
            char word[8];
            if (v->topo.wire[i][j].kind == WIRE_UNKNOWN) {
                jw_null(w);
            } else {
                jw_str(w, wire_word(v->topo.wire[i][j], word));
            }
        }
        jw_array_end(w);
    }
    jw_array_end(w);
}

/* [a, b, lanes], NVLink in both directions; where they disagree, what both can do. */
static void put_edges(struct jw *w, const struct topology_view *v) {
    const struct topo *t = &v->topo;
    jw_array(w);
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = i + 1; j < t->n; j++) {
            struct wire ab = t->wire[i][j];
            struct wire ba = t->wire[j][i];
            if (ab.kind == WIRE_NVLINK && ba.kind == WIRE_NVLINK) {
                jw_array(w);
                jw_u64(w, t->gpu[i].index);
                jw_u64(w, t->gpu[j].index);
                jw_u64(w, ab.lanes < ba.lanes ? ab.lanes : ba.lanes);
                jw_array_end(w);
            }
        }
    }
    jw_array_end(w);
}

static void put_pairs(struct jw *w, const struct topology_view *v) {
    jw_object(w);
    for (unsigned i = 0; i < v->topo.n; i++) {
        for (unsigned j = i + 1; j < v->topo.n; j++) {
            char key[16];
            (void)snprintf(key, sizeof key, "%u-%u", v->topo.gpu[i].index, v->topo.gpu[j].index);
            jw_kv_str(w, key, pair_state_name((enum pair_state)v->health.pair[i][j]));
        }
    }
    jw_object_end(w);
}

static void put_set(struct jw *w, const struct topology_view *v, struct gpuset set) {
    jw_array(w);
    for (GPUSET_EACH(i, set)) {
        jw_u64(w, v->topo.gpu[i].index);
    }
    jw_array_end(w);
}

static void put_sets(struct jw *w, const struct topology_view *v) {
    struct gpuset sets[SETS_MOST];
    unsigned n = fit_sets(&v->health, FIT_NOW, v->health.all, sets, SETS_MOST);
    jw_object(w);
    jw_kv_u64(w, "largest", fit_largest(&v->health, FIT_NOW, v->health.all));
    jw_key(w, "list");
    jw_array(w);
    for (unsigned i = 0; i < n; i++) {
        put_set(w, v, sets[i]);
    }
    jw_array_end(w);
    jw_object_end(w);
}

static void put_labels(struct jw *w, const struct topology_view *v) {
    struct health_labels l = health_label(&v->health);
    jw_object(w);
    jw_kv_str(w, LABEL_NVLINK, l.nvlink);
    jw_key(w, LABEL_NVLINK_SET);
    jw_fmt(w, "%u", l.nvlink_set);
    jw_object_end(w);
}

static void put_links(struct jw *w, const struct gpu_links *l, bool incomplete) {
    bool told = l->state != LINKS_UNKNOWN || incomplete;
    jw_object(w);
    jw_kv_str(w, "state", links_state_name((enum links_state)l->state));
    jw_key(w, "on");
    told ? jw_u64(w, l->on) : jw_null(w);
    jw_key(w, "listed");
    told ? jw_u64(w, l->listed) : jw_null(w);
    jw_key(w, "speedGBs");
    l->mbps ? jw_milli(w, l->mbps) : jw_null(w);
    jw_kv_bool(w, "incomplete", incomplete);
    jw_object_end(w);
}

/* Every GPU that is known, told about or not. */
static void put_nvlink(struct jw *w, const struct topology_view *v) {
    jw_object(w);
    for (unsigned i = 0; i < v->topo.n; i++) {
        char key[8];
        struct gpu_links links = v->topo.gpu[i].links;
        bool incomplete = false;
        for (unsigned k = 0; k < v->links.n; k++) {
            if (v->links.gpu[k].index == v->topo.gpu[i].index) {
                links = v->links.gpu[k].links;
                incomplete = v->links.gpu[k].incomplete;
            }
        }
        (void)snprintf(key, sizeof key, "%u", v->topo.gpu[i].index);
        jw_key(w, key);
        put_links(w, &links, incomplete);
    }
    jw_object_end(w);
}

static void put_stranded(struct jw *w, const struct topology_view *v) {
    put_set(w, v, fit_stranded(&v->health, v->health.all));
}

static const struct part {
    const char *key;
    void (*put)(struct jw *w, const struct topology_view *v);
    bool wires; /* known only where the wires are; otherwise null */
} parts[] = {
    {"gpus", put_gpus, false},     {"wires", put_wires, true},    {"edges", put_edges, true},
    {"pairs", put_pairs, false},   {"sets", put_sets, true},      {"stranded", put_stranded, true},
    {"labels", put_labels, false}, {"nvlink", put_nvlink, false},
};

void topology_json(const struct topology_view *v, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_u64(&w, "version", JSON_VERSION);
    jw_kv_str(&w, "state", v->err.code == ERR_NONE ? "ok" : "unknown");
    kv_text(&w, "error", v->error);
    kv_text(&w, "source", v->topo.source);
    kv_text(&w, "driver", v->topo.driver);
    jw_key(&w, "observedAt");
    if (v->topo.observed_at) {
        char text[32];
        struct buf time = BUF_OVER(text);
        time_text(v->topo.observed_at, &time);
        jw_str(&w, text);
    } else {
        jw_null(&w);
    }
    jw_key(&w, "nvswitch");
    v->has_wires ? jw_bool(&w, v->topo.nvswitch) : jw_null(&w);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        jw_key(&w, parts[i].key);
        bool known = parts[i].wires ? v->has_wires : v->has_gpus;
        if (known || parts[i].put == put_labels) {
            parts[i].put(&w, v);
        } else {
            jw_null(&w);
        }
    }
    jw_object_end(&w);
    buf_char(out, '\n');
}
