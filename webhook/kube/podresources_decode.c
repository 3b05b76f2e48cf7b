#include <podresources.pb-c.h>

#include "webhook/kube/podresources_inner.h"

#define FRAME_HEAD 5

/* protobuf-c's tree of the largest answer: its nodes are some times the bytes they stand for. */
#define SCRATCH_MAX (4 * PODRESOURCES_ANSWER_MAX)

bool podresources_frame(struct span body, struct span *message, struct err *e) {
    if (body.n < FRAME_HEAD) {
        return err_set(e, ERR_INPUT, "wants a gRPC frame, found %zu bytes", body.n);
    }
    const unsigned char *head = (const unsigned char *)body.p;
    size_t n = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (head[0] != 0) {
        return err_set(e, ERR_INPUT, "wants a gRPC frame that is not compressed, found flag %u",
                       head[0]);
    }
    if (n != body.n - FRAME_HEAD) {
        return err_set(e, ERR_INPUT, "wants one gRPC frame of %zu bytes, found %zu", n,
                       body.n - FRAME_HEAD);
    }
    *message = span_from(body, FRAME_HEAD);
    return true;
}

/* ---- protobuf-c inside an arena ---- */

struct scratch {
    struct arena arena;
    bool full;
};

static void *take(void *ctx, size_t size) {
    struct scratch *s = ctx;
    void *p = arena_take(&s->arena, size ? size : 1, 1);
    s->full |= !p;
    return p;
}

/* All of it goes with the arena. */
static void give(void *ctx, void *p) {
    (void)ctx;
    (void)p;
}

static ProtobufCMessage *unpack(const ProtobufCMessageDescriptor *type, struct span message,
                                struct scratch *s, struct err *e) {
    ProtobufCAllocator allocator = {.alloc = take, .free = give, .allocator_data = s};
    ProtobufCMessage *m =
        protobuf_c_message_unpack(type, &allocator, message.n, (const uint8_t *)message.p);
    if (!m && s->full) {
        (void)err_set(e, ERR_TOO_LARGE, "the message takes more than %zu MiB to read",
                      SCRATCH_MAX / 1024 / 1024);
    } else if (!m) {
        (void)err_set(e, ERR_INPUT, "%zu bytes that are no such protobuf", message.n);
    }
    return m;
}

/* ---- tree -> list ---- */

/* The same walk twice: first (pod NULL) it counts, then it fills. */
struct fill {
    struct arena *a;
    struct held_pod *pod;
    struct span *id;
    uint32_t n_pods;
    uint32_t n_ids;
};

static bool text(struct fill *f, ProtobufCBinaryData from, struct span *out, struct err *e) {
    struct span s = {(const char *)from.data, from.len};
    if (s.n > PODRESOURCES_TEXT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "wants names of at most %d bytes, found %zu",
                       PODRESOURCES_TEXT_MAX, s.n);
    }
    if (s.n && memchr(s.p, 0, s.n)) {
        return err_set(e, ERR_INPUT, "a name with a NUL in it");
    }
    if (s.n && f->pod && !arena_span(f->a, s, out)) {
        return err_set(e, ERR_TOO_LARGE, "the list is too large");
    }
    return true;
}

struct holder {
    ProtobufCBinaryData ns;
    ProtobufCBinaryData pod;
    ProtobufCBinaryData container;
};

static bool add(struct fill *f, const struct holder *who, ProtobufCBinaryData resource, size_t n,
                const ProtobufCBinaryData *ids, struct err *e) {
    if (n == 0) {
        return true;
    }
    if (f->n_pods == PODRESOURCES_ENTRIES_MAX) {
        return err_set(e, ERR_TOO_LARGE, "more than %d resources are held",
                       PODRESOURCES_ENTRIES_MAX);
    }
    if (n > PODRESOURCES_IDS_MAX - f->n_ids) {
        return err_set(e, ERR_TOO_LARGE, "more than %d devices", PODRESOURCES_IDS_MAX);
    }
    struct held_pod h = {.n = (uint32_t)n};
    struct span *id = f->pod ? f->id + f->n_ids : NULL;
    struct span unused = {0};
    if (!text(f, who->ns, &h.ns, e) || !text(f, who->pod, &h.name, e) ||
        !text(f, who->container, &h.container, e) || !text(f, resource, &h.resource, e)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!text(f, ids[i], id ? &id[i] : &unused, e)) {
            return false;
        }
    }
    if (f->pod) {
        h.id = id;
        f->pod[f->n_pods] = h;
    }
    f->n_pods++;
    f->n_ids += (uint32_t)n;
    return true;
}

static bool add_claim(struct fill *f, const struct holder *who, const Podresources__Claim *c,
                      struct err *e) {
    for (size_t i = 0; i < c->n_claim_resources; i++) {
        const Podresources__Claimed *r = c->claim_resources[i];
        if (r->device_name.len && !add(f, who, r->driver_name, 1, &r->device_name, e)) {
            return false;
        }
    }
    return true;
}

static bool add_pod(struct fill *f, const Podresources__Pod *p, struct err *e) {
    for (size_t i = 0; i < p->n_containers; i++) {
        const Podresources__Container *c = p->containers[i];
        const struct holder who = {p->namespace_, p->name, c->name};
        for (size_t k = 0; k < c->n_devices; k++) {
            const Podresources__Devices *d = c->devices[k];
            if (!add(f, &who, d->resource_name, d->n_device_ids, d->device_ids, e)) {
                return false;
            }
        }
        for (size_t k = 0; k < c->n_dynamic_resources; k++) {
            if (!add_claim(f, &who, c->dynamic_resources[k], e)) {
                return false;
            }
        }
    }
    return true;
}

static bool walk_list(struct fill *f, const ProtobufCMessage *m, struct err *e) {
    const Podresources__List *list = (const Podresources__List *)m;
    for (size_t i = 0; i < list->n_pod_resources; i++) {
        if (!add_pod(f, list->pod_resources[i], e)) {
            return false;
        }
    }
    return true;
}

static bool walk_allocatable(struct fill *f, const ProtobufCMessage *m, struct err *e) {
    const Podresources__Allocatable *all = (const Podresources__Allocatable *)m;
    const struct holder nobody = {0};
    for (size_t i = 0; i < all->n_devices; i++) {
        const Podresources__Devices *d = all->devices[i];
        if (!add(f, &nobody, d->resource_name, d->n_device_ids, d->device_ids, e)) {
            return false;
        }
    }
    return true;
}

typedef bool walk(struct fill *f, const ProtobufCMessage *m, struct err *e);

static bool list_of(walk *over, const ProtobufCMessage *m, struct arena *a, struct held_list *out,
                    struct err *e) {
    struct fill f = {.a = a};
    if (!over(&f, m, e)) {
        return false;
    }
    f.pod = ARENA_NEW(a, struct held_pod, f.n_pods);
    f.id = ARENA_NEW(a, struct span, f.n_ids);
    if (!f.pod || !f.id) {
        return err_set(e, ERR_TOO_LARGE, "the list is too large");
    }
    f.n_pods = f.n_ids = 0;
    if (!over(&f, m, e)) {
        return false;
    }
    *out = (struct held_list){f.pod, f.n_pods};
    return true;
}

static bool decode(const ProtobufCMessageDescriptor *type, walk *over, struct span message,
                   struct arena *a, struct held_list *out, struct err *e) {
    struct scratch s = {.arena = arena_new(SCRATCH_MAX)};
    const ProtobufCMessage *m = unpack(type, message, &s, e);
    bool done = m && list_of(over, m, a, out, e);
    arena_done(&s.arena);
    return done;
}

bool podresources_decode_list(struct span message, struct arena *a, struct held_list *out,
                              struct err *e) {
    return decode(&podresources__list__descriptor, walk_list, message, a, out, e);
}

bool podresources_decode_allocatable(struct span message, struct arena *a, struct held_list *out,
                                     struct err *e) {
    return decode(&podresources__allocatable__descriptor, walk_allocatable, message, a, out, e);
}
