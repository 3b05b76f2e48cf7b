/* The exposition text is read by Prometheus: every byte of it matters. */
#include "webhook/sys/metrics.h"

#include "tests/tap.h"

static const char *colour(unsigned i) {
    static const char *const words[] = {"red", "green"};
    return words[i];
}
static const char *size(unsigned i) {
    static const char *const words[] = {"s", "m", "l"};
    return words[i];
}

static _Atomic uint64_t plain_cell[1];
static _Atomic uint64_t wide_cells[6];
static _Atomic uint64_t time_cells[2 * METRIC_HISTOGRAM_CELLS];

static const struct metric plain = {"shirts", "Shirts sold.", METRIC_COUNTER,
                                    false,    {{0}},          plain_cell};
static const struct metric gauge = {
    "stock",   "In stock.", METRIC_GAUGE, false, {{"colour", 2, colour}, {"size", 3, size}},
    wide_cells};
static const struct metric used = {
    "sold",    "By kind.", METRIC_COUNTER, true, {{"colour", 2, colour}, {"size", 3, size}},
    wide_cells};
static const struct metric info = {
    "shop", "The shop.", METRIC_INFO, false, {{"colour", 2, colour}}, wide_cells};
static const struct metric times = {"wait_seconds",          "Waits.",  METRIC_HISTOGRAM, false,
                                    {{"colour", 2, colour}}, time_cells};

static const char *text_of(const struct metric *m) {
    static char text[8192];
    struct buf b = BUF_OVER(text);
    metric_text(m, &b);
    return buf_ok(&b) ? text : "does not fit";
}

static bool says(const struct metric *m, const char *line) {
    char with_end[256];
    struct buf b = BUF_OVER(with_end);
    buf_fmt(&b, "\n%s\n", line);
    return strstr(text_of(m), with_end) != NULL;
}

static void test_values_out_of_the_lists(void) {
    metric_add(&gauge, 2, 0, 5);
    metric_add(&gauge, 0, 3, 5);
    metric_set(&gauge, 9, 9, 5);
    metric_observe_us(&times, 2, 0, 5);
    uint64_t sum = 0;
    for (unsigned i = 0; i < 6; i++) {
        sum += wide_cells[i];
    }
    is_int(sum, 0, "a label value beyond its list is counted nowhere");
    is_int(metric_get(&gauge, 7, 7), 0, "and reads as 0");
}

static void test_counters(void) {
    is_str(text_of(&plain), "# TYPE shirts counter\n# HELP shirts Shirts sold.\nshirts_total 0\n",
           "a counter without labels shows before it was ever counted");
    metric_add(&plain, 0, 0, 2);
    metric_add(&plain, 0, 0, 1);
    ok(says(&plain, "shirts_total 3"), "a counter adds up");
    ok(strstr(text_of(&used), "sold_total") == NULL,
       "a wide family leaves out combinations that never happened");
    metric_add(&used, 1, 2, 4);
    ok(says(&used, "sold_total{colour=\"green\",size=\"l\"} 4"), "and shows those that did");
    metric_set(&gauge, 1, 2, 7);
    ok(says(&gauge, "stock{colour=\"green\",size=\"l\"} 7"), "a gauge has no suffix and is set");
    ok(says(&gauge, "stock{colour=\"red\",size=\"s\"} 0"), "a narrow family shows every value");
    ok(says(&info, "shop_info{colour=\"red\"} 1"), "an info sample is always 1");
}

static void test_histogram(void) {
    metric_observe_us(&times, 1, 0, 50);
    metric_observe_us(&times, 1, 0, 51);
    metric_observe_us(&times, 1, 0, 2500000);
    metric_observe_us(&times, 1, 0, 3600000000);
    ok(says(&times, "# UNIT wait_seconds seconds"), "a histogram of durations names its unit");
    ok(says(&times, "wait_seconds_bucket{colour=\"green\",le=\"5e-05\"} 1"),
       "a bucket holds its own upper bound");
    ok(says(&times, "wait_seconds_bucket{colour=\"green\",le=\"0.0001\"} 2"),
       "buckets are cumulative");
    ok(says(&times, "wait_seconds_bucket{colour=\"green\",le=\"10.0\"} 3"),
       "what is longer than every bound is not in the last finite bucket");
    ok(says(&times, "wait_seconds_bucket{colour=\"green\",le=\"+Inf\"} 4"), "but in the infinite");
    ok(says(&times, "wait_seconds_count{colour=\"green\"} 4"), "the count is that of +Inf");
    ok(says(&times, "wait_seconds_sum{colour=\"green\"} 3602.500101"), "the sum is in seconds");
    ok(says(&times, "wait_seconds_sum{colour=\"red\"} 0.000000"), "other labels are untouched");
    is_int(metric_get(&times, 1, 0), 4, "reading a histogram gives its count");
}

static void test_end(void) {
    char text[16];
    struct buf b = BUF_OVER(text);
    metrics_end(&b);
    is_str(text, "# EOF\n", "an exposition ends with # EOF");
}

int main(void) {
    is_int(metric_cells(&plain), 1, "a family without labels has one cell");
    is_int(metric_cells(&gauge), 6, "cells are the product of the labels");
    is_int(metric_cells(&times), 2 * METRIC_HISTOGRAM_CELLS, "times the width of a histogram");
    test_values_out_of_the_lists();
    test_counters();
    test_histogram();
    test_end();
    return tap_done();
}
