/* Lines out of pieces cut anywhere, pages, events, and what a refusal says: texts of a server that
 * need not be sound. */
#include "kit.h"
#include "webhook/kube/lines.h"
#include "webhook/kube/status.h"
#include "webhook/kube/watch_text.h"

/* ---- lines ---- */

struct seen {
    char text[4096];
    unsigned n, stop_at;
};
static bool see(void *ctx, struct span line) {
    struct seen *s = ctx;
    size_t used = strlen(s->text);
    (void)snprintf(s->text + used, sizeof s->text - used, SPAN_FMT "|", SPAN_ARG(line));
    return ++s->n != s->stop_at;
}

/* The text in pieces of `size`; what the lines were. */
static enum lines_state cut(const char *text, size_t size, size_t max, struct seen *s) {
    struct lines l = lines_new(max, see, s);
    struct span rest = span_of(text);
    enum lines_state state = LINES_MORE;
    while (rest.n && state == LINES_MORE) {
        state = lines_feed(&l, span_upto(rest, size));
        rest = span_from(rest, size);
    }
    state = state == LINES_MORE ? lines_end(&l) : state;
    lines_done(&l);
    return state;
}

static void test_lines(void) {
    static const char text[] = "one\n\ntwo\r\n\r\nthree, which is long\nlast";
    bool good = true;
    for (size_t size = 1; size < sizeof text; size++) {
        struct seen s = {0};
        good = good && cut(text, size, 64, &s) == LINES_MORE &&
               strcmp(s.text, "one|two|three, which is long|last|") == 0;
    }
    ok(good, "lines are whole wherever they were cut");
    good = true;
    for (size_t size = 1; size < sizeof text; size++) {
        struct seen s = {0};
        good = good && cut(text, size, 10, &s) == LINES_TOO_LARGE && s.n == 2;
    }
    ok(good, "a line beyond the maximum ends it");
    struct seen exact = {0};
    ok(cut("1234567890\n12345678901\n", 5, 10, &exact) == LINES_TOO_LARGE && exact.n == 1,
       "the maximum itself is fine");
    struct seen s = {.stop_at = 2};
    ok(cut(text, 3, 64, &s) == LINES_STOPPED && s.n == 2, "who has enough says so");
}

/* ---- status ---- */

static void test_status(void) {
    static const struct {
        const char *body, *reason, *message;
        unsigned code;
    } rows[] = {
        {"", "", "", 0},
        {"{", "", "", 0},
        {"{\"reason\":\"x\"} trailing", "", "", 0},
        {"{\"reason\":\"a\",\"reason\":\"b\"}", "", "", 0},
        {"[]", "", "[]", 0},
        {"<html>", "", "", 0},
        {"{\"reason\":1,\"message\":null,\"code\":\"410\"}", "", "", 0},
        {"{\"code\":99999,\"reason\":\"Gone\"}", "Gone", "", 0},
        {"{\"code\":410,\"reason\":\"Expired\",\"message\":\"too "
         "old\",\"details\":{\"causes\":[]}}",
         "Expired", "too old", 410},
        {"{\"message\":\"a\\n\\tb\\u001b[31m \\u00e9\"}", "", "a  b [31m \xC3\xA9", 0},
        {"plain text\nmore", "", "plain text", 0},
        {"plain \x1b[31m\xff text", "", "plain  [31m? text", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char reason[16];
        char message[64];
        unsigned code = 7;
        const struct status_text t = {reason, sizeof reason, message, sizeof message, &code};
        status_decode(span_of(rows[i].body), &t);
        ok(strcmp(reason, rows[i].reason) == 0 && strcmp(message, rows[i].message) == 0 &&
               code == rows[i].code,
           "Status %zu: \"%s\" \"%s\" %u", i, reason, message, code);
    }
    char reason[4];
    char message[4];
    const struct status_text t = {reason, sizeof reason, message, sizeof message, NULL};
    status_decode(SPAN("{\"reason\":\"Expired\",\"message\":\"ab\\u00e9\"}"), &t);
    is_str(reason, "Exp", "a long reason is cut");
    is_str(message, "ab", "and a message before a character that does not fit");
}

/* ---- pages ---- */

struct items {
    unsigned n;
    char all[512];
};
static void item(void *ctx, struct span object) {
    struct items *i = ctx;
    size_t used = strlen(i->all);
    i->n++;
    (void)snprintf(i->all + used, sizeof i->all - used, SPAN_FMT ";", SPAN_ARG(object));
}

static void test_pages(void) {
    static const char *const bad[] = {
        "",
        "null",
        "[]",
        "{\"items\":[{}]",
        "{\"items\":[{}]} x",
        "{\"items\":[{\"a\":}]}",
        "{\"items\":{}}",
        "{\"items\":[],\"items\":[]}",
        "{\"metadata\":[]}",
        "{\"metadata\":{\"resourceVersion\":1}}",
        "{\"metadata\":{\"resourceVersion\":\"1\",\"resourceVersion\":\"2\"}}",
        "{\"metadata\":{\"continue\":false}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct items it = {0};
        struct watch_page p = {.items = 77};
        struct err e = {0};
        ok(!watch_page_read(span_of(bad[i]), item, &it, &p, &e) && p.items == 77 && e.msg[0],
           "no page: %s (%s)", bad[i], e.msg);
    }
    char text[512];
    (void)snprintf(text, sizeof text, "{\"metadata\":{\"resourceVersion\":\"%0200d\"}}", 1);
    struct items it = {0};
    struct watch_page p = {0};
    struct err e = {0};
    ok(!watch_page_read(span_of(text), item, &it, &p, &e) && e.code == ERR_TOO_LARGE &&
           strcmp(e.path, "metadata.resourceVersion") == 0,
       "a version that is too long: %s %s", e.path, e.msg);
    ok(watch_page_read(SPAN("{\"items\":[{\"a\":1}, {\"b\":[2]}],\"kind\":\"PodList\",\"metadata\":"
                            "{\"continue\":\"x\\u0041=\",\"resourceVersion\":\"12\","
                            "\"remainingItemCount\":3}}"),
                       item, &it, &p, &e) &&
           p.items == 2 && strcmp(it.all, "{\"a\":1};{\"b\":[2]};") == 0 &&
           strcmp(p.version, "12") == 0 && strcmp(p.next, "xA=") == 0,
       "a page, its metadata behind the items");
    ok(watch_page_read(SPAN("{\"metadata\":{\"resourceVersion\":\"1\",\"continue\":null},"
                            "\"items\":null}"),
                       item, &it, &p, &e) &&
           p.items == 0 && p.next[0] == '\0',
       "no items can be null");
}

/* ---- events ---- */

static void test_events(void) {
    static const char *const bad[] = {
        "",
        "{}",
        "{\"type\":\"ADDED\"}",
        "{\"object\":{}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":",
        "{\"type\":\"ADDED\",\"object\":{}}{",
        "{\"type\":\"ADDED\",\"type\":\"DELETED\",\"object\":{}}",
        "{\"type\":1,\"object\":{}}",
        "{\"type\":\"ADDED\",\"object\":[]}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":\"x\"}}",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":12}}}",
        "\xff",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct watch_line l = {0};
        struct err e = {0};
        ok(!watch_line_read(span_of(bad[i]), &l, &e) && !l.object.p && e.msg[0],
           "no event: %s (%s%s%s)", bad[i], e.path, e.path[0] ? ": " : "", e.msg);
    }
    static const struct {
        const char *text;
        enum watch_line_type type;
        const char *version, *name;
    } rows[] = {
        {"{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\","
         "\"namespace\":\"n\",\"resourceVersion\":\"12\"},\"spec\":{}}}",
         WATCH_ADDED, "12", "n/p"},
        {"{\"object\":{\"metadata\":{\"name\":\"node\"}},\"type\":\"MODIFIED\"}", WATCH_MODIFIED,
         "", "node"},
        {"{\"type\":\"DELETED\",\"object\":{}}", WATCH_DELETED, "", "?"},
        {"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":"
         "\"13\",\"creationTimestamp\":null}}}",
         WATCH_BOOKMARK, "13", "?"},
        {"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"metadata\":{},\"code\":410}}",
         WATCH_ERROR, "", "?"},
        {"{\"type\":\"NOVEL\",\"object\":{},\"extra\":[1]}", WATCH_OTHER, "", "?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct watch_line l = {0};
        struct err e = {0};
        char name[64];
        bool read = watch_line_read(span_of(rows[i].text), &l, &e);
        watch_object_name(l.object, name, sizeof name);
        ok(read && l.type == rows[i].type && strcmp(l.version, rows[i].version) == 0 &&
               strcmp(name, rows[i].name) == 0,
           "%.40s... is of version \"%s\" and names %s %s", rows[i].text, l.version, name, e.msg);
    }
    char name[8];
    watch_object_name(SPAN("{\"metadata\":{\"name\":\"a-long-name\",\"namespace\":\"space\"}}"),
                      name, sizeof name);
    is_str(name, "a-long-", "a long name is cut");
}

int main(void) {
    test_lines();
    test_status();
    test_pages();
    test_events();
    return tap_done();
}
