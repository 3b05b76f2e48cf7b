/* Pods for tests, built from plain words: one container, its command, args and environment. */
#ifndef TPGUARD_TESTS_PODKIT_H
#define TPGUARD_TESTS_PODKIT_H

#include "webhook/core/pod.h"

#define KIT_WORDS 24

struct podkit {
    const char *image;
    const char *command[KIT_WORDS];
    const char *args[KIT_WORDS];
    const char
        *env[KIT_WORDS]; /* "NAME=value"; "NAME<path" set by valueFrom, path of its fieldRef */
    unsigned gpus;
    unsigned group_size;
    bool env_from;
    const char *annotation[8]; /* key, value, key, value ... */
};

struct podkit_room {
    struct pod pod;
    struct container container;
    struct span command[KIT_WORDS];
    struct span args[KIT_WORDS];
    struct env_var env[KIT_WORDS];
    struct kv annotation[4];
};

static inline unsigned podkit_words(const char *const from[KIT_WORDS], struct span to[KIT_WORDS]) {
    unsigned n = 0;
    for (; n < KIT_WORDS && from[n]; n++) {
        to[n] = span_of(from[n]);
    }
    return n;
}

static inline const struct pod *podkit_build(const struct podkit *k, struct podkit_room *r) {
    memset(r, 0, sizeof *r);
    struct container *c = &r->container;
    c->name = SPAN("main");
    c->image = span_of(k->image ? k->image : "example/image:1");
    c->n_command = (uint16_t)podkit_words(k->command, r->command);
    c->n_args = (uint16_t)podkit_words(k->args, r->args);
    c->command = r->command;
    c->args = r->args;
    c->env = r->env;
    c->env_from = k->env_from;
    c->gpus = k->gpus;
    for (; c->n_env < KIT_WORDS && k->env[c->n_env]; c->n_env++) {
        struct span rest = span_of(k->env[c->n_env]);
        bool ref = span_find(rest, '<') < span_find(rest, '=');
        struct span name = span_cut(&rest, ref ? '<' : '=');
        r->env[c->n_env] = (struct env_var){.name = name, .ref = ref};
        *(ref ? &r->env[c->n_env].field : &r->env[c->n_env].value) = rest;
    }
    r->pod.containers = c;
    r->pod.n_containers = 1;
    r->pod.name = SPAN("p");
    r->pod.group_size = k->group_size;
    r->pod.annotations = r->annotation;
    for (unsigned i = 0; i + 1 < 8 && k->annotation[i]; i += 2) {
        struct kv *a = &r->annotation[r->pod.n_annotations++];
        a->key = span_of(k->annotation[i]);
        a->value = span_of(k->annotation[i + 1]);
    }
    return &r->pod;
}

#endif
