/* Files -> struct topology_view. People hand over what they have: both texts in one file, one of
 * them only, an annotation in place of a text. */
#include <stdio.h>

#include "topology/annotation.h"
#include "topology/synth.h"
#include "webhook/sys/file.h"
#include "webhook/topology.h"
#include "webhook/topology_live.h"

static bool refuse(struct topology_view *v, const char *file, const struct err *e) {
    const char *name = file && file[0] == '-' && !file[1] ? "standard input" : file ? file : "";
    v->err = *e;
    (void)snprintf(v->where, sizeof v->where, "%s", name);
    const char *line = span_starts(span_of(e->path), "line ") ? e->path + 5 : NULL;
    if (line) {
        (void)snprintf(v->error, sizeof v->error, "%s:%s: %s", v->where, line, e->msg);
    } else {
        (void)snprintf(v->error, sizeof v->error, "%s%s%s%s%s", v->where, name[0] ? ": " : "",
                       e->path, e->path[0] ? ": " : "", e->msg);
    }
    return false;
}

static struct span skip_mark(struct span text) {
    struct span s = span_starts(text, "\xef\xbb\xbf") ? span_from(text, 3) : text;
    return span_trim(s);
}

static bool looks_like_json(struct span text) {
    struct span s = skip_mark(text);
    return s.n && s.p[0] == '{';
}

static bool take_annotation(struct topology_view *v, const char *file, struct span text) {
    struct err e = {0};
    if (!annotation_decode(skip_mark(text), &v->topo, &e)) {
        return refuse(v, file, &e);
    }
    v->has_gpus = true;
    v->has_wires = true;
    return true;
}

/* ---- nvidia-smi text ---- */

/* Without a matrix: the GPUs that the link text names, wires unknown. */
static void gpus_from_links(struct topology_view *v) {
    topo_init(&v->topo, v->links.n);
    for (unsigned i = 0; i < v->links.n; i++) {
        struct gpu *g = &v->topo.gpu[i];
        g->index = v->links.gpu[i].index;
        memcpy(g->uuid, v->links.gpu[i].uuid, sizeof g->uuid);
        memcpy(g->product, v->links.gpu[i].product, sizeof g->product);
    }
    v->has_gpus = true;
}

/* What was read stands, what is missing is said. */
static void note_missing(struct topology_view *v, const char *file, bool alone) {
    struct err e = {0};
    for (unsigned i = 0; i < v->links.n; i++) {
        if (v->links.gpu[i].incomplete) {
            (void)err_set(&e, ERR_UNKNOWN,
                          "GPU %u: %u link lines, and some are missing or broken: links unknown",
                          v->links.gpu[i].index, v->links.gpu[i].links.listed);
            (void)refuse(v, file, &e);
            return;
        }
    }
    if (v->links.cut || (alone && v->links.names_only)) {
        (void)err_set(&e, ERR_UNKNOWN, "%s",
                      v->links.cut ? "the text ends inside the line of a further GPU: links unknown"
                                   : "GPUs are named, and nothing is said about their links: links "
                                     "unknown");
        (void)refuse(v, file, &e);
    }
}

static bool read_links(struct topology_view *v, const char *file, struct span text, bool alone) {
    struct err e = {0};
    if (!smi_read_nvlink(text, &v->links, &e)) {
        return refuse(v, file, &e);
    }
    v->has_links = true;
    note_missing(v, file, alone);
    return true;
}

static bool read_matrix(struct topology_view *v, const char *file, struct span text) {
    struct err e = {0};
    if (!smi_read_topo(text, &v->topo, &e)) {
        return refuse(v, file, &e);
    }
    v->has_gpus = true;
    v->has_wires = true;
    return true;
}

/* Two texts that contradict each other: neither is believed. */
static void join_texts(struct topology_view *v, const char *file) {
    struct err e = {0};
    if (!smi_build(&v->topo, v->has_links ? &v->links : NULL, &e)) {
        v->has_gpus = v->has_wires = v->has_links = false;
        (void)refuse(v, file, &e);
    }
}

struct texts {
    const char *topo_file;
    const char *nvlink_file;
    struct span topo;
    struct span nvlink; /* empty: none */
};

static void take_texts(struct topology_view *v, const struct texts *t) {
    bool matrix = t->topo.p != NULL;
    /* Drivers up to 580 print nothing at all where no GPU has NVLink. */
    bool links = span_trim(t->nvlink).n || (!matrix && t->nvlink_file);
    if (links) {
        (void)read_links(v, t->nvlink_file, t->nvlink, !matrix);
    }
    if (!matrix) {
        if (v->has_links) {
            gpus_from_links(v);
        }
        return;
    }
    if (read_matrix(v, t->topo_file, t->topo)) {
        join_texts(v, v->has_links ? t->nvlink_file : t->topo_file);
    } else if (v->has_links) {
        gpus_from_links(v);
    }
}

/* One text may hold both parts. A text that holds neither is read as a matrix, for the error. */
static void split_text(struct texts *t, const char *file, struct span text) {
    if (!smi_has_topo(text) && smi_has_nvlink(text) && !t->nvlink.p) {
        t->nvlink = text;
        t->nvlink_file = file;
        return;
    }
    t->topo = text;
    t->topo_file = file;
    if (smi_has_nvlink(text) && !t->nvlink.p) {
        t->nvlink = text;
        t->nvlink_file = file;
    }
}

static bool load(struct topology_view *v, const char *file, struct buf *text) {
    struct err e = {0};
    if (!file_read(file, SMI_TEXT_MAX, text, &e)) {
        return refuse(v, NULL, &e);
    }
    return true;
}

static struct span whole(const struct buf *text) {
    return (struct span){buf_cstr(text), text->n};
}

static bool load_both(const struct topology_ask *ask, struct topology_view *v, struct buf *file,
                      struct buf *nvlink) {
    return (!ask->file || load(v, ask->file, file)) &&
           (!ask->nvlink || load(v, ask->nvlink, nvlink));
}

static void gather_files(const struct topology_ask *ask, struct topology_view *v) {
    struct buf file = buf_new(SMI_TEXT_MAX);
    struct buf nvlink = buf_new(SMI_TEXT_MAX);
    if (load_both(ask, v, &file, &nvlink)) {
        struct texts t = {0};
        if (ask->nvlink) {
            t.nvlink = whole(&nvlink);
            t.nvlink_file = ask->nvlink;
        }
        if (ask->file && looks_like_json(whole(&file)) && !ask->nvlink) {
            (void)take_annotation(v, ask->file, whole(&file));
        } else {
            if (ask->file) {
                split_text(&t, ask->file, whole(&file));
            } else if (smi_has_topo(t.nvlink)) {
                t.topo = t.nvlink;
                t.topo_file = ask->nvlink;
            }
            take_texts(v, &t);
            v->topo.observed_at = ask->now;
            (void)snprintf(v->topo.source, sizeof v->topo.source, "nvidia-smi");
        }
    }
    buf_done(&file);
    buf_done(&nvlink);
}

static void gather_annotation(const struct topology_ask *ask, struct topology_view *v) {
    struct buf text = buf_new(SMI_TEXT_MAX);
    if (load(v, ask->annotation, &text)) {
        (void)take_annotation(v, ask->annotation, whole(&text));
    }
    buf_done(&text);
}

static void gather_synthetic(const struct topology_ask *ask, struct topology_view *v) {
    struct err e = {0};
    if (!synth_read(span_of(ask->synthetic), &v->topo, &e)) {
        (void)refuse(v, NULL, &e);
        return;
    }
    v->has_gpus = true;
    v->has_wires = true;
}

static void gather_live(const struct topology_ask *ask, struct topology_view *v) {
    struct err e = {0};
    if (!topology_live_read(ask->live, ask->now, &v->topo, &e)) {
        (void)refuse(v, NULL, &e);
        return;
    }
    v->has_gpus = true;
    v->has_wires = true;
}

/* ---- after all sources ---- */

/* "0,1": NVML indices or UUIDs. */
static bool read_cordon(struct topology_view *v, const char *list) {
    struct span rest = span_of(list);
    while (rest.n) {
        struct span item = span_trim(span_cut(&rest, ','));
        uint32_t index = 0;
        int at = span_u32(item, GPU_INDEX_MAX, &index)
                     ? topo_find_index(&v->topo, index)
                     : topo_find_uuid(&v->topo, item.p, (unsigned)item.n);
        if (at < 0) {
            struct err e = {0};
            (void)err_set(&e, ERR_INPUT, "--cordon wants GPUs of this machine, found \"%.64s\"",
                          list);
            return refuse(v, NULL, &e);
        }
        v->cordoned = gpuset_with(v->cordoned, (unsigned)at);
    }
    return true;
}

/* Sources without link text (annotation, synthetic machine) carry the link facts in the GPUs. */
static void links_from_gpus(struct topology_view *v) {
    v->links = (struct smi_links){.n = v->topo.n};
    for (unsigned i = 0; i < v->topo.n; i++) {
        v->links.gpu[i].index = v->topo.gpu[i].index;
        v->links.gpu[i].links = v->topo.gpu[i].links;
    }
    v->has_links = true;
}

void topology_gather(const struct topology_ask *ask, struct topology_view *out) {
    memset(out, 0, sizeof *out);
    if (ask->live) {
        gather_live(ask, out);
    } else if (ask->synthetic) {
        gather_synthetic(ask, out);
    } else if (ask->annotation) {
        gather_annotation(ask, out);
    } else {
        gather_files(ask, out);
    }
    if (!out->has_gpus) {
        return;
    }
    if (!out->has_links) {
        links_from_gpus(out);
    }
    struct health_rules rules = {.cordoned = gpuset_none()};
    if (ask->cordon && read_cordon(out, ask->cordon)) {
        rules.cordoned = out->cordoned;
    }
    health_judge(&out->topo, &rules, &out->health);
    /* One GPU has no pair that could be unknown, and still nobody saw its wires. */
    out->health.any_unknown = out->health.any_unknown || !out->has_wires;
}
