#include "topology/annotation.h"
#include "topology/jw.h"

const char *links_state_name(enum links_state s) {
    static const char *const names[LINKS_STATE_COUNT] = {
        [LINKS_UNKNOWN] = "unknown",
        [LINKS_LISTED] = "listed",
        [LINKS_ALL_INACTIVE] = "allinactive",
        [LINKS_NONE] = "none",
    };
    return (unsigned)s < LINKS_STATE_COUNT ? names[s] : names[LINKS_UNKNOWN];
}

static void put_text(struct jw *w, const char *key, const char *value) {
    if (value[0]) {
        jw_kv_str(w, key, value);
    }
}

static void put_links(struct jw *w, const struct gpu_links *l) {
    if (l->state == LINKS_UNKNOWN || l->state >= LINKS_STATE_COUNT) {
        return;
    }
    jw_key(w, "nvlink");
    jw_object(w);
    jw_kv_str(w, "state", links_state_name((enum links_state)l->state));
    if (l->state == LINKS_LISTED) {
        jw_kv_u64(w, "on", l->on);
        jw_kv_u64(w, "listed", l->listed);
        if (l->mbps) {
            jw_kv_u64(w, "speed", l->mbps);
        }
    }
    jw_object_end(w);
}

static void put_gpu(struct jw *w, const struct gpu *g) {
    jw_object(w);
    jw_kv_u64(w, "index", g->index);
    put_text(w, "uuid", g->uuid);
    put_text(w, "product", g->product);
    if (g->memory_mib) {
        jw_kv_u64(w, "memoryMiB", g->memory_mib);
    }
    if (g->numa >= 0) {
        jw_kv_i64(w, "numa", g->numa);
    }
    put_text(w, "pciBusId", g->pci);
    if (g->mig != TRI_UNKNOWN) {
        jw_kv_bool(w, "mig", g->mig == TRI_YES);
    }
    if (g->fabric != FABRIC_UNKNOWN) {
        jw_kv_str(w, "fabric", fabric_name((enum fabric_state)g->fabric));
    }
    put_links(w, &g->links);
    put_text(w, "fault", g->fault);
    jw_object_end(w);
}

static void put_wires(struct jw *w, const struct topo *t) {
    jw_key(w, "wires");
    jw_array(w);
    for (unsigned i = 0; i < t->n; i++) {
        jw_array(w);
        for (unsigned j = 0; j < t->n; j++) {
            char word[8];
            if (t->wire[i][j].kind == WIRE_UNKNOWN) {
                jw_null(w);
            } else {
                jw_str(w, wire_word(t->wire[i][j], word));
            }
        }
        jw_array_end(w);
    }
    jw_array_end(w);
}

static bool any_expected(const struct topo *t) {
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < t->n; j++) {
            if (i != j && t->expected[i][j] != EXPECTED_UNKNOWN) {
                return true;
            }
        }
    }
    return false;
}

static void put_expected(struct jw *w, const struct topo *t) {
    if (!any_expected(t)) {
        return;
    }
    jw_key(w, "expected");
    jw_array(w);
    for (unsigned i = 0; i < t->n; i++) {
        jw_array(w);
        for (unsigned j = 0; j < t->n; j++) {
            if (i != j && t->expected[i][j] == EXPECTED_UNKNOWN) {
                jw_null(w);
            } else {
                jw_u64(w, i == j ? 0 : t->expected[i][j]);
            }
        }
        jw_array_end(w);
    }
    jw_array_end(w);
}

void annotation_encode(const struct topo *t, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_u64(&w, "version", ANNOTATION_VERSION);
    if (t->observed_at) {
        char text[32];
        struct buf time = BUF_OVER(text);
        time_text(t->observed_at, &time);
        jw_kv_str(&w, "observedAt", text);
    }
    put_text(&w, "source", t->source);
    put_text(&w, "driver", t->driver);
    jw_kv_bool(&w, "nvswitch", t->nvswitch);
    jw_key(&w, "gpus");
    jw_array(&w);
    for (unsigned i = 0; i < t->n; i++) {
        put_gpu(&w, &t->gpu[i]);
    }
    jw_array_end(&w);
    put_wires(&w, t);
    put_expected(&w, t);
    jw_object_end(&w);
}
