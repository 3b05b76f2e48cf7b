#include "webhook/agent/sources.h"

#include <stdio.h>
#include <stdlib.h>

#include "webhook/agent/minors.h"
#include "webhook/agent/pods.h"
#include "webhook/codec/checkpoint.h"
#include "webhook/core/cgroup.h"
#include "webhook/kube/podresources.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"
#include "webhook/sys/log.h"

#define CGROUP_TEXT_MAX 16384
#define PODS_ARENA_MAX  ((size_t)4 * 1024 * 1024)
#define PODS_AGAIN_US   ((int64_t)30 * 1000000)

struct sources {
    const struct agent_options *o;
    struct kube_client *client;
    struct reader *reader;
    const char *told;      /* source that the log knows of */
    struct buf checkpoint; /* as it was when the pods were listed */
    struct arena pods;
    const struct node_pod *pod;
    uint32_t n_pod;
    int64_t listed_us;
};

struct sources *sources_new(const struct agent_options *o, struct kube_client *client) {
    struct sources *s = calloc(1, sizeof *s);
    if (!s) {
        return NULL;
    }
    *s = (struct sources){.o = o,
                          .client = client,
                          .reader = reader_new(&o->read),
                          .told = "",
                          .checkpoint = buf_new(CHECKPOINT_MAX),
                          .pods = arena_new(PODS_ARENA_MAX)};
    if (!s->reader) {
        free(s);
        return NULL;
    }
    return s;
}

void sources_free(struct sources *s) {
    if (s) {
        reader_free(s->reader);
        buf_done(&s->checkpoint);
        arena_done(&s->pods);
        free(s);
    }
}

struct reader *sources_reader(struct sources *s) {
    return s->reader;
}

static bool read_gpus(void *ctx, int64_t now, struct reading *out, struct err *e) {
    const struct sources *s = ctx;
    return reader_read(s->reader, now, out, e);
}

/* ---- books ---- */

/* The checkpoint names pods by UID. They are listed when it has changed, and once in a while, since
 * it keeps those that are gone. */
static bool know_pods(struct sources *s, struct buf *text, struct err *e) {
    bool same = span_eq(buf_view(text), buf_view(&s->checkpoint));
    if (same && clock_mono_us() - s->listed_us < PODS_AGAIN_US) {
        return true;
    }
    arena_reset(&s->pods);
    s->n_pod = 0;
    buf_reset(&s->checkpoint);
    if (!pods_of_node(s->client, s->o->node, &s->pods, &s->pod, &s->n_pod, e)) {
        return false;
    }
    buf_span(&s->checkpoint, buf_view(text));
    s->listed_us = clock_mono_us();
    return true;
}

static bool read_checkpoint(struct sources *s, struct buf *text, struct arena *a,
                            struct look_books *out, struct err *e) {
    if (!file_read(s->o->checkpoint, CHECKPOINT_MAX, text, e)) {
        return false;
    }
    if (!checkpoint_decode(buf_view(text), a, &out->held, e)) {
        return err_wrap(e, "%.120s: ", s->o->checkpoint);
    }
    out->source = "the kubelet's checkpoint";
    if (!s->client || !out->held.n) {
        return true;
    }
    if (!know_pods(s, text, e)) {
        return false;
    }
    out->pod = s->pod;
    out->n_pod = s->n_pod;
    out->pods_complete = true;
    return true;
}

static bool from_checkpoint(struct sources *s, struct arena *a, struct look_books *out,
                            struct err *e) {
    struct buf text = buf_new(CHECKPOINT_MAX);
    bool done = read_checkpoint(s, &text, a, out, e);
    buf_done(&text);
    return done;
}

static bool ask_books(struct sources *s, struct arena *a, struct look_books *out, struct err *e) {
    enum podresources_fault fault = PODRESOURCES_NO_SOCKET;
    const char *socket = s->o->pod_resources;
    if (socket[0] && podresources_list(socket, 0, a, &out->held, &fault, e)) {
        out->source = "the kubelet's socket";
        return true;
    }
    if (fault != PODRESOURCES_NO_SOCKET || !s->o->checkpoint[0]) {
        return false;
    }
    return from_checkpoint(s, a, out, e);
}

static bool books(void *ctx, struct arena *a, struct look_books *out, struct err *e) {
    struct sources *s = ctx;
    if (!ask_books(s, a, out, e)) {
        return false;
    }
    if (out->source != s->told) {
        struct log_line l = log_new(LOG_INFO, "books of the kubelet");
        log_str(&l, "source", out->source);
        log_write(&l);
        s->told = out->source;
    }
    return true;
}

/* ---- processes ---- */

static bool pod_of(void *ctx, uint32_t pid, struct arena *a, struct span *uid) {
    char path[48];
    char found[POD_UID_MAX];
    struct err ignored = {0};
    (void)ctx;
    (void)snprintf(path, sizeof path, "/proc/%u/cgroup", (unsigned)pid);
    struct buf text = buf_new(CGROUP_TEXT_MAX);
    bool done = file_read(path, CGROUP_TEXT_MAX, &text, &ignored) &&
                cgroup_pod_uid(buf_view(&text), found) && arena_span(a, span_of(found), uid);
    buf_done(&text);
    return done;
}

static void minors(void *ctx, const struct topo *t, int16_t out[static GPU_MAX]) {
    (void)ctx;
    minors_read(MINORS_FOLDER, t, out);
}

static int64_t steady_s(void *ctx) {
    (void)ctx;
    return clock_mono_us() / 1000000;
}

struct look_ends sources_ends(struct sources *s) {
    bool any = s->o->pod_resources[0] || s->o->checkpoint[0];
    return (struct look_ends){.ctx = s,
                              .read = read_gpus,
                              .books = any ? books : NULL,
                              .pod_of = s->o->trace ? pod_of : NULL,
                              .minors = minors,
                              .steady_s = steady_s};
}
