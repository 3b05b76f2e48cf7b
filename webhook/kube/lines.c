#include "webhook/kube/lines.h"

struct lines lines_new(size_t max, bool (*line)(void *ctx, struct span line), void *ctx) {
    return (struct lines){.held = buf_new(max), .max = max, .ctx = ctx, .line = line};
}

void lines_done(struct lines *l) {
    buf_done(&l->held);
}

static enum lines_state give(struct lines *l, struct span line) {
    if (line.n && line.p[line.n - 1] == '\r') {
        line.n--;
    }
    return line.n == 0 || l->line(l->ctx, line) ? LINES_MORE : LINES_STOPPED;
}

/* A line that comes in one piece is handed over where it lies. */
static enum lines_state whole(struct lines *l, struct span end) {
    if (l->held.n == 0) {
        return end.n > l->max ? LINES_TOO_LARGE : give(l, end);
    }
    buf_span(&l->held, end);
    if (!buf_ok(&l->held)) {
        return LINES_TOO_LARGE;
    }
    enum lines_state state = give(l, buf_view(&l->held));
    buf_reset(&l->held);
    return state;
}

enum lines_state lines_feed(struct lines *l, struct span piece) {
    while (piece.n) {
        size_t at = span_find(piece, '\n');
        if (at == piece.n) {
            buf_span(&l->held, piece);
            return buf_ok(&l->held) ? LINES_MORE : LINES_TOO_LARGE;
        }
        enum lines_state state = whole(l, span_upto(piece, at));
        if (state != LINES_MORE) {
            return state;
        }
        piece = span_from(piece, at + 1);
    }
    return LINES_MORE;
}

enum lines_state lines_end(struct lines *l) {
    return l->held.n ? whole(l, (struct span){0}) : LINES_MORE;
}
