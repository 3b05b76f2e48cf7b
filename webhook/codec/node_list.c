#include "webhook/codec/extender_nodes.h"

/* Bounds what a list of names that hash alike can cost; by chance it does not happen: half full, a
 * run of 512 slots has a probability far below that of broken memory. */
#define PROBES_MAX 512

uint64_t node_name_hash(struct span s) {
    uint64_t h = 0;
    uint64_t word = 0;
    for (; s.n >= sizeof word; s = span_from(s, sizeof word)) {
        memcpy(&word, s.p, sizeof word);
        h = node_hash_step(h, word);
    }
    word = 0;
    memcpy(&word, s.p, s.n);
    return node_hash_end(node_hash_step(h, word));
}

/* The free slot of a name, or that of the name itself when it is there. NULL: crowded. */
static uint32_t *slot_of(const struct node_list *l, struct span name, uint64_t hash) {
    uint32_t i = (uint32_t)hash & l->mask;
    for (unsigned probes = 0; probes < PROBES_MAX; probes++) {
        uint32_t *slot = &l->slots[i];
        if (*slot == 0 || span_eq(l->name[*slot - 1], name)) {
            return slot;
        }
        i = (i + 1) & l->mask;
    }
    return NULL;
}

static bool room(struct node_list *l, uint32_t cap, bool nodes) {
    uint32_t slots = 64;
    while (slots < cap * 2) {
        slots *= 2;
    }
    struct node_list to = {.arena = l->arena, .mask = slots - 1, .cap = cap, .n = l->n};
    to.name = ARENA_NEW(l->arena, struct span, cap);
    to.node = nodes ? ARENA_NEW(l->arena, struct span, cap) : NULL;
    to.slots = ARENA_NEW(l->arena, uint32_t, slots);
    if (!to.name || !to.slots || (nodes && !to.node)) {
        return false;
    }
    for (uint32_t i = 0; i < l->n; i++) {
        to.name[i] = l->name[i];
        if (nodes) {
            to.node[i] = l->node[i];
        }
        uint32_t *slot = slot_of(&to, l->name[i], node_name_hash(l->name[i]));
        if (!slot) {
            return false;
        }
        *slot = i + 1;
    }
    *l = to;
    return true;
}

bool node_list_new(struct node_list *l, struct arena *a, bool nodes, uint32_t expected) {
    *l = (struct node_list){.arena = a};
    return room(l, expected < 16 ? 16 : expected, nodes);
}

enum node_added node_list_add(struct node_list *l, struct span name, uint64_t hash,
                              struct span node) {
    if (l->n == l->cap && !room(l, l->cap * 2, l->node != NULL)) {
        return NODE_NO_MEMORY;
    }
    uint32_t *slot = slot_of(l, name, hash);
    if (!slot || *slot) {
        return slot ? NODE_TWICE : NODE_CROWDED;
    }
    l->name[l->n] = name;
    if (l->node) {
        l->node[l->n] = node;
    }
    *slot = ++l->n;
    return NODE_ADDED;
}
