#include "tests/nvml/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology/span.h"

#define FILE_MAX 65536

/* One line on its way: the words left, and the machine so far. */
struct line {
    struct scenario *s;
    struct span rest;
};

static struct span next(struct line *l) {
    l->rest = span_trim(l->rest);
    size_t n = 0;
    while (n < l->rest.n && !span_is_space(l->rest.p[n])) {
        n++;
    }
    struct span word = span_upto(l->rest, n);
    l->rest = span_from(l->rest, n);
    return word;
}

static bool at_end(const struct line *l) {
    return span_trim(l->rest).n == 0;
}

static bool number(struct line *l, unsigned max, unsigned *out) {
    uint32_t v = 0;
    bool good = span_u32(next(l), max, &v);
    *out = v;
    return good;
}

static bool hex(struct span word, unsigned *out) {
    unsigned v = 0;
    for (size_t i = 0; i < word.n; i++) {
        char c = span_lower(word.p[i]);
        bool digit = c >= '0' && c <= '9';
        if (word.n > 2 || (!digit && (c < 'a' || c > 'f'))) {
            return false;
        }
        v = v * 16 + (unsigned)(digit ? c - '0' : c - 'a' + 10);
    }
    *out = v;
    return word.n > 0;
}

static bool text(struct span word, char *out, size_t cap) {
    if (word.n == 0 || word.n >= cap) {
        return false;
    }
    memset(out, 0, cap);
    memcpy(out, word.p, word.n);
    return true;
}

static bool gpu(struct line *l, unsigned *out) {
    return number(l, STAND_GPU_MAX - 1, out) && *out < l->s->n;
}

/* -1: all. */
static bool gpu_or_all(struct line *l, int *out) {
    struct line saved = *l;
    unsigned one = 0;
    if (span_is(next(l), "all")) {
        *out = -1;
        return true;
    }
    *l = saved;
    bool good = gpu(l, &one);
    *out = (int)one;
    return good;
}

static bool pair(struct line *l, unsigned *a, unsigned *b) {
    return gpu(l, a) && gpu(l, b) && *a != *b;
}

/* ---- the words ---- */

static bool word_driver(struct line *l) {
    return text(next(l), l->s->driver, sizeof l->s->driver);
}

static void default_gpu(struct scenario *s, unsigned i) {
    struct stand_gpu *g = &s->gpu[i];
    (void)snprintf(g->uuid, sizeof g->uuid, "GPU-%08x-1111-2222-3333-444444444444", i);
    g->bus = 0x10 + 8 * i % 0xe0;
    memset(g->level, 40, sizeof g->level);
    for (unsigned k = 0; k < LANES_MAX; k++) {
        g->link[k].peer = -2;
    }
}

static bool word_gpus(struct line *l) {
    if (!number(l, STAND_GPU_MAX, &l->s->n)) {
        return false;
    }
    for (unsigned i = 0; i < l->s->n; i++) {
        default_gpu(l->s, i);
    }
    bool good = text(span_trim(l->rest), l->s->product, sizeof l->s->product);
    l->rest = span_from(l->rest, l->rest.n);
    return good;
}

static bool word_memory(struct line *l) {
    return number(l, UINT32_MAX, &l->s->memory_mib);
}

static bool word_links(struct line *l) {
    return number(l, LANES_MAX, &l->s->links);
}

static bool word_speed(struct line *l) {
    return number(l, UINT32_MAX, &l->s->speed);
}

static bool word_bus(struct line *l) {
    unsigned i = 0;
    return gpu(l, &i) && hex(next(l), &l->s->gpu[i].bus) &&
           (at_end(l) || number(l, 1023, &l->s->gpu[i].numa));
}

static bool word_uuid(struct line *l) {
    unsigned i = 0;
    return gpu(l, &i) && text(next(l), l->s->gpu[i].uuid, GPU_UUID_MAX);
}

static bool give_links(struct scenario *s, unsigned i, int peer, unsigned lanes) {
    struct stand_gpu *g = &s->gpu[i];
    for (unsigned k = 0; k < lanes; k++) {
        if (g->used >= s->links) {
            return false;
        }
        g->link[g->used++] = (struct stand_link){(int16_t)peer, true};
    }
    return true;
}

static bool word_bridge(struct line *l) {
    unsigned a = 0;
    unsigned b = 0;
    unsigned lanes = 0;
    return pair(l, &a, &b) && number(l, LANES_MAX, &lanes) && give_links(l->s, a, (int)b, lanes) &&
           give_links(l->s, b, (int)a, lanes);
}

static bool word_switch(struct line *l) {
    unsigned lanes = 0;
    bool good = number(l, LANES_MAX, &lanes);
    for (unsigned i = 0; good && i < l->s->n; i++) {
        good = give_links(l->s, i, -1, lanes);
    }
    return good;
}

static void drop_links(struct scenario *s, unsigned i, int peer, unsigned count) {
    for (unsigned k = LANES_MAX; k-- > 0 && count;) {
        struct stand_link *link = &s->gpu[i].link[k];
        if (link->peer == peer && link->up) {
            link->up = false;
            count--;
        }
    }
}

static bool word_drop(struct line *l, bool both) {
    unsigned a = 0;
    unsigned b = 0;
    unsigned count = LANES_MAX;
    if (!pair(l, &a, &b) || (!at_end(l) && !number(l, LANES_MAX, &count))) {
        return false;
    }
    drop_links(l->s, a, (int)b, count);
    drop_links(l->s, b, (int)a, both ? count : 0);
    return true;
}

static bool word_down(struct line *l) {
    return word_drop(l, true);
}

static bool word_blind(struct line *l) {
    return word_drop(l, false);
}

static bool word_unswitch(struct line *l) {
    unsigned i = 0;
    unsigned count = 0;
    bool good = gpu(l, &i) && number(l, LANES_MAX, &count);
    if (good) {
        drop_links(l->s, i, -1, count);
    }
    return good;
}

static bool word_remember(struct line *l) {
    return l->s->remember = true;
}

static bool word_level(struct line *l) {
    static const char *const names[] = {"PIX", "PXB", "PHB", "NODE", "SYS"};
    unsigned a = 0;
    unsigned b = 0;
    if (!pair(l, &a, &b)) {
        return false;
    }
    struct span word = next(l);
    for (unsigned i = 0; i < 5; i++) {
        if (span_is(word, names[i])) {
            l->s->gpu[a].level[b] = l->s->gpu[b].level[a] = (uint8_t)(10 * (i + 1));
            return true;
        }
    }
    return false;
}

static bool fabric_values(struct line *l, struct raw_fabric *f) {
    static const char *const states[] = {"none", "not-started", "in-progress", "completed"};
    unsigned v[4] = {0};
    struct span word = next(l);
    unsigned state = 0;
    while (state < 4 && !span_is(word, states[state])) {
        state++;
    }
    for (unsigned i = 0; i < 4 && !at_end(l); i++) {
        if (!number(l, UINT32_MAX, &v[i])) {
            return false;
        }
    }
    f->version = 3;
    f->state = (uint8_t)state;
    f->status = (int32_t)v[0];
    f->clique = v[1];
    f->health = v[2];
    f->summary = (uint8_t)v[3];
    return state < 4;
}

static bool word_fabric(struct line *l) {
    int at = 0;
    struct raw_fabric f = {0};
    if (!gpu_or_all(l, &at) || !fabric_values(l, &f)) {
        return false;
    }
    for (unsigned i = 0; i < l->s->n; i++) {
        if (at < 0 || at == (int)i) {
            l->s->gpu[i].fabric = f;
        }
    }
    return true;
}

static bool word_mig(struct line *l) {
    unsigned i = 0;
    return gpu(l, &i) && (l->s->gpu[i].mig = true);
}

static bool word_lost(struct line *l) {
    unsigned i = 0;
    return gpu(l, &i) && (l->s->gpu[i].lost = true);
}

static bool word_errors(struct line *l) {
    unsigned i = 0;
    unsigned v = 0;
    bool good = gpu(l, &i);
    for (unsigned k = 0; good && k < 3; k++) {
        good = number(l, UINT32_MAX, &v);
        l->s->gpu[i].errors[k] = v;
    }
    return good;
}

static bool word_action(struct line *l) {
    unsigned i = 0;
    return gpu(l, &i) && number(l, 255, &l->s->gpu[i].action);
}

static bool word_p2p(struct line *l) {
    unsigned a = 0;
    unsigned b = 0;
    unsigned v = 0;
    bool good = pair(l, &a, &b) && number(l, 255, &v);
    if (good) {
        l->s->gpu[a].p2p[b] = l->s->gpu[b].p2p[a] = (uint8_t)v;
    }
    return good;
}

static bool word_process(struct line *l) {
    struct scenario *s = l->s;
    struct stand_pair *p = &s->process[s->n_processes % STAND_PROCESS_MAX];
    return ++s->n_processes <= STAND_PROCESS_MAX && gpu(l, &p->gpu) &&
           number(l, UINT32_MAX, &p->a) && number(l, UINT32_MAX, &p->b);
}

static bool word_xid(struct line *l) {
    struct scenario *s = l->s;
    struct stand_pair *p = &s->xid[s->n_xids % STAND_LIST_MAX];
    return ++s->n_xids <= STAND_LIST_MAX && gpu(l, &p->gpu) && number(l, UINT32_MAX, &p->a);
}

static bool take_call(struct line *l, enum stand_fault fault) {
    struct scenario *s = l->s;
    if (s->n_calls >= STAND_LIST_MAX) {
        return false;
    }
    struct stand_call *c = &s->call[s->n_calls++];
    unsigned rc = 0;
    c->fault = fault;
    c->gpu = -1;
    bool good = text(next(l), c->name, sizeof c->name) &&
                (fault == FAULT_ABSENT || gpu_or_all(l, &c->gpu)) &&
                (fault != FAULT_FAIL || number(l, 999, &rc));
    c->rc = (int)rc;
    return good;
}

static bool word_fail(struct line *l) {
    return take_call(l, FAULT_FAIL);
}
static bool word_hang(struct line *l) {
    return take_call(l, FAULT_HANG);
}
static bool word_crash(struct line *l) {
    return take_call(l, FAULT_CRASH);
}
static bool word_absent(struct line *l) {
    return take_call(l, FAULT_ABSENT);
}

static const struct {
    const char *word;
    bool (*take)(struct line *l);
} words[] = {
    {"driver", word_driver},     {"gpus", word_gpus},     {"memory", word_memory},
    {"links", word_links},       {"speed", word_speed},   {"bus", word_bus},
    {"uuid", word_uuid},         {"bridge", word_bridge}, {"switch", word_switch},
    {"down", word_down},         {"blind", word_blind},   {"unswitch", word_unswitch},
    {"remember", word_remember}, {"level", word_level},   {"fabric", word_fabric},
    {"mig", word_mig},           {"lost", word_lost},     {"errors", word_errors},
    {"action", word_action},     {"p2p", word_p2p},       {"process", word_process},
    {"xid", word_xid},           {"fail", word_fail},     {"hang", word_hang},
    {"crash", word_crash},       {"absent", word_absent},
};

static bool take_line(struct line *l) {
    struct span word = next(l);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_is(word, words[i].word)) {
            return words[i].take(l) && at_end(l);
        }
    }
    return word.n == 0 || word.p[0] == '#';
}

bool scenario_read(const char *path, struct scenario *out) {
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(FILE_MAX);
    struct scenario *s = calloc(1, sizeof *s);
    bool good = f && bytes && s;
    struct span rest = {bytes, good ? fread(bytes, 1, FILE_MAX, f) : 0};
    for (unsigned n = 1; good && rest.n; n++) {
        struct line l = {s, span_line(&rest)};
        good = take_line(&l);
        if (!good) {
            fprintf(stderr, "stand-in NVML: %s:%u: not understood\n", path, n);
        }
    }
    if (good) {
        *out = *s;
    } else if (!f) {
        fprintf(stderr, "stand-in NVML: cannot read %s\n", path);
    }
    if (f) {
        (void)fclose(f);
    }
    free(bytes);
    free(s);
    return good;
}
