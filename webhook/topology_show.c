/* What was gathered, on standard output; what was refused, on standard error; and the loop of
 * --watch. */
#include <stdio.h>
#include <stdlib.h>

#include "topology/annotation.h"
#include "webhook/cmd.h"
#include "webhook/sys/clock.h"
#include "webhook/topology.h"
#include "webhook/topology_live.h"

#define OUTPUT_MAX ((size_t)4 * 1024 * 1024)
#define INTERVAL_S 10

static bool print_buf(const struct buf *out) {
    return buf_ok(out) && fwrite(buf_cstr(out), 1, out->n, stdout) == out->n;
}

static void put_annotation(struct topology_view *v, struct buf *out) {
    if (v->has_gpus && !v->has_wires) {
        v->err.code = ERR_INPUT;
        (void)snprintf(v->error, sizeof v->error,
                       "--annotation wants the matrix of `nvidia-smi topo -m` as well");
    }
    if (v->has_wires) {
        annotation_encode(&v->topo, out);
        buf_char(out, '\n');
    }
}

int topology_show(const struct topology_print *p, struct topology_view *v) {
    struct buf out = buf_new(OUTPUT_MAX);
    bool wrong = v->err.code != ERR_NONE && v->err.code != ERR_UNKNOWN;
    if (wrong && !p->json) {
        buf_reset(&out); /* one line on standard error, and nothing that looks like an answer */
    } else if (p->annotation) {
        put_annotation(v, &out);
    } else if (p->json) {
        topology_json(v, &out);
    } else if (v->has_gpus) {
        topology_text(v, &p->style, &out);
    }
    bool printed = print_buf(&out);
    buf_done(&out);
    if (v->error[0]) {
        fprintf(stderr, "tpguard: %s\n", v->error);
    }
    if (!printed) {
        fprintf(stderr, "tpguard: topology: cannot write the output\n");
        return EXIT_USAGE;
    }
    return v->err.code == ERR_NONE      ? EXIT_OK
           : v->err.code == ERR_UNKNOWN ? EXIT_UNTOLD
                                        : EXIT_USAGE;
}

int topology_refuse(const struct topology_print *p, const struct err *e) {
    struct topology_view view;
    memset(&view, 0, sizeof view);
    view.err = *e;
    (void)snprintf(view.error, sizeof view.error, "topology: %s", e->msg);
    return topology_show(p, &view);
}

/* ---- this node's own GPUs ---- */

static int show_changes(const struct topology_ask *base, const struct topology_print *p,
                        struct topology_live *live, struct topology_view *view) {
    int rc = EXIT_OK;
    bool first = true;
    for (unsigned wait = 0; topology_live_wait(live, wait);
         wait = topology_live_interval_ms(live)) {
        struct topology_ask ask = *base;
        ask.now = clock_unix_s();
        topology_gather(&ask, view);
        if (!topology_live_news(live, &view->topo, view->error)) {
            continue;
        }
        if (!first && !p->json && !p->annotation) {
            printf("\n");
        }
        first = false;
        rc = topology_show(p, view);
        if (fflush(stdout) != 0 || rc == EXIT_USAGE) {
            return EXIT_USAGE; /* nobody reads, or nothing here can be read at all */
        }
    }
    return rc;
}

int topology_live_run(const struct topology_ask *base, const struct live_options *options,
                      const struct topology_print *p, bool watch) {
    struct err e = {0};
    struct live_options o = *options;
    struct topology_ask ask = *base;
    const char *library = getenv(READ_LIBRARY_ENV);
    struct topology_view *view = calloc(1, sizeof *view);
    int rc = EXIT_USAGE;
    if (!o.read.nvml_library && library && library[0]) {
        o.read.nvml_library = library;
    }
    o.interval_s = o.interval_s ? o.interval_s : INTERVAL_S;
    if (!view) {
        (void)err_set(&e, ERR_INTERNAL, "no memory");
    }
    if (!view || !topology_live_new(&o, &ask.live, &e)) {
        free(view);
        return topology_refuse(p, &e);
    }
    if (watch) {
        rc = show_changes(&ask, p, ask.live, view);
    } else {
        ask.now = clock_unix_s();
        topology_gather(&ask, view);
        rc = topology_show(p, view);
    }
    topology_live_free(ask.live);
    free(view);
    return rc;
}
