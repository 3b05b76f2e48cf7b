/* What the tests of this room share: cluster files made from synthetic machines. */
#ifndef TPGUARD_TESTS_CLUSTER_FIXTURE_H
#define TPGUARD_TESTS_CLUSTER_FIXTURE_H

#include <stdlib.h>

#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/synth.h"
#include "webhook/cluster/cluster.h"

#define NOW 1795000000 /* 2026-11-18 */

UNUSED static void bail(const char *what, const struct err *e) {
    printf("Bail out! %s: %s: %s\n", what, e->path, e->msg);
    exit(2);
}

UNUSED static void put_annotation(struct buf *b, const char *machine) {
    struct topo t;
    struct err e = {0};
    if (!synth_read(span_of(machine), &t, &e)) {
        bail(machine, &e);
    }
    annotation_encode(&t, b);
}

/* One item of a List. gpus < 0: the kubelet says nothing of GPUs. machine NULL: no topology; more:
 * further annotations, "key: value" lines at their depth (six spaces), or NULL. */
struct machine {
    const char *name;
    const char *machine;
    int gpus;
    const char *more;
};
UNUSED static void put_node(struct buf *b, const struct machine *m) {
    buf_fmt(b, "- apiVersion: v1\n  kind: Node\n  metadata:\n    name: %s\n    annotations:\n",
            m->name);
    buf_str(b, "      x: z\n");
    if (m->machine) {
        buf_str(b, "      tpguard.io/topology: '");
        put_annotation(b, m->machine);
        buf_str(b, "'\n");
    }
    buf_str(b, m->more ? m->more : "");
    if (m->gpus >= 0) {
        buf_fmt(b, "  status: {allocatable: {cpu: '64', nvidia.com/gpu: '%d'}}\n", m->gpus);
    }
}

/* pin: value of NVIDIA_VISIBLE_DEVICES, or NULL; gpus: asked for; phase NULL: Running. */
struct podling {
    const char *name; /* in namespace llm */
    const char *node;
    unsigned gpus;
    const char *pin;
    const char *phase;
    const char *owner; /* kind of its controller */
    const char *args;  /* as YAML flow list */
    const char *more;  /* annotation line, six spaces */
    const char *uid;
};
UNUSED static void put_pod(struct buf *b, const struct podling *p) {
    buf_fmt(b, "- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: %s\n    namespace: llm\n",
            p->name);
    buf_fmt(b, "    uid: %s\n", p->uid ? p->uid : "u-1");
    buf_fmt(b, "    annotations:\n      x: z\n%s", p->more ? p->more : "");
    if (p->owner) {
        buf_fmt(
            b,
            "    ownerReferences: [{apiVersion: apps/v1, kind: %s, name: o, controller: true}]\n",
            p->owner);
    }
    buf_str(b, "  spec:\n");
    if (p->node) {
        buf_fmt(b, "    nodeName: %s\n", p->node);
    }
    buf_str(b, "    containers:\n    - name: main\n      image: vllm/vllm-openai:v0.11.0\n");
    buf_fmt(b, "      args: %s\n", p->args ? p->args : "[--model, m]");
    if (p->pin) {
        buf_fmt(b, "      env: [{name: NVIDIA_VISIBLE_DEVICES, value: '%s'}]\n", p->pin);
    }
    if (p->gpus) {
        buf_fmt(b, "      resources: {limits: {nvidia.com/gpu: '%u'}}\n", p->gpus);
    }
    buf_fmt(b, "  status: {phase: %s}\n", p->phase ? p->phase : "Running");
}

UNUSED static struct cluster *new_cluster(const struct policy *policy) {
    struct policy p = policy ? *policy : policy_default();
    struct cluster *c = cluster_new(&p);
    if (!c) {
        printf("Bail out! no memory\n");
        exit(2);
    }
    return c;
}

/* A cluster of these items; items is emptied. */
UNUSED static struct cluster *cluster_of(struct buf *items) {
    struct cluster *c = new_cluster(NULL);
    struct buf text = buf_new((size_t)64 * 1024 * 1024);
    struct err e = {0};
    buf_str(&text, "apiVersion: v1\nkind: List\nitems:\n");
    buf_span(&text, buf_view(items));
    if (!cluster_load(c, buf_view(&text), &e)) {
        bail("cluster", &e);
    }
    buf_done(&text);
    buf_reset(items);
    return c;
}

UNUSED static struct shape shape_tp(unsigned tp) {
    return (struct shape){.gpus = tp, .tp = (uint16_t)tp, .groups = 1};
}

UNUSED static struct node_answer ask(struct cluster *c, const char *node, unsigned tp) {
    struct node_answer a = {.code = REASON_NODE_UNKNOWN};
    struct shape s = shape_tp(tp);
    struct cluster_session session;
    cluster_begin(c, &s, NOW, &session);
    (void)cluster_answer(&session, span_of(node), &a);
    cluster_end(&session);
    return a;
}

UNUSED static const char *code_for(struct cluster *c, const char *node, unsigned tp) {
    enum reason code = (enum reason)ask(c, node, tp).code;
    return code == REASON_NONE ? "fits" : reason_row(code)->code;
}

/* What would be logged of it. */
UNUSED static const char *complaints(struct cluster *c) {
    static char text[2048];
    struct buf b = BUF_OVER(text);
    (void)cluster_complaints(c, &b);
    return text;
}

#endif
