/* What an API server sends, or somebody in its place: the bytes as a page, as a refusal, and as a
 * stream cut into pieces (the first byte says of which size). Whole lines must be the same however
 * they were cut. */
#include <stdint.h>
#include <stdlib.h>

#include "webhook/kube/lines.h"
#include "webhook/kube/status.h"
#include "webhook/kube/watch_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINE_MAX_BYTES 512

static void must(bool good) {
    if (!good) {
        abort();
    }
}

struct sum {
    uint64_t hash;
    unsigned n;
};
static bool line(void *ctx, struct span text) {
    struct sum *s = ctx;
    struct watch_line l = {0};
    struct err e = {0};
    must(text.n > 0 && text.n <= LINE_MAX_BYTES && !memchr(text.p, '\n', text.n));
    for (size_t i = 0; i < text.n; i++) {
        s->hash = (s->hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    }
    s->n++;
    if (watch_line_read(text, &l, &e)) {
        char name[32];
        must(l.object.n > 0 && strlen(l.version) < sizeof l.version);
        watch_object_name(l.object, name, sizeof name);
        must(strlen(name) < sizeof name);
    } else {
        must(e.code != ERR_NONE && l.object.p == NULL);
    }
    return true;
}

static struct sum in_pieces(struct span text, size_t size, enum lines_state *state) {
    struct sum s = {0};
    struct lines l = lines_new(LINE_MAX_BYTES, line, &s);
    *state = LINES_MORE;
    while (text.n && *state == LINES_MORE) {
        *state = lines_feed(&l, span_upto(text, size));
        text = span_from(text, size);
    }
    *state = *state == LINES_MORE ? lines_end(&l) : *state;
    lines_done(&l);
    return s;
}

static void item(void *ctx, struct span object) {
    unsigned *n = ctx;
    must(object.n > 0);
    (*n)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct span text = {(const char *)data, size};
    struct watch_page page = {0};
    struct err e = {0};
    unsigned n = 0;
    if (watch_page_read(text, item, &n, &page, &e)) {
        must(page.items == n && strlen(page.version) < sizeof page.version);
    } else {
        must(e.code != ERR_NONE && page.items == 0);
    }
    char reason[16];
    char message[32];
    const struct status_text t = {reason, sizeof reason, message, sizeof message, NULL};
    status_decode(text, &t);
    must(strlen(reason) < sizeof reason && strlen(message) < sizeof message);
    must(!strchr(message, '\n'));
    if (size > 1) {
        enum lines_state whole;
        enum lines_state cut;
        text = span_from(text, 1);
        struct sum a = in_pieces(text, text.n, &whole);
        struct sum b = in_pieces(text, (size_t)data[0] % 64 + 1, &cut);
        must(whole == cut && a.hash == b.hash && a.n == b.n);
    }
    return 0;
}
