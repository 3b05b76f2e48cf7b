#include "webhook/core/pin.h"

#include "topology/buf.h"
#include "webhook/core/expand.h"
#include "webhook/core/workload_parts.h"

#define NVIDIA "NVIDIA_VISIBLE_DEVICES"
#define CUDA   "CUDA_VISIBLE_DEVICES"

struct named {
    enum env_state state;
    struct reading_place at;
    struct span field; /* fieldRef path of the variable, if any */
    char text[ENV_VALUE_MAX + 1];
    struct span value;
};

static void read_named(const struct reading *r, const char *name, struct named *n) {
    struct buf b = BUF_OVER(n->text);
    n->state = reading_env(r, name, &b, &n->at);
    n->value = span_trim(buf_view(&b));
    n->field = (struct span){"", 0};
    for (unsigned i = 0; i < r->c->n_env; i++) {
        if (span_is(r->c->env[i].name, name)) {
            n->field = r->c->env[i].field;
        }
    }
}

static bool bad_entry(const struct named *n, const char *name, struct span entry, const char *what,
                      struct err *e) {
    return err_at(e, ERR_INPUT, n->at.where, "%s %s, found \"" SPAN_FMT "\"", name, what,
                  SPAN_ARG(span_upto(entry, 64)));
}

static bool is_uuid(struct span s) {
    return span_starts(s, "GPU-") && s.n > 4 && s.n < GPU_UUID_MAX;
}

static bool same_entry(const struct pin_entry *a, const struct pin_entry *b) {
    return a->index >= 0 ? a->index == b->index : b->index < 0 && strcmp(a->uuid, b->uuid) == 0;
}

/* One word of the list. */
static bool parse_entry(struct span word, struct pin_entry *out) {
    uint32_t index = 0;
    *out = (struct pin_entry){.index = -1};
    if (span_u32(word, GPU_INDEX_MAX, &index)) {
        out->index = (int16_t)index;
        return true;
    }
    if (!is_uuid(word)) {
        return false;
    }
    memcpy(out->uuid, word.p, word.n);
    return true;
}

/* Device order is the order of the bus, which is the order of the indices; UUIDs stay as written.
 */
static void sort_pin(struct pin *pin) {
    for (unsigned i = 1; i < pin->n; i++) {
        struct pin_entry x = pin->gpu[i];
        unsigned j = i;
        for (; j > 0 && x.index >= 0 && pin->gpu[j - 1].index > x.index; j--) {
            pin->gpu[j] = pin->gpu[j - 1];
        }
        pin->gpu[j] = x;
    }
}

static bool parse_list(const struct named *n, const char *name, struct pin *out, struct err *e) {
    struct pin pin = {.kind = PIN_NODE};
    struct span rest = n->value;
    for (bool more = true; more;) {
        more = span_find(rest, ',') < rest.n; /* "0," ends with an entry that is none */
        struct span word = span_trim(span_cut(&rest, ','));
        struct pin_entry entry;
        if (!parse_entry(word, &entry)) {
            return bad_entry(n, name, word, "wants GPU indices or UUIDs with commas between", e);
        }
        if (pin.n == PIN_MAX) {
            return bad_entry(n, name, word, "names more than 72 GPUs", e);
        }
        for (unsigned i = 0; i < pin.n; i++) {
            if (same_entry(&pin.gpu[i], &entry)) {
                return bad_entry(n, name, word, "wants each GPU once", e);
            }
        }
        pin.gpu[pin.n++] = entry;
    }
    *out = pin;
    return true;
}
_Static_assert(PIN_MAX == 72, "the message of parse_list says 72");

/* CUDA reads up to the first entry that is none; -1 hides all that follow. */
static unsigned parse_cuda(struct span value, struct pin *out) {
    *out = (struct pin){.kind = PIN_NODE};
    struct span rest = value;
    while (rest.n && out->n < PIN_MAX) {
        struct pin_entry entry;
        if (!parse_entry(span_trim(span_cut(&rest, ',')), &entry)) {
            break;
        }
        for (unsigned i = 0; i < out->n; i++) {
            if (same_entry(&out->gpu[i], &entry)) {
                out->n = 0; /* CUDA shows no device at all when one is named twice */
                return 0;
            }
        }
        out->gpu[out->n++] = entry;
    }
    return out->n;
}

static void note_pin(struct workload *w, const struct named *n, const char *name) {
    struct evidence *ev = workload_note(w, EV_PIN, FROM_ENV, name, n->at.where);
    workload_note_value(ev, n->state == ENV_KNOWN ? n->value : SPAN("set outside the pod"),
                        n->state != ENV_KNOWN);
}

/* Positions of CUDA's entries inside the container's devices. The first that is none of them ends
 * the list. */
static void take_order(struct workload *w, const struct pin *cuda) {
    uint32_t devices = workload_visible(w);
    w->visible_known = true;
    w->n_order = 0;
    for (unsigned i = 0; i < cuda->n; i++) {
        int index = cuda->gpu[i].index;
        if (index < 0 || index >= GPU_MAX) {
            w->visible_known = devices > 0 && index >= 0;
            w->n_order = w->visible_known ? w->n_order : 0;
            return;
        }
        if (devices && (uint32_t)index >= devices) {
            return;
        }
        w->order[w->n_order++] = (uint8_t)index;
    }
}

/* CUDA's list names the node's GPUs: the pin is that set in bus order, the list its permutation. */
static void take_cuda_pin(struct workload *w, const struct pin *cuda) {
    w->pin = *cuda;
    sort_pin(&w->pin);
    w->visible_known = true;
    w->n_order = cuda->n;
    for (unsigned i = 0; i < cuda->n; i++) {
        for (unsigned j = 0; j < w->pin.n; j++) {
            if (same_entry(&cuda->gpu[i], &w->pin.gpu[j])) {
                w->order[i] = (uint8_t)j;
            }
        }
    }
}

/* MIG slices of the node, named: no GPUs, and no TP group over NVLink. */
static void take_mig(const struct named *n, struct workload *w) {
    struct span rest = n->value;
    uint32_t slices = 0;
    while (rest.n) {
        slices += span_cut(&rest, ',').n > 0;
    }
    w->mig = w->mig ? w->mig : slices;
    w->pin.kind = PIN_UNKNOWN;
    note_pin(w, n, NVIDIA);
}

static bool names_none(struct span value) {
    return value.n == 0 || span_is(value, "none") || span_is(value, "void");
}

static bool read_nvidia(const struct named *n, bool asks, struct workload *w, struct err *e) {
    if (n->state == ENV_ABSENT || !n->at.here) {
        return true; /* envFrom could name it; nearly none does, and then the plugin's value stands
                      */
    }
    if (n->state == ENV_UNKNOWN || span_find(n->value, '$') < n->value.n) {
        if (!span_has(n->field, ANN_GPUS)) { /* our own reserved set is no pin of the user's */
            w->pin.kind = PIN_UNKNOWN;
            note_pin(w, n, NVIDIA);
        }
        return true;
    }
    if (names_none(n->value)) {
        return true;
    }
    if (span_is(n->value, "all")) {
        if (!asks) {
            w->pin.kind = PIN_ALL;
            note_pin(w, n, NVIDIA);
        }
        return true;
    }
    if (span_starts(n->value, "MIG-")) {
        take_mig(n, w);
        return true;
    }
    if (!parse_list(n, NVIDIA, &w->pin, e)) {
        return false;
    }
    sort_pin(&w->pin);
    note_pin(w, n, NVIDIA);
    return true;
}

static void read_cuda(const struct named *n, bool asks, struct workload *w) {
    struct pin cuda;
    if (n->state != ENV_KNOWN || span_starts(n->value, "MIG-")) {
        return;
    }
    unsigned count = parse_cuda(n->value, &cuda);
    bool by_uuid = count && cuda.gpu[0].index < 0;
    bool of_node = count && w->pin.kind != PIN_NODE && (!asks || by_uuid);
    if (of_node && w->pin.kind != PIN_UNKNOWN) {
        take_cuda_pin(w, &cuda);
        note_pin(w, n, CUDA);
    } else if (!by_uuid) {
        take_order(w, &cuda);
    }
}

bool pin_read(const struct reading *r, bool asks, struct workload *w, struct err *e) {
    struct named named NOINIT;
    read_named(r, NVIDIA, &named);
    if (!read_nvidia(&named, asks, w, e)) {
        return false;
    }
    read_named(r, CUDA, &named);
    read_cuda(&named, asks, w);
    return true;
}
