/* The annotation: what is read can be written, and then reads the same; what is written fits. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "topology/annotation.h"
#include "topology/health.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct topo *t) {
    assert(t->n >= 1 && t->n <= GPU_MAX);
    for (unsigned i = 0; i < t->n; i++) {
        assert(i == 0 || t->gpu[i].index > t->gpu[i - 1].index);
        assert(t->gpu[i].links.on <= t->gpu[i].links.listed);
        for (unsigned j = 0; j < t->n; j++) {
            struct wire w = t->wire[i][j];
            assert((w.kind == WIRE_SELF) == (i == j));
            assert(w.kind < WIRE_KIND_COUNT && w.lanes <= LANES_MAX);
            assert((w.lanes > 0) == (w.kind == WIRE_NVLINK));
            assert(t->expected[i][j] == t->expected[j][i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct topo t;
    static struct topo back;
    static _Alignas(8) unsigned char one[sizeof(struct topo)];
    static _Alignas(8) unsigned char two[sizeof(struct topo)];
    struct err e = {0};
    if (!annotation_decode((struct span){(const char *)data, size}, &t, &e)) {
        assert(e.code != ERR_NONE && e.msg[0]);
        return 0;
    }
    check(&t);
    struct buf b = buf_new(ANNOTATION_MAX);
    annotation_encode(&t, &b);
    assert(buf_ok(&b));
    bool read = annotation_decode(buf_view(&b), &back, &e);
    buf_done(&b);
    assert(read && topo_packed_size(&t) == topo_packed_size(&back));
    topo_pack(&t, one);
    topo_pack(&back, two);
    assert(memcmp(one, two, topo_packed_size(&t)) == 0);
    struct health h;
    health_judge(&t, NULL, &h);
    assert(h.n == t.n);
    return 0;
}
