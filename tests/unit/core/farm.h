/* Some nodes and one pod, judged as the server judges it: answers, census, decision. */
#ifndef TPGUARD_TESTS_CORE_FARM_H
#define TPGUARD_TESTS_CORE_FARM_H

#include "tests/unit/core/machine.h"
#include "webhook/core/decide.h"

#define FARM_MAX 8
struct farm_node {
    const char *name;
    const char *line;
    const char *busy;
    const char *holder; /* NULL nobody known */
};
struct farm {
    struct policy policy;
    struct farm_node node[FARM_MAX];
    const char *off[FARM_MAX]; /* why the pod may not use it (a taint); NULL it may */
    struct pod pod;
    struct kv annotation[4];
    struct env_var env[4];
    struct container container;
    struct workload w;
    struct shape shape;
    struct census asked;
    struct census unpinned;
    struct admit_in in;
    struct decision d;
};

static const struct farm_node worked = {"gpu-a", "4xH100-NVL down=0-1", "", NULL};
static const struct farm_node demo[] = {
    {"gpu-a", "4xH100-NVL down=0-1", "", NULL},
    {"gpu-b", "4xH100-NVL", "", NULL},
    {"gpu-c", "8xH100-SXM", "", NULL},
    {"gpu-d", "4xL40S", "", NULL},
    {"gpu-e", "4", "", NULL},
    {"gpu-f", "4xH100-NVL", "0,1,2,3", "llm/chat-0"},
};

UNUSED static void farm_evidence(struct farm *f, enum evidence_field field,
                                 enum evidence_source from, const char *name, const char *value) {
    struct evidence *e = &f->w.evidence[field];
    *e = (struct evidence){.source = (uint8_t)from};
    (void)snprintf(e->name, sizeof e->name, "%s", name);
    (void)snprintf(e->value, sizeof e->value, "%s", value);
    (void)snprintf(e->where, sizeof e->where, "containers[0].args[1]");
}

/* vLLM with TP=tp over gpus GPUs of a pod, model "qwen35-27b" in FP8. */
UNUSED static void farm_init(struct farm *f, unsigned tp, unsigned gpus) {
    memset(f, 0, sizeof *f);
    f->policy = policy_default();
    f->container = (struct container){.name = SPAN("vllm"), .gpus = gpus, .env = f->env};
    f->pod = (struct pod){.ns = SPAN("llm"),
                          .name = SPAN("qwen35-27b"),
                          .containers = &f->container,
                          .annotations = f->annotation,
                          .n_containers = 1};
    f->w = (struct workload){.gpu_pod = true,
                             .engine_found = true,
                             .engine = "vllm",
                             .scope = tp > 1 ? SCOPE_SINGLE : SCOPE_NONE,
                             .tp = {true, tp},
                             .pp = {true, 1},
                             .dp = {true, 1},
                             .in_pod = {true, tp},
                             .gpus = gpus,
                             .model = SPAN("qwen35-27b"),
                             .quant = SPAN("fp8")};
    char text[16];
    (void)snprintf(text, sizeof text, "%u", tp);
    farm_evidence(f, EV_ENGINE, FROM_FLAG, "vllm serve", "vllm");
    farm_evidence(f, EV_TP, FROM_FLAG, "--tensor-parallel-size", text);
}

UNUSED static void farm_pin(struct farm *f, const char *gpus) {
    f->w.pin = shape_pinned(1, gpus).pin;
    f->env[0] = (struct env_var){.name = SPAN("NVIDIA_VISIBLE_DEVICES"), .value = span_of(gpus)};
    f->container.n_env = 1;
    farm_evidence(f, EV_PIN, FROM_ENV, "NVIDIA_VISIBLE_DEVICES", gpus);
}

UNUSED static void farm_annotate(struct farm *f, const char *key, const char *value) {
    f->annotation[f->pod.n_annotations++] = (struct kv){span_of(key), span_of(value)};
}

static void farm_census(struct farm *f, const struct shape *s, struct census *c) {
    static struct machine m;
    memset(c, 0, sizeof *c);
    for (unsigned i = 0; i < FARM_MAX && f->node[i].name; i++) {
        struct node_answer a;
        if (!machine_build(&m, f->node[i].name, f->node[i].line, &f->policy)) {
            continue;
        }
        machine_take(&m, f->node[i].busy);
        decide_node(&m.view, s, &f->policy, 2000, &a);
        if (f->off[i]) {
            census_add_off(c, &m.view, &a, PLACE_BY_TAINT, span_of(f->off[i]));
            continue;
        }
        census_add(c, &m.view, s, &a);
        if (f->node[i].holder && strcmp(c->nearest.name, f->node[i].name) == 0) {
            (void)snprintf(c->nearest.holder, sizeof c->nearest.holder, "%s", f->node[i].holder);
        }
    }
}

UNUSED static void farm_judge(struct farm *f) {
    static struct workload loose;
    static struct shape unpinned;
    shape_of(&f->w, &f->policy, &f->shape);
    farm_census(f, &f->shape, &f->asked);
    f->in = (struct admit_in){
        .pod = &f->pod, .w = &f->w, .shape = &f->shape, .policy = &f->policy, .asked = &f->asked};
    if (f->shape.pinned) {
        loose = f->w;
        loose.pin.kind = PIN_NONE;
        loose.gpus = loose.gpus ? loose.gpus : f->w.pin.n;
        shape_of(&loose, &f->policy, &unpinned);
        farm_census(f, &unpinned, &f->unpinned);
        f->in.unpinned = &f->unpinned;
    }
    decide_admit(&f->in, &f->d);
}

#endif
