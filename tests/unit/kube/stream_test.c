/* Streams: cut lines, silence, ends, and stopping them. */
#include <pthread.h>

#include "kit.h"

static const char scenario[] =
    "GET /good\n"
    "  line {\"n\":1}\n"
    "  part {\"n\"\n"
    "  wait 50\n"
    "  part :2}\n"
    "  line \n"
    "  repeat 1000 {\"r\":%d}\n"
    "  part {\"last\":true}\n"
    "GET /bytewise\n"
    "  slow 1\n"
    "  repeat 5 {\"r\":%d}\n"
    "GET /cut\n"
    "  line {\"n\":1}\n"
    "  part {\"n\":2,\"ha\n"
    "  cut\n"
    "GET /silent\n"
    "  line {\"n\":1}\n"
    "  hang\n"
    "GET /mute\n"
    "  hang\n"
    "GET /long\n"
    "  line {\"n\":1}\n"
    "  line {\"n\":123456789012345678901234567890}\n"
    "GET /endless\n"
    "  repeat 100000 {\"n\":%d}\n"
    "GET /gone\n"
    "  status 410\n"
    "  body {\"kind\":\"Status\",\"reason\":\"Expired\",\"message\":\"too old\",\"code\":410}\n"
    "GET /hugerefusal\n"
    "  status 500\n"
    "  items 20000 0123456789\n"
    "GET /locked auth=old times=1\n"
    "  status 401\n"
    "GET /locked auth=new\n"
    "  line {\"in\":1}\n";

static struct kube_client *client;
static struct fake server;
static _Atomic bool stop;

struct heard {
    unsigned n, stop_at, opened;
    char last[128];
    struct kube_response r;
    struct err e;
    bool came;
    int64_t ms;
};
static bool hear(void *ctx, struct span line) {
    struct heard *h = ctx;
    (void)snprintf(h->last, sizeof h->last, SPAN_FMT, SPAN_ARG(line));
    return ++h->n != h->stop_at;
}
static void opened(void *ctx) {
    ((struct heard *)ctx)->opened++;
}

static struct heard listen_to(struct kube_client *c, const char *path, unsigned stop_at) {
    struct heard h = {.stop_at = stop_at};
    struct kube_stream s = {.path = path,
                            .max_line = 32,
                            .connect_ms = 700,
                            .idle_ms = 1000,
                            .ctx = &h,
                            .line = hear,
                            .stop = &stop,
                            .open = opened};
    int64_t from = clock_mono_us();
    h.came = kube_stream(c, &s, &h.r, &h.e);
    h.ms = (clock_mono_us() - from) / 1000;
    return h;
}

static void *stop_soon(void *arg) {
    (void)arg;
    kit_sleep(300);
    stop = true;
    return NULL;
}

static void test_bad(void) {
    struct heard h = listen_to(client, "/cut", 0);
    ok(!h.came && h.e.code == ERR_IO && h.n == 1, "cut in a line: what was whole came, then: %s",
       h.e.msg);
    h = listen_to(client, "/silent", 0);
    ok(!h.came && h.e.code == ERR_IO && h.n == 1 && strstr(h.e.msg, "nothing came for 1 s") &&
           h.ms < 3500,
       "silence ends it: %s", h.e.msg);
    h = listen_to(client, "/mute", 0);
    ok(!h.came && h.e.code == ERR_IO && h.opened == 0 && strstr(h.e.msg, "no answer") &&
           h.ms < 3000,
       "so does no answer at all: %s", h.e.msg);
    h = listen_to(client, "/long", 0);
    ok(!h.came && h.e.code == ERR_TOO_LARGE && h.n == 1, "a line beyond the maximum: %s", h.e.msg);
    h = listen_to(client, "/gone", 0);
    ok(h.came && h.r.status == 410 && h.n == 0 && h.opened == 0 &&
           strcmp(h.r.reason, "Expired") == 0 && h.r.body.n > 0,
       "a refusal is an answer, not lines");
    buf_done(&h.r.body);
    h = listen_to(client, "/hugerefusal", 0);
    ok(h.came && h.r.status == 500 && h.r.body.n == 65536, "of which 64 KiB are kept");
    buf_done(&h.r.body);
}

static void test_good(void) {
    struct heard h = listen_to(client, "/good", 0);
    ok(h.came && h.r.status == 200 && h.n == 1003 && h.opened == 1, "%u lines: %s", h.n, h.e.msg);
    is_str(h.last, "{\"last\":true}", "the last one without its end");
    buf_done(&h.r.body);
    h = listen_to(client, "/bytewise", 0);
    ok(h.came && h.n == 5, "bytes one by one");
    buf_done(&h.r.body);
    h = listen_to(client, "/endless", 7);
    ok(h.came && h.n == 7, "who has heard enough ends it");
    buf_done(&h.r.body);
    struct kube_config config = {0};
    (void)snprintf(config.token_file, sizeof config.token_file, "%s", kit_path("token"));
    kit_text("token", "old");
    struct kube_client *c = fake_client(&server, &config);
    struct buf body = {0};
    struct err e = {0};
    (void)!kube_want(c, &(struct kube_request){.method = "GET", .path = "/none"}, &body, NULL, &e);
    kit_text("token", "new");
    h = listen_to(c, "/locked", 0);
    ok(h.came && h.r.status == 200 && h.n == 1, "a refused token is read again here too");
    buf_done(&h.r.body);
    kube_client_free(c);
}

static void test_stop(void) {
    pthread_t t;
    struct fake quiet = fake_start("GET /silent\n  line {}\n  hang\n", 0, NULL);
    struct kube_client *c = fake_client(&quiet, NULL);
    pthread_create(&t, NULL, stop_soon, NULL);
    struct heard h = {0};
    struct kube_stream s = {.path = "/silent",
                            .max_line = 32,
                            .connect_ms = 10000,
                            .idle_ms = 60000,
                            .ctx = &h,
                            .line = hear,
                            .stop = &stop};
    int64_t from = clock_mono_us();
    bool came = kube_stream(c, &s, &h.r, &h.e);
    int64_t ms = (clock_mono_us() - from) / 1000;
    ok(came && h.n == 1 && ms < 2300, "a stream that is stopped ends well, after %d ms", (int)ms);
    buf_done(&h.r.body);
    pthread_join(t, NULL);
    kube_client_free(c);
    fake_stop(&quiet);
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    server = fake_start(scenario, 0, NULL);
    client = fake_client(&server, NULL);
    test_bad();
    test_good();
    test_stop();
    kube_client_free(client);
    fake_stop(&server);
    kit_end();
    return tap_done();
}
