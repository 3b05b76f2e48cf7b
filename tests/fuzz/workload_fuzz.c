/* Words of a pod -> the TP group. Each line is one word: "c:" command, "a:" args, "e:NAME=value"
 * environment ("e:NAME<" by reference), "i:" image, "t:" annotation value of the TP size. */
#include <stdint.h>
#include <stdlib.h>

#include "webhook/core/workload.h"

#define WORDS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_pod {
    struct pod pod;
    struct container container;
    struct span command[WORDS];
    struct span args[WORDS];
    struct env_var env[WORDS];
    struct kv annotation;
};

static void take_line(struct fuzz_pod *f, struct span line) {
    struct container *c = &f->container;
    struct span value = span_from(line, 2);
    switch (line.n > 1 && line.p[1] == ':' ? line.p[0] : '\0') {
    case 'c':
        if (c->n_command < WORDS) {
            f->command[c->n_command++] = value;
        }
        break;
    case 'a':
        if (c->n_args < WORDS) {
            f->args[c->n_args++] = value;
        }
        break;
    case 'e':
        if (c->n_env < WORDS) {
            bool ref = span_ends(value, "<");
            struct span name = span_cut(&value, ref ? '<' : '=');
            f->env[c->n_env++] = (struct env_var){.name = name, .value = value, .ref = ref};
        }
        break;
    case 'i':
        c->image = value;
        break;
    case 't':
        f->annotation = (struct kv){SPAN(ANN_TP), value};
        f->pod.n_annotations = 1;
        break;
    default:
        /* the rest of a script with line ends in it */
        if (c->n_args && f->args[c->n_args - 1].p + f->args[c->n_args - 1].n + 1 == line.p) {
            f->args[c->n_args - 1].n += line.n + 1;
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_pod f = {.container = {.gpus = (uint32_t)(size % 9)}};
    struct span rest = {(const char *)data, size};
    while (rest.n) {
        take_line(&f, span_cut(&rest, '\n'));
    }
    f.container.command = f.command;
    f.container.args = f.args;
    f.container.env = f.env;
    f.pod.containers = &f.container;
    f.pod.n_containers = 1;
    f.pod.annotations = &f.annotation;
    struct workload w;
    struct err e = {0};
    if (!workload_read(&f.pod, &w, &e)) {
        if (e.code == ERR_NONE || !e.msg[0]) {
            abort(); /* a refusal says why */
        }
        return 0;
    }
    bool sane = (!w.tp.known || (w.tp.n >= 1 && w.tp.n <= SIZE_MAX_TP)) && w.n_order <= GPU_MAX &&
                w.pin.n <= PIN_MAX && (w.tp.known || w.scope == SCOPE_UNKNOWN);
    if (!sane) {
        abort();
    }
    return 0;
}
