#include "webhook/core/argv.h"

#include "topology/buf.h"
#include "webhook/core/pod.h"

void argv_reset(struct argv *v, unsigned word_max) {
    v->word_max = (uint16_t)word_max;
    v->n = 0;
    v->n_text = 0;
    v->open = false;
    v->overflow = false;
}

void argv_copy(struct argv *to, const struct argv *from) {
    to->n = from->n;
    to->overflow = from->overflow;
    to->open = from->open;
    to->n_text = from->n_text;
    to->word_max = from->word_max;
    unsigned words = from->n + (from->open ? 1U : 0U);
    memcpy(to->start, from->start, words * sizeof from->start[0]);
    memcpy(to->len, from->len, words * sizeof from->len[0]);
    memcpy(to->at, from->at, words * sizeof from->at[0]);
    memcpy(to->text, from->text, from->n_text);
}

void argv_open(struct argv *v) {
    if (v->open) {
        return;
    }
    if (v->n == ARGV_WORDS_MAX) {
        v->overflow = true;
        return;
    }
    v->start[v->n] = v->n_text;
    v->len[v->n] = 0;
    v->open = true;
}

void argv_put(struct argv *v, struct span s) {
    argv_open(v);
    if (!v->open) {
        return;
    }
    size_t used = v->len[v->n];
    if (used > v->word_max) {
        return; /* it was cut before */
    }
    bool cut = s.n > v->word_max - used;
    s = span_upto(s, v->word_max - used);
    if (s.n + cut > (size_t)(ARGV_TEXT_MAX - v->n_text)) {
        v->overflow = true;
        return;
    }
    if (s.n) {
        memcpy(v->text + v->n_text, s.p, s.n);
    }
    v->n_text = (uint16_t)(v->n_text + s.n);
    v->len[v->n] = (uint16_t)(used + s.n);
    if (cut) {
        v->text[v->n_text++] = MARK_UNKNOWN;
        v->len[v->n]++;
    }
}

void argv_char(struct argv *v, char c) {
    argv_put(v, (struct span){&c, 1});
}

void argv_end(struct argv *v, unsigned at) {
    if (v->open) {
        v->at[v->n++] = (uint16_t)at;
        v->open = false;
    }
}

struct span argv_word(const struct argv *v, unsigned i) {
    return i < v->n ? (struct span){v->text + v->start[i], v->len[i]} : (struct span){"", 0};
}

void container_path(const struct container *c, struct buf *out) {
    buf_fmt(out, "%s[%u]", c->init ? "initContainers" : "containers", c->at);
}

void argv_where(const struct argv *v, unsigned i, const struct container *c, struct buf *out) {
    container_path(c, out);
    if (i < v->n) {
        bool args = v->at[i] & ARGV_ARGS;
        buf_fmt(out, ".%s[%u]", args ? "args" : "command", v->at[i] & ~ARGV_ARGS);
    }
}

bool span_marked(struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == MARK_UNKNOWN || s.p[i] == MARK_UNDEFINED || s.p[i] == MARK_SPLIT) {
            return true;
        }
    }
    return false;
}
