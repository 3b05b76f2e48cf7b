/* List and watch against the scripted server: what the sink is told, in which order, and what the
 * server is asked, when things go wrong and when they do not. */
#include "webhook/kube/watch.h"

#include <pthread.h>

#include "kit.h"
#include "webhook/kube/watch_text.h"
#include "webhook/sys/log.h"

/* ---- a sink that writes down what it hears ---- */

struct diary {
    pthread_mutex_t lock;
    struct buf text; /* "[ +a +b ]" and so on: begin, put, drop (-a), end */
    const char *bad; /* an object of this name is refused */
    unsigned long n; /* objects */
};

static void note(struct diary *d, const char *before, struct span object) {
    char name[256] = "";
    if (object.n) {
        watch_object_name(object, name, sizeof name);
    }
    pthread_mutex_lock(&d->lock);
    d->n += object.n > 0;
    buf_str(&d->text, before);
    buf_str(&d->text, name);
    buf_char(&d->text, ' ');
    pthread_mutex_unlock(&d->lock);
}
static void begin(void *ctx) {
    note(ctx, "[", (struct span){0});
}
static void end(void *ctx) {
    note(ctx, "]", (struct span){0});
}
static bool put(void *ctx, struct span object, struct err *e) {
    struct diary *d = ctx;
    char name[256];
    watch_object_name(object, name, sizeof name);
    if (d->bad && strcmp(name, d->bad) == 0) {
        return err_at(e, ERR_INPUT, "spec", "bad on purpose");
    }
    note(d, "+", object);
    return true;
}
static bool drop(void *ctx, struct span object, struct err *e) {
    (void)e;
    note(ctx, "-", object);
    return true;
}

/* ---- one watch of one scenario ---- */

struct bench {
    struct fake server;
    struct kube_client *client;
    struct watch *watch;
    struct diary diary;
};

static const struct watch_options pods = {
    .name = "pods", .path = "/api/v1/pods", .query = "labelSelector=a%3Db", .page = 2};

static void open_with(struct bench *b, const char *scenario, const struct watch_options *o) {
    struct err e = {0};
    const struct watch_sink sink = {&b->diary, begin, put, drop, end};
    pthread_mutex_init(&b->diary.lock, NULL);
    b->diary.text = buf_new(KIT_TEXT_MAX);
    b->server = fake_start(scenario, 0, NULL);
    b->client = fake_client(&b->server, NULL);
    if (!watch_start(b->client, o, &sink, &b->watch, &e)) {
        printf("Bail out! %s\n", e.msg);
        exit(1);
    }
}

/* How long the watch took to stop, in milliseconds; quick: its stream has ended before. */
static int64_t close_it(struct bench *b, bool quick) {
    if (quick) {
        fake_stop(&b->server);
    }
    int64_t from = clock_mono_us();
    watch_stop(b->watch);
    int64_t ms = (clock_mono_us() - from) / 1000;
    kube_client_free(b->client);
    fake_stop(&b->server);
    buf_done(&b->diary.text);
    pthread_mutex_destroy(&b->diary.lock);
    return ms;
}

/* Until the diary ends with this, at most ms. */
static bool hears(struct bench *b, const char *tail, unsigned ms) {
    bool there = false;
    for (unsigned i = 0; i <= ms / 10 && !there; i++) {
        pthread_mutex_lock(&b->diary.lock);
        there = span_ends(buf_view(&b->diary.text), tail);
        pthread_mutex_unlock(&b->diary.lock);
        if (!there) {
            kit_sleep(10);
        }
    }
    if (!there) {
        printf("# the sink heard: %s\n", buf_cstr(&b->diary.text));
    }
    return there;
}
static bool asked(struct bench *b, const char *part, unsigned times, unsigned ms) {
    for (unsigned i = 0; i <= ms / 20; i++) {
        if (fake_count(&b->server, "GET /api/v1/pods?", part) >= times) {
            break;
        }
        kit_sleep(20);
    }
    unsigned got = fake_count(&b->server, "GET /api/v1/pods?", part);
    if (got != times) {
        struct buf log = fake_log(&b->server);
        printf("# %s: %u times, wanted %u, in\n# %s\n", part, got, times, buf_cstr(&log));
        buf_done(&log);
    }
    return got == times;
}
static struct watch_status status_of(struct bench *b) {
    struct watch_status s;
    watch_status(b->watch, &s);
    return s;
}

#define OBJ(name, version)                                                                         \
    "{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\",\"resourceVersion\":\"" version "\"" \
    "}}"
#define LIST(version, next, items)                                                                 \
    "  body {\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version                    \
    "\",\"continue\":\"" next "\"},\"items\":[" items "]}\n"
#define EVENT(type, name, version)                                                                 \
    "  line {\"type\":\"" type "\",\"object\":" OBJ(name, version) "}\n"
#define MARK(version)                                                                              \
    "  line {\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"metadata\":{"                    \
    "\"resourceVersion\":\"" version "\"}}}\n"
#define GONE                                                                                       \
    "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"too old resource "                  \
    "version\",\"reason\":\"Expired\",\"code\":410}"
#define PODS  "GET /api/v1/pods?limit= lacks=continue=\n"
#define MORE  "GET /api/v1/pods?limit= has=continue=\n"
#define WATCH "GET /api/v1/pods?watch=1\n"

/* ---- refusals ---- */

static void test_forbidden(void) {
    struct bench b = {0};
    open_with(&b,
              PODS
              "  status 403\n"
              "  body {\"kind\":\"Status\",\"message\":\"pods is forbidden: User \\\"x\\\" cannot "
              "list\",\"reason\":\"Forbidden\",\"code\":403}\n",
              &pods);
    struct watch_status s = {0};
    for (unsigned i = 0; i < 200 && !s.failures; i++) {
        kit_sleep(10);
        s = status_of(&b);
    }
    kit_sleep(800);
    s = status_of(&b);
    ok(s.failures == 1 && !s.synced && s.alive_us == 0 && strstr(s.last_error, "403 Forbidden") &&
           strstr(s.last_error, "RBAC") && strstr(s.last_error, "User \"x\""),
       "without leave to list: one quiet try, and it says so: %s", s.last_error);
    ok(close_it(&b, false) < 500, "stopping does not wait for the next try");
}

static void test_bad_lists(void) {
    static const struct {
        const char *what, *scenario;
    } rows[] = {
        {"dropped, refused", PODS "  drop\n" PODS "  status 500\n"},
        {"without a version, not JSON",
         PODS "  body {\"items\":[" OBJ("a", "1") "]}\n" PODS "  body not JSON\n"},
        {"cut", PODS "  body {\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[\n  cut\n"},
    };
    static const char good[] = PODS LIST("9", "", OBJ("b", "2")) WATCH "  line\n  hang\n";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b = {0};
        char scenario[4096];
        (void)snprintf(scenario, sizeof scenario, "%s%s", rows[i].scenario, good);
        open_with(&b, scenario, &pods);
        ok(hears(&b, "[ +n/b ] ", 10000), "lists %s: tried again till one is good", rows[i].what);
        struct watch_status s = status_of(&b);
        ok(s.synced && s.lists == 1 && s.failures == (i == 2 ? 1 : 2) && !s.last_error[0],
           "and only that one is complete");
        (void)close_it(&b, true);
    }
}

static void test_busy(void) {
    struct bench b = {0};
    int64_t from = clock_mono_us();
    open_with(&b,
              PODS "  status 429\n  header Retry-After: 1\n" PODS LIST("9", "", "") WATCH
              "  status 429\n  header Retry-After: 1\n" WATCH "  line\n  hang\n",
              &pods);
    ok(hears(&b, "[ ] ", 5000) && clock_mono_us() - from >= 1000000, "429: a second was asked for");
    ok(asked(&b, "watch=1", 2, 5000) && clock_mono_us() - from >= 2000000, "and another one");
    ok(asked(&b, "limit=2", 2, 0), "a busy watch is no reason to list again");
    (void)close_it(&b, true);
}

/* ---- expiry ---- */

static void test_gone(void) {
    struct bench b = {0};
    open_with(&b,
              PODS LIST("5", "", OBJ("a", "1") "," OBJ("b", "2")) WATCH
              "  status 410\n"
              "  body " GONE
              "\n" PODS LIST("8", "x", OBJ("b", "2")) MORE LIST("8", "", OBJ("c", "7"))
                  WATCH EVENT("MODIFIED", "c", "9") "  line {\"type\":\"ERROR\",\"object\":" GONE
                                                    "}\n" PODS LIST("20", "", OBJ("c", "9")) WATCH
              "  line\n  hang\n",
              &pods);
    ok(hears(&b, "[ +n/a +n/b ] [ +n/b +n/c ] +n/c [ +n/c ] ", 15000),
       "gone (410, ERROR): listed again, and what went away is known at the end of the list");
    ok(asked(&b, "resourceVersion=5&", 1, 0) && asked(&b, "resourceVersion=8&", 1, 0) &&
           asked(&b, "resourceVersion=20&", 1, 2000),
       "each watch from the version of its list");
    ok(status_of(&b).lists == 3 && status_of(&b).events == 1, "three lists, one event");
    (void)close_it(&b, true);
}

static void test_continue_gone(void) {
    struct bench b = {0};
    open_with(&b,
              PODS LIST("5", "t/1=", OBJ("a", "1") "," OBJ("b", "2")) MORE
              "  status 503\n" MORE "  status 410\n  body " GONE
              "\n" PODS LIST("7", "t2", OBJ("a", "1")) MORE LIST("7", "", OBJ("d", "6")) WATCH
              "  line\n  hang\n",
              &pods);
    ok(hears(&b, "[ +n/a +n/b [ +n/a +n/d ] ", 15000),
       "a token that expires between pages: from the start, nothing is forgotten before the end");
    ok(asked(&b, "continue=t%2F1%3D", 2, 0), "a page that failed is asked for again by its token");
    ok(asked(&b, "resourceVersion=7&", 1, 2000), "the watch follows the list that came to its end");
    (void)close_it(&b, true);
}

/* ---- streams ---- */

static void test_cuts(void) {
    struct bench b = {0};
    open_with(
        &b,
        PODS LIST("5", "", "") WATCH EVENT(
            "ADDED", "a",
            "6") "  part {\"type\":\"ADDED\",\"obj\n"
                 "  cut\n" WATCH EVENT("ADDED", "b", "7")
                     MARK("70") "  part {\"type\":\"ADD\n" WATCH "  line "
                                "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":}}}\n" WATCH
                                    EVENT("NOVEL", "x", "71")
                                        EVENT("ADDED", "c", "72") "  wait 1200\n" WATCH
                                                                  "  line\n  hang\n",
        &pods);
    ok(hears(&b, "[ ] +n/a +n/b +n/c ", 20000), "cut lines, ended lines, lines that are no JSON");
    ok(asked(&b, "resourceVersion=6&", 1, 0) && asked(&b, "resourceVersion=70&", 2, 0) &&
           asked(&b, "resourceVersion=72&", 1, 4000),
       "each time it goes on behind the last event or bookmark");
    ok(asked(&b, "limit=2", 1, 0) && status_of(&b).lists == 1, "without another list");
    (void)close_it(&b, true);
}

static void test_order(void) {
    struct bench b = {0};
    open_with(&b,
              PODS LIST("5", "", OBJ("a", "4")) WATCH EVENT("ADDED", "a", "4")
                  EVENT("MODIFIED", "a", "9") EVENT("MODIFIED", "a", "8")
                      EVENT("DELETED", "z", "10") EVENT("ADDED", "bad", "11")
                          EVENT("MODIFIED", "a", "9") "  hang\n",
              &pods);
    b.diary.bad = "n/bad";
    ok(hears(&b, "[ +n/a ] +n/a +n/a +n/a -n/z +n/a ", 5000),
       "twice, out of order, unknown: the sink hears all as it came, and a bad object hides no "
       "other");
    ok(status_of(&b).events == 6, "six events");
    (void)close_it(&b, true);
}

static void test_hasty_server(void) {
    struct bench b = {0};
    open_with(&b, PODS LIST("5", "", "") "GET /api/v1/pods?watch=1 always\n  part \n", &pods);
    kit_sleep(1500);
    unsigned n = fake_count(&b.server, "GET /api/v1/pods?watch", "");
    ok(n >= 1 && n < 30, "a server that ends streams at once was asked %u times in 1.5 s", n);
    ok(asked(&b, "limit=", 1, 0) && strstr(status_of(&b).last_error, "at once"),
       "and it is told: %s", status_of(&b).last_error);
    (void)close_it(&b, true);
}

static void test_many(void) {
    struct bench b = {0};
    open_with(&b,
              "GET /api/v1/pods?limit=\n"
              "  body {\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[\n"
              "  items 20000 {\"metadata\":{\"name\":\"p%d\",\"resourceVersion\":\"%d\"}}\n"
              "  body ]}\n" WATCH
              "  repeat 20000 {\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"p%d\","
              "\"resourceVersion\":\"1%d\"}}}\n" EVENT("ADDED", "last", "99") "  hang\n",
              &pods);
    ok(hears(&b, "+p20000 +n/last ", 30000) && b.diary.n == 40001, "forty thousand objects");
    ok(status_of(&b).events == 20001, "and events");
    (void)close_it(&b, true);
}

static void test_requests(void) {
    static const struct watch_options partial = {
        .name = "nodes", .path = "/api/v1/pods", .query = "", .partial = true};
    struct bench b = {0};
    open_with(&b, PODS LIST("a b", "", "") WATCH "  line\n  hang\n", &partial);
    ok(hears(&b, "[ ] ", 5000) && asked(&b, "watch=1", 1, 3000), "partial objects");
    ok(asked(&b, "limit=500\t", 1, 0) &&
           asked(&b, "Accept: application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,", 1,
                 0) &&
           asked(&b, "Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,", 1, 0),
       "are asked for as such");
    ok(asked(&b, "resourceVersion=a%20b", 1, 0) && asked(&b, "allowWatchBookmarks=true", 1, 0) &&
           asked(&b, "timeoutSeconds=", 1, 0),
       "a watch says all it must");
    (void)close_it(&b, true);
    b = (struct bench){0};
    open_with(&b, PODS LIST("1", "", "") WATCH "  line\n  hang\n", &pods);
    ok(asked(&b, "labelSelector=a%3Db", 2, 3000), "the selector is in both requests");
    ok(close_it(&b, false) < 2300, "a stream stops in about a second");
}

static void test_back_again(void) {
    struct bench b = {0};
    open_with(&b, PODS LIST("5", "", OBJ("a", "4")) WATCH EVENT("ADDED", "b", "6") "  hang\n",
              &pods);
    ok(hears(&b, "[ +n/a ] +n/b ", 5000), "a server");
    int64_t alive = status_of(&b).alive_us;
    unsigned port = b.server.port;
    fake_stop(&b.server);
    kit_sleep(1500);
    struct watch_status s = status_of(&b);
    ok(s.failures > 0 && s.synced && s.alive_us == alive && s.last_error[0], "goes away: %s",
       s.last_error);
    b.server = fake_start(
        "GET /api/v1/pods?watch=1 has=resourceVersion=6&\n" EVENT("DELETED", "b", "7") "  hang\n",
        port, NULL);
    ok(hears(&b, "+n/b -n/b ", 40000), "comes back, and nothing was missed");
    s = status_of(&b);
    ok(s.last_error[0] == '\0' && s.alive_us > alive && s.lists == 1, "all is well again");
    (void)close_it(&b, true);
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    log_setup(LOG_ERROR, true);
    test_forbidden();
    test_bad_lists();
    test_busy();
    test_gone();
    test_continue_gone();
    test_cuts();
    test_order();
    test_hasty_server();
    test_many();
    test_requests();
    test_back_again();
    kit_end();
    return tap_done();
}
