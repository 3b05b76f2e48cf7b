/* Labels and taints of GPU nodes: what a pod's own constraints are held against. */
#include <stdlib.h>

#include "webhook/cluster/content.h"

static bool has_taints(const struct node_rec *r) {
    struct node_place place;
    place_unpack(r->place, &place);
    return place.n_taints > 0;
}

void content_drop_place(struct content *c, struct node_rec *r) {
    if (r->place) {
        c->n_tainted -= has_taints(r);
        c->place_bytes -= r->place_n;
        c->next_gen++;
        free(r->place);
        r->place = NULL;
        r->place_n = 0;
    }
}

void content_put_place(struct content *c, struct node_rec *r, const struct node_object *n) {
    if (!r->gpus && r->topo_state == NODE_TOPO_MISSING) {
        content_drop_place(c, r);
        return;
    }
    uint32_t bytes = place_pack(&n->place, c->block);
    if (r->place && r->place_n == bytes && memcmp(r->place, c->block, bytes) == 0) {
        return;
    }
    content_drop_place(c, r);
    void *block = bytes <= CLUSTER_PLACE_BYTES - c->place_bytes ? malloc(bytes) : NULL;
    if (block) {
        memcpy(block, c->block, bytes);
        r->place = block;
        r->place_n = bytes;
        c->place_bytes += bytes;
        c->n_tainted += has_taints(r);
        c->next_gen++;
    }
}
