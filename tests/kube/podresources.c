/* Asks a kubelet what its containers hold, for trying podresources.h by hand on a real node.
 * Usage: podresources [list|allocatable] [SOCKET] [TIMEOUT_MS] */
#include "webhook/kube/podresources.h"

#define ANSWER_CAP ((size_t)64 * 1024 * 1024)

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

int main(int argc, char **argv) {
    struct arena a = arena_new(ANSWER_CAP);
    struct held_list got = {0};
    struct err e = {0};
    enum podresources_fault fault = PODRESOURCES_OK;
    const char *socket = argc > 2 ? argv[2] : NULL;
    uint32_t timeout_ms = 0;
    if (argc > 3 && !span_u32(span_of(argv[3]), 60000, &timeout_ms)) {
        (void)fprintf(stderr, "podresources: no time: %s\n", argv[3]);
        return 2;
    }
    bool all = argc > 1 && strcmp(argv[1], "allocatable") == 0;
    bool done = all ? podresources_allocatable(socket, timeout_ms, &a, &got, &fault, &e)
                    : podresources_list(socket, timeout_ms, &a, &got, &fault, &e);
    if (!done) {
        (void)fprintf(stderr, "podresources: fault %d: %s\n", (int)fault, e.msg);
    }
    for (uint32_t i = 0; i < got.n; i++) {
        show(&got.pod[i]);
    }
    arena_done(&a);
    return done ? 0 : 1;
}
