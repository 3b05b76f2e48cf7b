/* Request memory: aligned, zeroed, capped, reusable. */
#include "topology/arena.h"

#include <stdint.h>

#include "tests/tap.h"

static bool zeroed(const char *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (p[i]) {
            return false;
        }
    }
    return true;
}

static void take_test(void) {
    struct arena a = arena_new(1 << 20);
    unsigned bad = 0;
    char *before = NULL;
    for (size_t n = 0; n < 300; n++) {
        char *p = arena_take(&a, 1, n);
        if (!p || (uintptr_t)p % _Alignof(max_align_t) || !zeroed(p, n) || p == before) {
            bad++;
            continue;
        }
        memset(p, 0xAA, n);
        before = p;
    }
    is_int(bad, 0, "pieces of 0 to 299 bytes are distinct, aligned and zeroed");
    uint64_t *wide = ARENA_NEW(&a, uint64_t, 10000);
    ok(wide && zeroed((const char *)wide, 80000), "a piece larger than a block is one piece");
    struct span s = {0};
    ok(arena_span(&a, SPAN("text"), &s) && span_is(s, "text") && s.p[4] == '\0',
       "a copied span is terminated");
    ok(arena_span(&a, (struct span){NULL, 0}, &s) && s.n == 0 && s.p, "an empty span is copied");
    arena_done(&a);
    arena_done(&a);
    ok(a.blocks == NULL && a.used == 0, "finishing twice is fine");
    struct arena zero = {0};
    arena_done(&zero);
    arena_reset(&zero);
    ok(!arena_take(&zero, 1, 1), "an arena of nothing gives nothing");
}

static void cap_test(void) {
    struct arena a = arena_new(100 * 1024);
    size_t taken = 0;
    while (arena_take(&a, 1, 1000)) {
        taken += 1000;
    }
    ok(a.used <= a.cap, "the cap holds");
    ok(taken >= 90 * 1000, "and most of it was given (%zu)", taken);
    struct span s = SPAN("old");
    ok(!arena_span(&a, (struct span){"x", 1 << 10}, &s) || s.n, "a span past the cap is refused");
    ok(!arena_take(&a, 1, 200 * 1024), "a piece above the cap is refused");
    ok(!arena_take(&a, SIZE_MAX, 2) && !arena_take(&a, SIZE_MAX / 2, 3) &&
           !arena_take(&a, 1, SIZE_MAX) && !arena_take(&a, 1, SIZE_MAX - 8),
       "sizes that overflow are refused");
    ok(!arena_take_raw(&a, 1, 200 * 1024) && !arena_take_raw(&a, SIZE_MAX / 2, 3),
       "also where memory is not zeroed");
    arena_reset(&a);
    ok(a.used <= a.cap && arena_take(&a, 1, 1000), "after a reset there is room");
    arena_done(&a);
    ok(arena_take(&a, 1, 1000), "and after finishing, too");
    arena_done(&a);
}

static void reset_test(void) {
    struct arena a = arena_new(1 << 20);
    char *p = arena_take(&a, 1, 100);
    if (p) {
        memset(p, 0xAA, 100);
    }
    arena_reset(&a);
    char *q = arena_take(&a, 1, 100);
    ok(p && q == p && zeroed(q, 100), "reset memory is used again, zeroed");
    char *r = arena_take_raw(&a, 1, 5);
    char *s = arena_take(&a, 1, 5);
    ok(r && s && r >= q + 100 && s >= r + 5 && (uintptr_t)s % _Alignof(max_align_t) == 0,
       "pieces that are not zeroed take their place among the others");
    arena_done(&a);
}

int main(void) {
    take_test();
    cap_test();
    reset_test();
    return tap_done();
}
