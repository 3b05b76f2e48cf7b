/* Asks a kubelet what its containers hold, for trying podresources.h by hand on a real node.
 * Usage: podresources list|allocatable [SOCKET] [TIMEOUT_MS]
 *        podresources annotation TOPOLOGY [SOCKET] [TIMEOUT_MS]   the node annotation of what is
 * held; TOPOLOGY: a file with the node's tpguard.io/topology podresources checkpoint TOPOLOGY FILE
 * the same out of the kubelet's checkpoint */
#include <stdlib.h>

#include "topology/annotation.h"
#include "webhook/codec/checkpoint.h"
#include "webhook/codec/held.h"
#include "webhook/kube/podresources.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"

#define ANSWER_CAP ((size_t)128 * 1024 * 1024)

static void show(const struct held_pod *h) {
    if (h->name.n) {
        printf(SPAN_FMT "/" SPAN_FMT " " SPAN_FMT " ", SPAN_ARG(h->ns), SPAN_ARG(h->name),
               SPAN_ARG(h->container));
    }
    printf(SPAN_FMT ":", SPAN_ARG(h->resource));
    for (uint32_t i = 0; i < h->n; i++) {
        printf(" " SPAN_FMT, SPAN_ARG(h->id[i]));
    }
    printf("\n");
}

static bool read_topology(const char *path, struct topo *t, struct err *e) {
    struct buf b = buf_new(ANNOTATION_MAX);
    bool done =
        file_read(path, ANNOTATION_MAX, &b, e) && annotation_decode(span_trim(buf_view(&b)), t, e);
    buf_done(&b);
    return done;
}

static bool annotate(const char *path, const struct held_list *books, struct err *e) {
    static struct topo topo;
    static struct holdings held;
    const struct holders_in in = {.topo = &topo, .held = books};
    struct buf out = buf_new(HELD_TEXT_MAX);
    bool done = read_topology(path, &topo, e) && holders_settle(&in, &held, e) &&
                held_encode(&held, &topo, clock_unix_s(), &out, e);
    if (done) {
        printf("%s\n", buf_cstr(&out));
    }
    buf_done(&out);
    return done;
}

static bool read_checkpoint(const char *path, struct arena *a, struct held_list *out,
                            struct err *e) {
    struct buf b = buf_new(CHECKPOINT_MAX);
    bool done =
        file_read(path, CHECKPOINT_MAX, &b, e) && checkpoint_decode(buf_view(&b), a, out, e);
    buf_done(&b);
    return done;
}

int main(int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "list";
    bool file = strcmp(verb, "checkpoint") == 0;
    bool annotation = strcmp(verb, "annotation") == 0 || file;
    int at = annotation ? 3 : 2;
    const char *where = argc > at ? argv[at] : NULL;
    uint32_t timeout_ms = 0;
    if ((annotation && argc < at + (file ? 1 : 0)) ||
        (argc > at + 1 && !span_u32(span_of(argv[at + 1]), 60000, &timeout_ms))) {
        (void)fprintf(stderr, "podresources: see the head of tests/kube/podresources.c\n");
        return 2;
    }
    struct arena a = arena_new(ANSWER_CAP);
    struct held_list got = {0};
    struct err e = {0};
    enum podresources_fault fault = PODRESOURCES_OK;
    bool done = file ? read_checkpoint(where, &a, &got, &e)
                : strcmp(verb, "allocatable") == 0
                    ? podresources_allocatable(where, timeout_ms, &a, &got, &fault, &e)
                    : podresources_list(where, timeout_ms, &a, &got, &fault, &e);
    done = done && (!annotation || annotate(argv[2], &got, &e));
    if (!done) {
        (void)fprintf(stderr, "podresources: fault %d: %s\n", (int)fault, e.msg);
    }
    for (uint32_t i = 0; done && !annotation && i < got.n; i++) {
        show(&got.pod[i]);
    }
    arena_done(&a);
    return done ? 0 : 1;
}
