#include "tests/unit/cluster/fixture.h"
#include "webhook/cluster/answers.h"
#include "webhook/cluster/pool.h"

static struct answers answers;

static void keeps(void) {
    answers_init(&answers);
    struct shape a = shape_tp(2);
    struct shape same = shape_tp(2);
    struct shape other = shape_tp(4);
    struct answers_of *of = answers_for(&answers, &a, 10);
    ok(of && of->cap == 10 && of->kept[9].gen == 0, "a new shape has no answers");
    of->kept[3].gen = 7;
    ok(answers_for(&answers, &same, 10) == of, "an equal shape finds the same answers");
    ok(answers_for(&answers, &other, 10) != of, "another shape has its own");
    of = answers_for(&answers, &a, 5000);
    ok(of->cap == 5000 && of->kept[3].gen == 7 && of->kept[4999].gen == 0,
       "with more nodes the old answers stay");
    answers_forget(&answers);
    ok(answers_for(&answers, &a, 10)->kept[3].gen == 0, "nothing is left after forgetting");
    answers_done(&answers);
}

static void makes_room(void) {
    answers_init(&answers);
    for (unsigned i = 1; i <= CLUSTER_SHAPES; i++) {
        struct shape s = shape_tp(i);
        answers_for(&answers, &s, 1)->kept[0].gen = i;
    }
    struct shape first = shape_tp(1);
    struct shape second = shape_tp(2);
    struct shape extra = shape_tp(1000);
    ok(answers_for(&answers, &first, 1)->kept[0].gen == 1, "as many shapes as said are kept");
    (void)answers_for(&answers, &extra, 1);
    ok(answers_for(&answers, &first, 1)->kept[0].gen == 1, "what was asked lately stays");
    ok(answers_for(&answers, &second, 1)->kept[0].gen == 0, "the least recently asked makes way");
    answers_done(&answers);
}

/* ---- the index below them ---- */

struct words {
    struct span list[4000];
    char text[4000][16];
};
static struct words words;

static struct span word_at(const void *owner, uint32_t at) {
    return ((const struct words *)owner)->list[at];
}

static void indexes(void) {
    struct index ix = index_new(word_at, &words);
    const uint32_t n = sizeof words.list / sizeof words.list[0];
    bool good = index_find(&ix, SPAN("node-1")) == INDEX_NONE;
    ok(good, "an empty index finds nothing");
    for (uint32_t i = 0; i < n; i++) {
        struct buf b = BUF_OVER(words.text[i]);
        buf_fmt(&b, "node-%u", i);
        words.list[i] = buf_view(&b);
        good = good && index_add(&ix, i);
    }
    for (uint32_t i = 0; i < n; i++) {
        good = good && index_find(&ix, words.list[i]) == i;
    }
    ok(good && ix.n == n, "every name is found");
    for (uint32_t i = 0; i < n; i += 2) {
        index_remove(&ix, i);
    }
    for (uint32_t i = 0; i < n; i++) {
        good = good && index_find(&ix, words.list[i]) == (i % 2 ? i : INDEX_NONE);
    }
    ok(good, "half of them removed, the others are still found");
    for (uint32_t round = 0; good && round < 100000; round++) {
        index_remove(&ix, 1);
        good = index_add(&ix, 1);
    }
    ok(good && ix.cap == 8192, "names that come and go do not fill it");
    index_done(&ix);

    struct seed zero = {{0, 0}};
    struct seed one = {{1, 0}};
    ok(name_hash(&zero, SPAN("gpu-a")) != name_hash(&one, SPAN("gpu-a")),
       "another key gives another hash");
    ok(name_hash(&zero, SPAN("a\0\0")) != name_hash(&zero, SPAN("a\0")), "length counts");
}

static void pools(void) {
    struct pool p = pool_new(sizeof(uint64_t), 3);
    uint32_t at[4] = {0};
    bool full = false;
    bool good = pool_take(&p, &at[0], &full) && pool_take(&p, &at[1], &full) &&
                pool_take(&p, &at[2], &full);
    ok(good && !pool_take(&p, &at[3], &full) && full, "a pool ends at its maximum");
    *(uint64_t *)pool_at(&p, at[1]) = 5;
    pool_give(&p, at[1]);
    ok(pool_take(&p, &at[3], &full) && at[3] == at[1] && *(uint64_t *)pool_at(&p, at[3]) == 0,
       "a record given back is given out again, empty");
    pool_done(&p);
}

int main(void) {
    keeps();
    makes_room();
    indexes();
    pools();
    return tap_done();
}
