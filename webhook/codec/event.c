#include "webhook/codec/event.h"

#include "topology/annotation.h"
#include "topology/json.h"
#include "topology/jw.h"

#define KEY_DIGITS 17 /* ".<16 hex digits>" */
#define TIMES_MAX  ((uint64_t)INT32_MAX)

/* FNV-1a, with a byte between the parts that stands in none of them. */
static uint64_t hash(uint64_t h, struct span s) {
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    }
    return (h ^ 0xFF) * UINT64_C(1099511628211);
}

#define HASH_START UINT64_C(14695981039346656037)

static uint64_t not_zero(uint64_t h) {
    return h ? h : 1;
}

uint64_t event_object(const struct event *ev) {
    uint64_t h = hash(HASH_START, span_of(ev->kind));
    return not_zero(hash(hash(hash(h, ev->ns), ev->name), ev->uid));
}

uint64_t event_key(const struct event *ev) {
    return not_zero(hash(hash(event_object(ev), span_of(ev->reason)), span_of(ev->about)));
}

uint64_t event_text(const struct event *ev) {
    return not_zero(hash(HASH_START, span_of(ev->message)));
}

static bool is_alnum(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* May c come next in a DNS subdomain? No label of it is empty, begins or ends with '-'. */
static bool may_follow(const struct buf *b, char c) {
    char before = b->n ? b->p[b->n - 1] : '.';
    return is_alnum(c) || (c == '-' && before != '.') || (c == '.' && is_alnum(before));
}

/* Names of some objects hold more than those of Events may: that is left out. */
void event_name(const struct event *ev, char out[static EVENT_NAME_MAX]) {
    struct buf b = buf_over(out, EVENT_NAME_MAX - KEY_DIGITS);
    struct span name = span_upto(ev->name, EVENT_NAME_MAX - 1 - KEY_DIGITS);
    for (size_t i = 0; i < name.n; i++) {
        char c = span_lower(name.p[i]);
        if (may_follow(&b, c)) {
            buf_char(&b, c);
        }
    }
    while (b.n && !is_alnum(b.p[b.n - 1])) {
        buf_back(&b, b.n - 1);
    }
    size_t at = b.n;
    struct buf end = buf_over(out + at, EVENT_NAME_MAX - at);
    buf_fmt(&end, "%s%016llx", at ? "." : "event.", (unsigned long long)event_key(ev));
}

struct span event_namespace(const struct event *ev) {
    return ev->ns.n ? ev->ns : SPAN("default");
}

void event_clean(const char *message, struct buf *out) {
    struct span s = span_trim(span_of(message));
    bool cut = s.n > EVENT_MESSAGE_MAX;
    s = span_upto(s, cut ? EVENT_MESSAGE_MAX - 3 : EVENT_MESSAGE_MAX);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        buf_char(out, span_is_space(c) ? ' ' : c >= 0x20 && c < 0x7F ? c : '?');
    }
    buf_str(out, cut ? "..." : "");
}

/* ---- out ---- */

static void put_time(struct jw *w, const char *key, int64_t unix_s) {
    char text[40];
    struct buf b = BUF_OVER(text);
    time_text(unix_s, &b);
    jw_kv_span(w, key, buf_view(&b));
}

static const char *type_of(const struct event *ev) {
    return ev->warning ? "Warning" : "Normal";
}

static void put_metadata(struct jw *w, const struct event *ev) {
    char name[EVENT_NAME_MAX];
    event_name(ev, name);
    jw_key(w, "metadata");
    jw_object(w);
    jw_kv_str(w, "name", name);
    jw_kv_span(w, "namespace", event_namespace(ev));
    jw_object_end(w);
}

/* The namespace is that of the object, or none: the API server compares it with the Event's. */
static void put_involved(struct jw *w, const struct event *ev) {
    jw_key(w, "involvedObject");
    jw_object(w);
    jw_kv_str(w, "apiVersion", ev->api_version);
    jw_kv_str(w, "kind", ev->kind);
    if (ev->ns.n) {
        jw_kv_span(w, "namespace", ev->ns);
    }
    jw_kv_span(w, "name", ev->name);
    if (ev->uid.n) {
        jw_kv_span(w, "uid", ev->uid);
    }
    jw_object_end(w);
}

void event_encode_new(const struct event *ev, int64_t now, const char *instance, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "apiVersion", "v1");
    jw_kv_str(&w, "kind", "Event");
    put_metadata(&w, ev);
    put_involved(&w, ev);
    jw_kv_str(&w, "reason", ev->reason);
    jw_kv_str(&w, "message", ev->message);
    jw_kv_str(&w, "type", type_of(ev));
    jw_kv_u64(&w, "count", 1);
    put_time(&w, "firstTimestamp", now);
    put_time(&w, "lastTimestamp", now);
    jw_key(&w, "source");
    jw_object(&w);
    jw_kv_str(&w, "component", ev->component);
    jw_object_end(&w);
    jw_kv_str(&w, "reportingComponent", ev->component);
    jw_kv_str(&w, "reportingInstance", instance);
    jw_object_end(&w);
}

void event_encode_again(const struct event *ev, uint64_t count, int64_t now, struct buf *out) {
    struct jw w = jw_new(out, 0);
    jw_object(&w);
    jw_kv_str(&w, "message", ev->message);
    jw_kv_str(&w, "type", type_of(ev));
    jw_kv_u64(&w, "count", count < TIMES_MAX ? count : TIMES_MAX);
    put_time(&w, "lastTimestamp", now);
    jw_object_end(&w);
}

/* ---- in ---- */

bool event_decode(struct span text, struct arena *a, struct event_seen *out, struct err *e) {
    const struct json *root = NULL;
    struct event_seen seen = {0};
    struct span last = {0};
    if (text.n > EVENT_OBJECT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "an Event of more than %zu bytes", EVENT_OBJECT_MAX);
    }
    if (!json_parse(text, a, &root, e) || !json_opt_str(root, "message", &seen.message, e) ||
        !json_opt_u64(root, "count", TIMES_MAX, &seen.count, e) ||
        !json_opt_str(root, "lastTimestamp", &last, e)) {
        return false;
    }
    if (last.n && !time_parse(last, &seen.last)) {
        return err_at(e, ERR_INPUT, "lastTimestamp", "wants a time, found \"" SPAN_FMT "\"",
                      SPAN_ARG(span_upto(last, 40)));
    }
    *out = seen;
    return true;
}
