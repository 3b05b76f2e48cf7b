/* What holds for books of any kubelet: they are settled or too large, and the annotation that is
 * written of them can be read, says as much, and says the same when it is written again. */
#ifndef TPGUARD_TESTS_FUZZ_BOOKS_H
#define TPGUARD_TESTS_FUZZ_BOOKS_H

#include <assert.h>
#include <stdlib.h>

#include "topology/synth.h"
#include "webhook/codec/held.h"
#include "webhook/codec/object.h"

#define BOOKS_CAP ((size_t)128 * 1024 * 1024)

static void books_read_back(const struct holdings *h, struct span text) {
    struct arena a = arena_new(BOOKS_CAP);
    struct allocations got = {0};
    struct err e = {0};
    bool read = allocations_decode(text, &a, &got, &e);
    assert(read && got.n == h->n_pods && got.n_unassigned == h->n_unassigned);
    for (unsigned i = 0; i < got.n; i++) {
        assert(got.pod[i].n == gpuset_count(h->pod[i].gpus) + h->pod[i].n_other);
    }
    arena_done(&a);
}

/* Under a machine whose GPUs have the UUIDs of the corpus, with a program on each of them. */
static void books_check(const struct held_list *books) {
    static struct topo topo;
    struct err e = {0};
    if (!topo.n) {
        bool made = synth_read(SPAN("4xH100-NVL"), &topo, &e);
        assert(made);
    }
    const struct held_process programs[] = {{1, 0, SPAN("u1")}, {2, 1, {0}}, {0, 2, {0}}};
    const struct node_pod pods[] = {{SPAN("llm"), SPAN("a"), SPAN("u1"), false},
                                    {SPAN("llm"), SPAN("b"), SPAN("u2"), true}};
    const int16_t minor[] = {0, 1, 2, 3};
    const struct holders_in in = {.topo = &topo,
                                  .minor = minor,
                                  .held = books,
                                  .process = programs,
                                  .n_process = 3,
                                  .pod = pods,
                                  .n_pod = 2};
    struct holdings *h = calloc(1, sizeof *h);
    struct buf first = buf_new(BOOKS_CAP);
    struct buf second = buf_new(BOOKS_CAP);
    assert(h);
    if (!holders_settle(&in, h, &e)) {
        assert(e.code == ERR_TOO_LARGE && h->n_pods == 0);
    } else if (!held_encode(h, &topo, 1, &first, &e)) {
        assert(e.code == ERR_TOO_LARGE && first.n == 0);
    } else {
        bool again = held_encode(h, &topo, 1795511640, &second, &e);
        assert(again && held_same(buf_view(&first), buf_view(&second)));
        books_read_back(h, buf_view(&first));
    }
    buf_done(&second);
    buf_done(&first);
    free(h);
}

#endif
