/* Labels and taints of a node in one block: head, labels by key, taints, text. */
#include <stdlib.h>

#include "webhook/core/place_parts.h"

struct head {
    uint16_t n_labels, n_taints;
    uint8_t labels_known, taints_known;
};
#define KEY_MOST   317 /* prefix of 253, "/", name of 63 */
#define VALUE_MOST 63

_Static_assert(PLACE_BLOCK_MAX <= UINT16_MAX, "offsets fit");
_Static_assert(_Alignof(struct label_at) == 2 && _Alignof(struct taint_at) == 2 &&
                   sizeof(struct head) % 2 == 0,
               "no gaps between the parts");

static int by_key(const void *a, const void *b) {
    const struct kv *x = a;
    const struct kv *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    int c = n ? memcmp(x->key.p, y->key.p, n) : 0;
    return c ? c : (x->key.n > y->key.n) - (x->key.n < y->key.n);
}

static bool is_sound(struct span key, struct span value) {
    return key.n <= KEY_MOST && value.n <= VALUE_MOST;
}

struct sorted {
    struct kv label[NODE_LABELS_MAX];
    uint16_t n;
    bool known;
    size_t bytes;
};

static void sort_labels(const struct node_place_in *in, size_t room, struct sorted *out) {
    out->n = 0;
    out->bytes = 0;
    out->known = in->labels_known && in->n_labels <= NODE_LABELS_MAX;
    for (unsigned i = 0; out->known && i < in->n_labels; i++) {
        const struct kv *l = &in->label[i];
        if (place_own_label(l->key)) {
            continue;
        }
        out->bytes += sizeof(struct label_at) + l->key.n + l->value.n;
        out->known = is_sound(l->key, l->value) && out->bytes <= room;
        out->label[out->n++] = *l;
    }
    if (!out->known) {
        out->n = 0;
        out->bytes = 0;
    }
    qsort(out->label, out->n, sizeof *out->label, by_key);
}

static bool counts(const struct node_taint *t) {
    bool cordon = span_is(t->key, TAINT_CORDON);
    return !cordon && (t->effect == EFFECT_NO_SCHEDULE || t->effect == EFFECT_NO_EXECUTE);
}

/* Bytes of the taints that count; false: they do not fit. */
static bool weigh_taints(const struct node_place_in *in, size_t room, uint16_t *n, size_t *bytes) {
    *n = 0;
    *bytes = 0;
    bool fit = in->taints_known && in->n_taints <= NODE_TAINTS_MAX;
    for (unsigned i = 0; fit && i < in->n_taints; i++) {
        const struct node_taint *t = &in->taint[i];
        if (counts(t)) {
            *bytes += sizeof(struct taint_at) + t->key.n + t->value.n;
            fit = is_sound(t->key, t->value) && *bytes <= room;
            ++*n;
        }
    }
    *n = fit ? *n : 0;
    *bytes = fit ? *bytes : 0;
    return fit;
}

struct pen {
    unsigned char *part; /* the next label or taint */
    unsigned char *text;
    uint16_t at;
};

static uint16_t put_text(struct pen *p, struct span key, struct span value) {
    uint16_t at = p->at;
    if (key.n) {
        memcpy(p->text + at, key.p, key.n);
    }
    if (value.n) {
        memcpy(p->text + at + key.n, value.p, value.n);
    }
    p->at = (uint16_t)(at + key.n + value.n);
    return at;
}

static void put_taint(struct pen *p, const struct node_taint *t) {
    struct taint_at to;
    memset(&to, 0, sizeof to); /* the block is compared as bytes */
    to.at = put_text(p, t->key, t->value);
    to.key_n = (uint16_t)t->key.n;
    to.value_n = (uint16_t)t->value.n;
    to.effect = t->effect;
    memcpy(p->part, &to, sizeof to);
    p->part += sizeof to;
}

unsigned place_pack(const struct node_place_in *in, unsigned char out[static PLACE_BLOCK_MAX]) {
    struct sorted labels;
    uint16_t n_taints = 0;
    size_t taint_bytes = 0;
    size_t room = PLACE_BLOCK_MAX - sizeof(struct head);
    bool taints = weigh_taints(in, room, &n_taints, &taint_bytes);
    sort_labels(in, room - taint_bytes, &labels);
    const struct head head = {labels.n, n_taints, labels.known, taints};
    memcpy(out, &head, sizeof head);
    struct pen p = {.part = out + sizeof head};
    p.text = p.part + labels.n * sizeof(struct label_at) + n_taints * sizeof(struct taint_at);
    for (unsigned i = 0; i < labels.n; i++) {
        const struct kv *l = &labels.label[i];
        const struct label_at to = {put_text(&p, l->key, l->value), (uint16_t)l->key.n,
                                    (uint16_t)l->value.n};
        memcpy(p.part, &to, sizeof to);
        p.part += sizeof to;
    }
    for (unsigned i = 0; n_taints && i < in->n_taints; i++) {
        if (counts(&in->taint[i])) {
            put_taint(&p, &in->taint[i]);
        }
    }
    return (unsigned)(sizeof head + labels.bytes + taint_bytes);
}

void place_unpack(const void *block, struct node_place *out) {
    *out = (struct node_place){0};
    if (!block) {
        return;
    }
    struct head head;
    const char *at = block;
    memcpy(&head, at, sizeof head);
    at += sizeof head;
    out->labels_known = head.labels_known;
    out->taints_known = head.taints_known;
    out->n_labels = head.n_labels;
    out->n_taints = head.n_taints;
    out->label = (const void *)at;
    at += out->n_labels * sizeof *out->label;
    out->taint = (const void *)at;
    out->text = at + out->n_taints * sizeof *out->taint;
}
