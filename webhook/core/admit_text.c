#include "webhook/core/admit_parts.h"

void text_clean(struct buf *out, struct span s, size_t max) {
    bool cut = s.n > max;
    s = span_upto(s, cut && max > 3 ? max - 3 : max);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        buf_char(out, c >= 0x20 && c < 0x7F ? c : '?');
    }
    if (cut) {
        buf_str(out, "...");
    }
}

void text_us(struct buf *out, uint64_t us) {
    if (us >= 999500) {
        uint64_t tenths = (us + 50000) / 100000;
        buf_fmt(out, "%llu.%llu s", (unsigned long long)(tenths / 10),
                (unsigned long long)(tenths % 10));
    } else if (us >= 9950) {
        buf_fmt(out, "%llu ms", (unsigned long long)((us + 500) / 1000));
    } else {
        uint64_t tenths = (us + 50) / 100;
        buf_fmt(out, "%llu.%llu ms", (unsigned long long)(tenths / 10),
                (unsigned long long)(tenths % 10));
    }
}

unsigned weights_gb(uint64_t mib) {
    /* 1 MiB = 1048576 bytes; the annotation's range keeps the product far below 2^64. */
    uint64_t capped = mib > UINT32_MAX ? UINT32_MAX : mib;
    return (unsigned)((capped * 1048576U + 500000000U) / 1000000000U);
}

unsigned gpu_gb(uint32_t mib) {
    return (unsigned)(((uint64_t)mib + 512) / 1024);
}

void text_pin(struct buf *out, const struct pin *pin) {
    if (pin->kind == PIN_ALL) {
        buf_str(out, "all GPUs");
        return;
    }
    buf_str(out, pin->n == 1 ? "GPU " : "GPUs ");
    for (unsigned i = 0; i < pin->n && i < PIN_MAX; i++) {
        if (i == 8) {
            buf_str(out, ",...");
            return;
        }
        buf_str(out, i ? "," : "");
        const struct pin_entry *p = &pin->gpu[i];
        if (p->index >= 0) {
            buf_i64(out, p->index);
        } else {
            text_clean(out, (struct span){p->uuid, strnlen(p->uuid, GPU_UUID_MAX)}, 15);
        }
    }
}

void text_tp(struct buf *out, const struct admit_in *in) {
    if (is_tp_unknown(in->w)) {
        buf_str(out, "TP of unknown size");
    } else {
        buf_fmt(out, "TP=%u", asked_tp(in));
    }
}

void text_set(struct buf *out, const struct shape *s) {
    bool many = s->groups > 1;
    if (many) {
        buf_fmt(out, "%u", (unsigned)s->groups);
    } else {
        buf_char(out, 'a');
    }
    if (s->tp == 2) {
        buf_str(out, many ? " healthy NVLink pairs" : " healthy NVLink pair");
    } else {
        buf_fmt(out, " healthy NVLink set%s of %u GPUs", many ? "s" : "", (unsigned)s->tp);
    }
}

void text_take(const struct buf *from, char *out, size_t cap) {
    size_t n = from->n;
    if (n >= cap) {
        n = cap - 1;
        while (n > cap / 2 && from->p[n] != ' ') {
            n--;
        }
    }
    memcpy(out, from->p, n);
    out[n] = '\0';
}
