/* Labels and taints of nodes in the cache: of which nodes, how many bytes, and what changes with
 * them. */
#include "tests/unit/cluster/fixture.h"
#include "webhook/cluster/content.h"

#define WORD(literal)                                                                              \
    { (literal), sizeof(literal) - 1 }

static const struct kv labels[] = {{WORD("pool"), WORD("a")}, {WORD("disk"), WORD("ssd")}};
static const struct kv turned[] = {{WORD("disk"), WORD("ssd")}, {WORD("pool"), WORD("a")}};
static const struct kv marked[] = {{WORD("pool"), WORD("a")},
                                   {WORD("tpguard.io/nvlink-set"), WORD("2")},
                                   {WORD("tpguard.io/nvlink"), WORD("healthy")},
                                   {WORD("disk"), WORD("ssd")}};
static const struct kv other[] = {{WORD("pool"), WORD("b")}, {WORD("disk"), WORD("ssd")}};
static const struct node_taint tainted[] = {
    {WORD("team"), WORD("red"), EFFECT_NO_SCHEDULE},
    {WORD(TAINT_CORDON), WORD(""), EFFECT_NO_SCHEDULE},
    {WORD("soft"), WORD(""), EFFECT_OTHER},
};

static struct node_object node(const char *name, unsigned gpus) {
    return (struct node_object){
        .name = span_of(name),
        .gpus_known = true,
        .gpus = gpus,
        .place = {.labels_known = true, .taints_known = true, .label = labels, .n_labels = 2}};
}

static struct node_rec *put(struct content *c, const struct node_object *n) {
    struct err e = {0};
    if (!content_put_node(c, n, &e)) {
        bail("node", &e);
    }
    return content_node(c, index_find(&c->node_index, n->name));
}

static void which_nodes(void) {
    struct content *c = content_new(false);
    struct node_object n = node("web-a", 0);
    ok(!put(c, &n)->place && c->place_bytes == 0, "a node without a GPU keeps none");
    n = node("gpu-a", 4);
    struct node_rec *r = put(c, &n);
    struct node_place place;
    place_unpack(r->place, &place);
    ok(place.labels_known && place.n_labels == 2 && place.taints_known && !place.n_taints,
       "one with GPUs does");
    ok(r->place_n == c->place_bytes && r->place_n < 64, "in few bytes (%u), counted", r->place_n);
    n.place.taint = tainted;
    n.place.n_taints = 3;
    r = put(c, &n);
    place_unpack(r->place, &place);
    ok(place.n_taints == 1 && c->n_tainted == 1,
       "of taints those that keep pods off, without the cordon");
    n.gpus = 0;
    ok(!put(c, &n)->place && c->place_bytes == 0 && c->n_tainted == 0,
       "when the GPUs are gone they go too");
    n.gpus = 4;
    (void)put(c, &n);
    content_drop_node(c, SPAN("gpu-a"));
    ok(c->place_bytes == 0 && c->n_tainted == 0, "and with the node");
    content_free(c);
}

static void what_changes(void) {
    struct content *c = content_new(false);
    struct node_object n = node("gpu-a", 4);
    struct node_rec *r = put(c, &n);
    uint64_t own = r->gen;
    uint64_t all = c->next_gen;
    n.place.label = turned;
    r = put(c, &n);
    ok(r->gen == own && c->next_gen == all, "the same labels in another order are the same");
    n.place.label = marked;
    n.place.n_labels = 4;
    r = put(c, &n);
    ok(r->gen == own && c->next_gen == all, "what tpguard itself writes changes nothing");
    n.place.label = other;
    n.place.n_labels = 2;
    r = put(c, &n);
    ok(r->gen == own && c->next_gen > all,
       "another label: its answers stay, what was counted for pods does not");
    all = c->next_gen;
    n.place.taint = tainted;
    n.place.n_taints = 1;
    r = put(c, &n);
    ok(r->gen == own && c->next_gen > all, "a taint: the same");
    content_free(c);
}

static void no_room(void) {
    struct content *c = content_new(false);
    struct node_object n = node("gpu-a", 4);
    c->place_bytes = CLUSTER_PLACE_BYTES;
    const struct node_rec *r = put(c, &n);
    struct node_place place;
    place_unpack(r->place, &place);
    ok(r->known && !r->place && !place.labels_known && !place.taints_known,
       "without room the node is kept, its labels are not known");
    ok(c->place_bytes == CLUSTER_PLACE_BYTES, "... and nothing is counted");
    content_free(c);
}

int main(void) {
    which_nodes();
    what_changes();
    no_room();
    return tap_done();
}
