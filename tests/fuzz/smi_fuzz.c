/* nvidia-smi text. A NUL byte parts the matrix from the links; without one the text is read as
 * both. What is read must be a topology that its annotation can carry. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/annotation.h"
#include "topology/smi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_topo(const struct topo *t) {
    static struct topo back;
    struct err e = {0};
    struct buf b = buf_new(ANNOTATION_MAX);
    annotation_encode(t, &b);
    assert(buf_ok(&b));
    bool read = annotation_decode(buf_view(&b), &back, &e);
    buf_done(&b);
    assert(read && back.n == t->n);
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < t->n; j++) {
            assert(t->wire[i][j].kind == back.wire[i][j].kind);
            assert(t->wire[i][j].lanes == back.wire[i][j].lanes);
            assert(t->expected[i][j] == back.expected[i][j]);
        }
    }
}

static void check_links(const struct smi_links *l) {
    assert(l->n <= GPU_MAX && (l->n > 0 || l->none));
    for (unsigned i = 0; i < l->n; i++) {
        const struct gpu_links *g = &l->gpu[i].links;
        assert(i == 0 || l->gpu[i].index > l->gpu[i - 1].index);
        assert(g->on <= g->listed && g->listed <= LANES_MAX);
        assert(!l->gpu[i].incomplete || g->state == LINKS_UNKNOWN);
        assert(g->state != LINKS_LISTED || g->listed > 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct topo t;
    static struct smi_links links;
    struct err e = {0};
    struct span all = {(const char *)data, size};
    struct span rest = all;
    struct span matrix = span_cut(&rest, '\0');
    if (smi_read_topo(matrix, &t, &e)) {
        check_topo(&t);
        assert(smi_has_topo(matrix));
    }
    if (smi_read_nvlink(all, &links, &e)) {
        check_links(&links);
    }
    if (smi_read(matrix, rest, 1, &t, &e)) {
        check_topo(&t);
    } else {
        assert(e.code != ERR_NONE && e.msg[0]);
    }
    return 0;
}
