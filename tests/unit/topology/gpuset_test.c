#include "topology/gpuset.h"

#include "tests/tap.h"

static void edges_of_the_range(void) {
    ok(gpuset_empty(gpuset_one(GPU_MAX)), "a GPU beyond the last is in no set");
    ok(!gpuset_has(gpuset_first(GPU_MAX), GPU_MAX), "nor in the full one");
    ok(gpuset_eq(gpuset_first(1000), gpuset_first(GPU_MAX)), "a full set has GPU_MAX members");
    is_int(gpuset_count(gpuset_first(GPU_MAX)), GPU_MAX, "all counted");
    is_int(gpuset_count(gpuset_first(0)), 0, "the first none");
    is_int(gpuset_count(gpuset_first(64)), 64, "the first word");
    is_int(gpuset_count(gpuset_first(65)), 65, "one more than a word");
    is_int(gpuset_next(gpuset_none(), 0), GPU_MAX, "the empty set has no first member");
    is_int(gpuset_next(gpuset_first(GPU_MAX), 1000), GPU_MAX, "nothing comes after the last");
    is_int(gpuset_next(gpuset_one(71), 71), 71, "from a member itself");
    is_int(gpuset_next(gpuset_one(64), 3), 64, "across the word border");
    struct gpuset junk = {{0, UINT64_MAX << (GPU_MAX - 64)}};
    is_int(gpuset_next(junk, 0), GPU_MAX, "bits beyond the last GPU are no members");
}

static void members(void) {
    struct gpuset s = gpuset_none();
    static const unsigned want[] = {0, 5, 63, 64, 71};
    for (unsigned i = 0; i < 5; i++) {
        s = gpuset_with(s, want[4 - i]);
    }
    unsigned n = 0;
    bool same = true;
    for (GPUSET_EACH(v, s)) {
        same = same && n < 5 && v == want[n];
        n++;
    }
    ok(same && n == 5, "members come in ascending order, each once");
    ok(!gpuset_has(gpuset_without(s, 64), 64) && gpuset_count(gpuset_without(s, 64)) == 4,
       "one taken out is out");
    ok(gpuset_eq(gpuset_without(s, 1), s), "taking out what is not in changes nothing");
    ok(gpuset_eq(gpuset_with(s, 5), s), "nor does putting in what is");
}

static void algebra(void) {
    struct gpuset a = gpuset_first(66);
    struct gpuset b = gpuset_with(gpuset_one(65), 70);
    ok(gpuset_eq(gpuset_and(a, b), gpuset_one(65)), "and");
    is_int(gpuset_count(gpuset_or(a, b)), 67, "or");
    is_int(gpuset_count(gpuset_minus(a, b)), 65, "minus");
    ok(gpuset_in(gpuset_one(65), a) && !gpuset_in(b, a), "in");
    ok(gpuset_in(a, a) && gpuset_in(gpuset_none(), a), "a set is in itself, nothing is in all");
}

static void order(void) {
    ok(gpuset_before(gpuset_one(1), gpuset_one(2)), "1 is before 2");
    ok(!gpuset_before(gpuset_one(70), gpuset_one(2)), "70 is not before 2");
    ok(!gpuset_before(gpuset_one(70), gpuset_one(70)), "a set is not before itself");
    struct gpuset a = gpuset_with(gpuset_one(0), 71);
    struct gpuset b = gpuset_with(gpuset_one(1), 2);
    ok(gpuset_before(a, b) && !gpuset_before(b, a), "the lowest differing member decides");
}

int main(void) {
    edges_of_the_range();
    members();
    algebra();
    order();
    return tap_done();
}
