/* What is said next, and what says nothing new. Times are arguments. */
#include "webhook/live/eventqueue.h"

#include <stdlib.h>

#include "tests/tap.h"

#define S INT64_C(1000000)

static struct event_keep keep;
static struct event_queue queue;

static const char *reason = "NVLinkSetBusy";

static struct event_item *item(const char *pod, const char *message) {
    const struct event ev = {.kind = "Pod",
                             .api_version = "v1",
                             .ns = SPAN("llm"),
                             .name = span_of(pod),
                             .uid = span_of(pod),
                             .reason = reason,
                             .message = message,
                             .component = "tpguard"};
    return event_item_new(&ev);
}

static void push(const char *pod, const char *message, int64_t now) {
    event_queue_push(&queue, &keep, item(pod, message), now);
}

/* Writes the next one at that time: its message, or "" and when to come again. */
static const char *next(int64_t now, int64_t *when) {
    static char said[EVENT_MESSAGE_MAX + 1];
    said[0] = '\0';
    struct event_item *i = event_queue_take(&queue, &keep, now, false, when);
    if (i) {
        memcpy(said, i->message, sizeof said);
        event_queue_said(&queue, &keep, i, now);
        free(i);
    }
    return said;
}

static void start(void) {
    event_queue_done(&queue);
    memset(&queue, 0, sizeof queue);
    memset(&keep, 0, sizeof keep);
}

static void same_text(void) {
    int64_t when = 0;
    start();
    push("a", "one", S);
    push("a", "one", S);
    is_int(queue.n, 1, "the same twice is one");
    is_str(next(S, &when), "one", "it is written");
    is_str(next(S, &when), "", "nothing more is to be said");
    is_int(when, INT64_MAX, "at no time");
    push("a", "one", 5 * S);
    push("a", "one", (EVENT_SAME_S - 1) * S);
    is_int(queue.n, 0, "the same again within ten minutes is not queued");
    push("a", "one", (EVENT_SAME_S + 2) * S);
    is_str(next((EVENT_SAME_S + 2) * S, &when), "one", "after ten minutes it is said again");
    push("b", "one", (EVENT_SAME_S + 3) * S);
    is_str(next((EVENT_SAME_S + 3) * S, &when), "one", "of another pod it is news at once");
}

static void other_text(void) {
    int64_t when = 0;
    start();
    push("a", "one", S);
    is_str(next(S, &when), "one", "first text");
    push("a", "two", 2 * S);
    is_str(next(2 * S, &when), "", "another one waits");
    is_int(when, (1 + EVENT_OTHER_S) * S, "for twenty seconds after the first");
    push("a", "three", 3 * S);
    push("b", "mine", 3 * S);
    is_str(next(3 * S, &when), "mine", "other pods do not wait behind it");
    is_str(next(when, &when), "three", "the newest is said, not the one before");
    push("a", "four", 30 * S);
    push("a", "three", 31 * S);
    is_int(queue.n, 0, "back to what was said last: nothing to say");
    is_str(next(100 * S, &when), "", "indeed");
}

static void overtaken(void) {
    int64_t when = 0;
    start();
    push("a", "one", S);
    struct event_item *i = event_queue_take(&queue, &keep, S, false, &when);
    push("a", "one", S);
    is_int(queue.n, 1, "pushed while it is on its way: not known to be said yet");
    event_queue_said(&queue, &keep, i, S);
    free(i);
    is_str(next(60 * S, &when), "", "said meanwhile: dropped when its turn comes");
    push("c", "one", 61 * S);
    i = event_queue_take(&queue, &keep, 61 * S, false, &when);
    push("c", "two", 61 * S);
    i->not_before_us = 70 * S;
    event_queue_back(&queue, i);
    is_int(queue.n, 1, "given back when a newer one came: the newer stays");
    is_str(next(62 * S, &when), "", "it waits as long as the older was to");
    is_str(next(70 * S, &when), "two", "and is the one that is said");
    push("d", "one", 80 * S);
    i = event_queue_take(&queue, &keep, 80 * S, false, &when);
    i->not_before_us = 90 * S;
    event_queue_back(&queue, i);
    is_str(next(80 * S, &when), "", "given back alone: it waits");
    is_str(next(90 * S, &when), "one", "and comes again");
}

static void say(const char *code, int64_t now) {
    reason = code;
    push("n", code, now);
    reason = "NVLinkSetBusy";
}

/* A link that flaps: what was said last is what is true. */
static void several_facts(void) {
    int64_t when = 0;
    start();
    say("NVLinkDown", 1 * S);
    is_str(next(1 * S, &when), "NVLinkDown", "it goes down");
    say("NVLinkUp", 2 * S);
    is_str(next(2 * S, &when), "NVLinkUp", "it comes back: another fact, said at once");
    say("NVLinkDown", 3 * S);
    is_str(next(3 * S, &when), "", "down again: news, in its time");
    is_int(when, 21 * S, "twenty seconds after the first");
    say("NVLinkUp", 4 * S);
    is_int(queue.n, 2, "up again: not a repeat, since \"down\" is still to be said");
    is_str(next(21 * S, &when), "NVLinkDown", "down first");
    is_str(next(22 * S, &when), "NVLinkUp", "then up");
    say("NVLinkUp", 23 * S);
    is_int(queue.n, 0, "up it stays: nothing to say");
    say("NVLinkDown", 24 * S);
    say("NVLinkUp", 25 * S);
    say("NVLinkDown", 26 * S);
    is_str(next(60 * S, &when), "NVLinkUp", "the newer of a fact goes behind the others");
    is_str(next(60 * S, &when), "NVLinkDown", "so that the last word stays the last");
}

/* "Waits for ..." must not be said after "got ...". */
static void settled(void) {
    int64_t when = 0;
    start();
    push("a", "one", S);
    is_str(next(S, &when), "one", "it waits");
    push("a", "two", 2 * S);
    push("b", "mine", 2 * S);
    const struct event ev = {.kind = "Pod",
                             .api_version = "v1",
                             .ns = SPAN("llm"),
                             .name = SPAN("a"),
                             .uid = SPAN("a"),
                             .reason = "NVLinkSetReserved",
                             .settles = true,
                             .message = "got it",
                             .component = "tpguard"};
    event_queue_push(&queue, &keep, event_item_new(&ev), 3 * S);
    is_str(next(60 * S, &when), "mine", "others are not concerned");
    is_str(next(60 * S, &when), "got it", "what settles it is said");
    is_str(next(60 * S, &when), "", "and nothing of before");
}

static void full(void) {
    char pod[16];
    int64_t when = 0;
    start();
    for (unsigned i = 0; i < EVENT_QUEUE + 10; i++) {
        struct buf b = BUF_OVER(pod);
        buf_fmt(&b, "p%u", i);
        push(pod, pod, S);
    }
    ok(queue.n == EVENT_QUEUE && queue.dropped == 10, "the queue is bounded and counts its losses");
    is_str(next(S, &when), "p10", "the oldest went");
    unsigned known = 0;
    for (unsigned i = 0; i < 3 * KEEP_SETS * KEEP_WAYS; i++) {
        struct buf b = BUF_OVER(pod);
        buf_fmt(&b, "q%u", i);
        struct event_item *it = item(pod, "m");
        event_queue_said(&queue, &keep, it, (int64_t)i * S);
        known += event_keep_repeats(&keep, it, (int64_t)i * S);
        free(it);
    }
    is_int(known, 3 * KEEP_SETS * KEEP_WAYS, "memory is bounded too; the newest is always in it");
    event_queue_done(&queue);
}

static void too_long(void) {
    char name[300];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    ok(!item(name, "m"), "a name longer than names are is no event");
    struct event_item *i = item("a", "caf\xc3\xa9\n");
    ok(i && strcmp(i->ev.message, "caf??") == 0, "messages are cleaned when they are copied");
    free(i);
}

int main(void) {
    same_text();
    other_text();
    overtaken();
    several_facts();
    settled();
    full();
    too_long();
    start();
    return tap_done();
}
