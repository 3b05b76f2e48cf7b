/* Events as they are sent, and as the API server sends them back. */
#include "webhook/codec/event.h"

#include "tests/tap.h"

#define UID "7f8e0000-0000-4000-8000-000000000001"
#define NOW 1795348800 /* 2026-11-22T12:00:00Z */

static struct event pod_event(void) {
    return (struct event){.kind = "Pod",
                          .api_version = "v1",
                          .ns = SPAN("llm"),
                          .name = SPAN("chat-0"),
                          .uid = SPAN(UID),
                          .reason = "NVLinkSetBusy",
                          .message = "TP=2 waits for a healthy NVLink pair.",
                          .component = "tpguard"};
}

static bool is_subdomain(const char *name) {
    char before = '.';
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool ends = before == '.' || before == '-';
        if (!alnum && (c != '-' || before == '.') && (c != '.' || ends)) {
            return false;
        }
        before = c;
    }
    return n && n <= 253 && before != '.' && before != '-';
}

static void names(void) {
    static const char *const objects[] = {
        "chat-0", "a.b-c.d", "A_b:c", "-", ".", "a-.b", "a.-b", "", "..", "a..b-",
    };
    char long_name[254];
    for (unsigned i = 0; i < 253; i++) {
        long_name[i] = i % 2 ? '-' : 'x';
    }
    long_name[253] = '\0';
    char name[EVENT_NAME_MAX];
    struct event ev = pod_event();
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        ev.name = span_of(objects[i]);
        event_name(&ev, name);
        ok(is_subdomain(name), "\"%s\" gives a name Kubernetes takes: %s", objects[i], name);
    }
    ev.name = span_of(long_name);
    event_name(&ev, name);
    ok(is_subdomain(name) && strlen(name) > 200, "so does a long one");
    ev = pod_event();
    event_name(&ev, name);
    ok(span_starts(span_of(name), "chat-0.") && strlen(name) == 7 + 16,
       "the object and sixteen digits: %s", name);
}

static void keys(void) {
    struct event a = pod_event();
    struct event b = pod_event();
    b.message = "another sentence";
    b.warning = true;
    ok(event_key(&a) == event_key(&b), "what is said does not change which fact it is");
    ok(event_text(&a) != event_text(&b), "it is another text");
    b = pod_event();
    b.reason = "NVLinkDown";
    ok(event_key(&a) != event_key(&b), "another reason is another fact");
    ok(event_object(&a) == event_object(&b), "... of the same object");
    b = pod_event();
    b.about = "0-1";
    ok(event_key(&a) != event_key(&b), "another part of the object too");
    b = pod_event();
    b.uid = SPAN("7f8e0000-0000-4000-8000-000000000002");
    ok(event_key(&a) != event_key(&b), "a pod of the same name made anew is another one");
    b = pod_event();
    b.ns = SPAN("ll");
    b.name = SPAN("mchat-0");
    ok(event_key(&a) != event_key(&b), "parts do not run into each other");
}

static void clean(void) {
    static const struct {
        const char *in;
        const char *out;
    } rows[] = {
        {"plain", "plain"},
        {" two\nlines\t ", "two lines"},
        {"\x1b[31mred\xc3\xa9", "?[31mred??"},
        {"", ""},
        {NULL, ""},
    };
    char text[EVENT_MESSAGE_MAX + 1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_OVER(text);
        event_clean(rows[i].in, &b);
        is_str(buf_cstr(&b), rows[i].out, "cleaned to one line of ASCII");
    }
    char wide[2 * EVENT_MESSAGE_MAX];
    memset(wide, 'x', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    struct buf b = BUF_OVER(text);
    event_clean(wide, &b);
    ok(buf_ok(&b) && b.n == EVENT_MESSAGE_MAX && span_ends(buf_view(&b), "xxx..."),
       "a long one is cut, and says so");
}

static void encode(void) {
    char text[2048];
    struct buf b = BUF_OVER(text);
    struct event ev = pod_event();
    char name[EVENT_NAME_MAX];
    char want[2048];
    struct buf w = BUF_OVER(want);
    event_name(&ev, name);
    event_encode_new(&ev, NOW, "tpguard-0", &b);
    buf_fmt(&w,
            "{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"metadata\":{\"name\":\"%s\","
            "\"namespace\":\"llm\"},\"involvedObject\":{\"apiVersion\":\"v1\",\"kind\":\"Pod\","
            "\"namespace\":\"llm\",\"name\":\"chat-0\",\"uid\":\"" UID
            "\"},\"reason\":\"NVLinkSetBusy\","
            "\"message\":\"TP=2 waits for a healthy NVLink pair.\",\"type\":\"Normal\",\"count\":1,"
            "\"firstTimestamp\":\"2026-11-22T12:00:00Z\",\"lastTimestamp\":\"2026-11-22T12:00:"
            "00Z\",\"source\":{\"component\":\"tpguard\"},\"reportingComponent\":\"tpguard\","
            "\"reportingInstance\":\"tpguard-0\"}",
            name);
    is_str(text, want, "a new one is whole");
    buf_reset(&b);
    ev.warning = true;
    event_encode_again(&ev, 7, NOW, &b);
    is_str(text,
           "{\"message\":\"TP=2 waits for a healthy NVLink pair.\",\"type\":\"Warning\","
           "\"count\":7,\"lastTimestamp\":\"2026-11-22T12:00:00Z\"}",
           "said again, only what changes is sent");
    buf_reset(&b);
    event_encode_again(&ev, UINT64_MAX, NOW, &b);
    ok(span_has(buf_view(&b), "\"count\":2147483647,"), "the count stays inside its type");
}

static void of_node(void) {
    char text[2048];
    struct buf b = BUF_OVER(text);
    struct event ev = pod_event();
    ev.kind = "Node";
    ev.ns = (struct span){0};
    ev.name = SPAN("gpu-a");
    event_encode_new(&ev, NOW, "x", &b);
    ok(span_has(buf_view(&b), "\"namespace\":\"default\"},\"involvedObject\":{\"apiVersion\":"
                              "\"v1\",\"kind\":\"Node\",\"name\":\"gpu-a\",\"uid\""),
       "the Event of a node lives in default and refers to no namespace (%s)", text);
}

static void decode(void) {
    static const char *const bad[] = {
        "",
        "[]",
        "{\"count\":-1}",
        "{\"count\":1.5}",
        "{\"lastTimestamp\":\"yesterday\"}",
        "{\"message\":7}",
    };
    struct arena a = arena_new((size_t)1024 * 1024);
    struct event_seen seen = {0};
    struct err e = {0};
    ok(event_decode(SPAN("{\"kind\":\"Event\",\"metadata\":{\"name\":\"x\"},\"message\":\"m\","
                         "\"count\":3,\"lastTimestamp\":\"2026-11-22T12:00:00Z\",\"series\":null}"),
                    &a, &seen, &e) &&
           span_is(seen.message, "m") && seen.count == 3 && seen.last == NOW,
       "one that is there is read (%s)", e.msg);
    ok(event_decode(SPAN("{\"count\":null,\"lastTimestamp\":null}"), &a, &seen, &e) && !seen.count,
       "one of the newer kind has no count and no time");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct event_seen kept = {.count = 77};
        ok(!event_decode(span_of(bad[i]), &a, &kept, &e) && kept.count == 77 && e.msg[0],
           "refused: %s (%s: %s)", bad[i], e.path, e.msg);
    }
    arena_done(&a);
}

int main(void) {
    names();
    keys();
    clean();
    encode();
    of_node();
    decode();
    return tap_done();
}
