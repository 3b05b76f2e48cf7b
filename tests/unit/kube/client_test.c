/* Calls over plain HTTP: what is sent, what comes back, and all the ways in which nothing good
 * comes back. */
#include "webhook/kube/client.h"

#include <pthread.h>

#include "kit.h"

static const char scenario[] =
    "GET /ok always\n"
    "  body {\"a\":1}\n"
    "GET /status\n"
    "  status 404\n"
    "  body {\"kind\":\"Status\",\"message\":\"pods \\\"x\\\" "
    "not\\nfound\",\"reason\":\"NotFound\","
    "\"code\":404}\n"
    "GET /plain\n"
    "  status 503\n"
    "  header Content-Type: text/plain\n"
    "  header Retry-After: 7\n"
    "  body apiserver not ready\n"
    "GET /html\n"
    "  status 502\n"
    "  body <html>bad gateway</html>\n"
    "GET /busy\n"
    "  status 429\n"
    "  header Retry-After: 999999\n"
    "GET /date\n"
    "  header date:  Thu, 26 Nov 2026 10:00:00 GMT\n"
    "  body {}\n"
    "GET /undated\n"
    "  header Date: soon\n"
    "  header X-Date: Thu, 26 Nov 2026 10:00:00 GMT\n"
    "  body {}\n"
    "GET /redirect\n"
    "  status 302\n"
    "  header Location: /ok\n"
    "GET /large\n"
    "  items 1000 0123456789\n"
    "GET /chunky\n"
    "  repeat 1000 0123456789\n"
    "GET /cut\n"
    "  body {\"half\":\n"
    "  cut\n"
    "GET /midchunk\n"
    "  line {\"a\":1}\n"
    "  cut\n"
    "GET /drop always\n"
    "  drop\n"
    "GET /slow\n"
    "  slow 100\n"
    "  body 0123456789012345678901234567890123456789\n"
    "GET /hang\n"
    "  hang\n"
    "PATCH /echo\n"
    "  body {}\n"
    "PUT /echo\n"
    "  body {}\n"
    "POST /echo\n"
    "  status 201\n"
    "  body {}\n"
    "DELETE /echo\n"
    "  body {}\n"
    "POST /empty\n"
    "  status 201\n"
    "POST /dies\n"
    "  drop\n"
    "PATCH /dies\n"
    "  drop\n"
    "PATCH /dies\n"
    "  body {}\n"
    "GET /locked auth=old times=9\n"
    "  status 401\n"
    "  body "
    "{\"kind\":\"Status\",\"message\":\"Unauthorized\",\"reason\":\"Unauthorized\",\"code\":401}\n"
    "GET /locked auth=new times=9\n"
    "  body {\"in\":true}\n"
    "GET http://api.example:6443/through\n"
    "  body {}\n"
    "GET /wait times=99\n"
    "  wait 300\n"
    "  body {}\n";

static struct kube_client *client;
static struct fake server;

struct got {
    bool came;
    struct kube_response r;
    struct err e;
    int64_t ms;
};

static struct got call(const struct kube_request *r) {
    struct got g = {0};
    int64_t from = clock_mono_us();
    g.came = kube_call(client, r, &g.r, &g.e);
    g.ms = (clock_mono_us() - from) / 1000;
    return g;
}
static struct got get(const char *path) {
    return call(&(struct kube_request){.method = "GET", .path = path, .timeout_ms = 1500});
}

static void test_refusals(void) {
    static const struct {
        const char *path;
        enum err_code code;
        const char *says;
    } rows[] = {
        {"/cut", ERR_IO, "100 bytes remaining"},
        {"/midchunk", ERR_IO, "outstanding read data"},
        {"/drop", ERR_IO, "mpty reply"},
        {"/slow", ERR_IO, "timed out"},
        {"/hang", ERR_IO, "timed out"},
        {"/with space", ERR_INTERNAL, "the path is none"},
        {"/line\r\nX-Evil: 1", ERR_INTERNAL, "the path is none"},
        {"no-slash", ERR_INTERNAL, "the path is none"},
        {"/frag#ment", ERR_INTERNAL, "the path is none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct got g = get(rows[i].path);
        ok(!g.came && g.e.code == rows[i].code && strstr(g.e.msg, rows[i].says) && g.ms < 2500,
           "%zu: no answer: %s", i, g.e.msg);
    }
    struct kube_request large = {.method = "GET", .path = "/large", .max_response = 4096};
    struct got g = call(&large);
    ok(!g.came && g.e.code == ERR_TOO_LARGE && strstr(g.e.msg, "at most 4096 bytes"),
       "an answer of a stated length beyond the maximum is not read: %s", g.e.msg);
    struct kube_request chunky = {.method = "GET", .path = "/chunky", .max_response = 4096};
    g = call(&chunky);
    ok(!g.came && g.e.code == ERR_TOO_LARGE, "nor one that does not say its length: %s", g.e.msg);
    struct kube_config nowhere = {.server = "http://127.0.0.1:1"};
    struct kube_client *c = fake_client(NULL, &nowhere);
    struct kube_response out = {0};
    struct err e = {0};
    ok(!kube_call(c, &(struct kube_request){.method = "GET", .path = "/ok"}, &out, &e) &&
           e.code == ERR_IO && strstr(e.msg, "http://127.0.0.1:1"),
       "a server that is not there: %s", e.msg);
    kube_client_free(c);
}

static void test_statuses(void) {
    struct got g = get("/status");
    ok(g.came && g.r.status == 404, "an error status is an answer");
    is_str(g.r.reason, "NotFound", "with the reason of its Status");
    is_str(g.r.message, "pods \"x\" not found", "and its message, on one line");
    buf_done(&g.r.body);
    g = get("/plain");
    ok(g.came && g.r.status == 503 && g.r.retry_after_s == 7 && g.r.reason[0] == '\0',
       "503 says when to come back");
    is_str(g.r.message, "apiserver not ready", "a plain text is the message");
    buf_done(&g.r.body);
    g = get("/html");
    ok(g.came && g.r.status == 502 && g.r.message[0] == '\0', "a page of a proxy is no message");
    buf_done(&g.r.body);
    g = get("/busy");
    ok(g.came && g.r.status == 429 && g.r.retry_after_s == 3600, "a Retry-After is bounded");
    buf_done(&g.r.body);
    g = get("/date");
    ok(g.came && g.r.date == 1795687200, "the server's clock is told: %lld", (long long)g.r.date);
    buf_done(&g.r.body);
    g = get("/undated");
    ok(g.came && g.r.date == 0, "where it says none that can be read there is none");
    buf_done(&g.r.body);
    g = get("/redirect");
    ok(g.came && g.r.status == 302, "a redirect is not followed");
    buf_done(&g.r.body);
    g = get("/unknown");
    ok(g.came && g.r.status == 404, "what the scenario does not know is not found");
    buf_done(&g.r.body);
}

static void test_want(void) {
    struct buf body = {0};
    unsigned status = 7;
    struct err e = {0};
    ok(kube_want(client, &(struct kube_request){.method = "GET", .path = "/ok"}, &body, &status,
                 &e) &&
           status == 200 && span_is(buf_view(&body), "{\"a\":1}"),
       "a 200 is what was wanted");
    buf_done(&body);
    struct buf none = {0};
    ok(!kube_want(client, &(struct kube_request){.method = "GET", .path = "/nope?x=1"}, &none,
                  &status, &e) &&
           status == 404 && none.p == NULL,
       "a 404 is not");
    is_str(e.msg, "GET /nope?x=1: 404 NotFound: no rule of the scenario answers this",
           "and says all in one line");
    ok(!kube_want(client, &(struct kube_request){.method = "GET", .path = "/drop"}, NULL, &status,
                  &e) &&
           status == 0 && strstr(e.msg, "GET /drop: http://127.0.0.1:"),
       "no answer: %s", e.msg);
}

static void test_sent(void) {
    static const struct {
        const char *method;
        enum kube_body type;
        const char *says;
    } rows[] = {
        {"PATCH", KUBE_MERGE_PATCH, "Content-Type: application/merge-patch+json\t"},
        {"PUT", KUBE_JSON, "Content-Type: application/json\t"},
        {"POST", KUBE_JSON, "Content-Type: application/json\t"},
        {"DELETE", KUBE_STRATEGIC_PATCH, "Content-Type: application/strategic-merge-patch+json\t"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char first[64];
        char body[64];
        (void)snprintf(first, sizeof first, "%s /echo", rows[i].method);
        (void)snprintf(body, sizeof body, "body={\"n\":%zu}", i);
        struct got g = call(&(struct kube_request){.method = rows[i].method,
                                                   .path = "/echo",
                                                   .body = span_of(body + 5),
                                                   .body_type = rows[i].type});
        ok(g.came && g.r.status / 100 == 2 && fake_count(&server, first, rows[i].says) == 1 &&
               fake_count(&server, first, body) == 1,
           "%s sends its body and says what it is", rows[i].method);
        buf_done(&g.r.body);
    }
    struct got g = call(&(struct kube_request){.method = "POST", .path = "/empty"});
    ok(g.came && g.r.status == 201 && fake_count(&server, "POST /empty", "Content-Length: 0") == 1,
       "a POST of nothing");
    buf_done(&g.r.body);
    g = call(&(struct kube_request){.method = "GET", .path = "/ok", .accept = "application/x"});
    ok(g.came && fake_count(&server, "GET /ok", "Accept: application/x") == 1, "another Accept");
    buf_done(&g.r.body);
    ok(fake_count(&server, "", "User-Agent: tpguard/") > 0, "a User-Agent");
    ok(fake_count(&server, "", "Expect:") == 0 && fake_count(&server, "", "Accept-Encoding") == 0 &&
           fake_count(&server, "", "Authorization") == 0,
       "nothing that was not asked for");
}

static void test_kept_connection(void) {
    unsigned posts = fake_count(&server, "POST /dies", "");
    struct got g = get("/ok");
    buf_done(&g.r.body);
    g = call(&(struct kube_request){.method = "POST", .path = "/dies", .body = SPAN("{}")});
    ok(!g.came && fake_count(&server, "POST /dies", "") == posts + 1,
       "a POST is sent once, also when a kept connection dies without an answer: %s", g.e.msg);
    g = get("/ok");
    buf_done(&g.r.body);
    g = call(&(struct kube_request){.method = "PATCH", .path = "/dies", .body = SPAN("{}")});
    ok(g.came && g.r.status == 200 && fake_count(&server, "PATCH /dies", "body={}") == 2,
       "what may be repeated is, on a new connection: %s", g.e.msg);
    buf_done(&g.r.body);
}

static void test_tokens(void) {
    struct kube_config config = {0};
    (void)snprintf(config.token_file, sizeof config.token_file, "%s", kit_path("token"));
    kit_text("token", "old\n");
    struct kube_client *c = fake_client(&server, &config);
    struct kube_request r = {.method = "GET", .path = "/locked"};
    struct kube_response out = {0};
    struct err e = {0};
    ok(kube_call(c, &r, &out, &e) && out.status == 401 &&
           fake_count(&server, "GET /locked", "Bearer old") == 1,
       "a refused token that is still the only one: the refusal, asked once");
    buf_done(&out.body);
    kit_text("token", "new\n");
    ok(kube_call(c, &r, &out, &e) && out.status == 200 &&
           fake_count(&server, "GET /locked", "Bearer old") == 2 &&
           fake_count(&server, "GET /locked", "Bearer new") == 1,
       "a new one in the file is used at once");
    buf_done(&out.body);
    ok(kube_call(c, &r, &out, &e) && out.status == 200 &&
           fake_count(&server, "GET /locked", "Bearer new") == 2,
       "and kept");
    buf_done(&out.body);
    unlink(kit_path("token"));
    ok(kube_call(c, &r, &out, &e) && out.status == 200, "also while the file is gone");
    buf_done(&out.body);
    kube_client_free(c);
    c = fake_client(&server, &config);
    ok(!kube_call(c, &r, &out, &e) && e.code == ERR_IO && strstr(e.msg, "token"),
       "without a token there was never one to use: %s", e.msg);
    kit_text("token", "two words");
    ok(!kube_call(c, &r, &out, &e) && strstr(e.msg, "is no token"), "nor is this one: %s", e.msg);
    kube_client_free(c);
}

static void *one_wait(void *arg) {
    struct got *g = arg;
    *g = call(&(struct kube_request){.method = "GET", .path = "/wait", .timeout_ms = 5000});
    buf_done(&g->r.body);
    return NULL;
}

static void test_many(void) {
    pthread_t t[40];
    static struct got g[40];
    unsigned good = 0;
    for (unsigned i = 0; i < 40; i++) {
        pthread_create(&t[i], NULL, one_wait, &g[i]);
    }
    for (unsigned i = 0; i < 40; i++) {
        pthread_join(t[i], NULL);
        good += g[i].came && g[i].r.status == 200;
    }
    is_int(good, 40, "forty calls at once share sixteen connections");
    struct buf log = fake_log(&server);
    unsigned highest = 0;
    for (struct span rest = buf_view(&log); rest.n;) {
        struct span line = span_line(&rest);
        line = span_from(line, span_search(line, "conn=") + 5);
        uint32_t n = 0;
        if (span_u32(span_upto(line, span_find(line, '\t')), 100000, &n)) {
            highest = n > highest ? n : highest;
        }
    }
    ok(highest < 60, "and %u connections served all calls of this test", highest);
    buf_done(&log);
}

static void *stop_soon(void *arg) {
    _Atomic bool *stop = arg;
    kit_sleep(200);
    *stop = true;
    return NULL;
}

static void test_stop(void) {
    _Atomic bool stop = false;
    pthread_t t;
    pthread_create(&t, NULL, stop_soon, &stop);
    struct fake quiet = fake_start("GET /hang\n  hang\n", 0, NULL);
    struct kube_client *c = fake_client(&quiet, NULL);
    struct kube_response out = {0};
    struct err e = {0};
    int64_t from = clock_mono_us();
    struct kube_request r = {.method = "GET", .path = "/hang", .timeout_ms = 20000, .stop = &stop};
    ok(!kube_call(c, &r, &out, &e) && clock_mono_us() - from < 2500000, "a call can be stopped: %s",
       e.msg);
    pthread_join(t, NULL);
    kube_client_free(c);
    fake_stop(&quiet);
}

static unsigned status_with(struct kube_config *config, const char *path) {
    struct kube_client *c = fake_client(&server, config);
    struct kube_response out = {0};
    struct err e = {0};
    struct kube_request r = {.method = "GET", .path = path, .timeout_ms = 1500};
    bool came = kube_call(c, &r, &out, &e);
    buf_done(&out.body);
    kube_client_free(c);
    return came ? out.status : 0;
}

static void test_proxy(void) {
    static struct kube_config config = {.server = "http://api.example:6443"};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "*", 1);
    struct got g = get("/ok");
    ok(g.came && g.r.status == 200, "proxies of the environment are none of ours: %s", g.e.msg);
    buf_done(&g.r.body);
    (void)snprintf(config.proxy, sizeof config.proxy, "http://127.0.0.1:%u", server.port);
    ok(status_with(&config, "/through") == 200 &&
           fake_count(&server, "GET http://api.example:6443/through", "Host: api.example:6443") ==
               1,
       "the config's proxy is asked, whatever no_proxy says there");
    (void)snprintf(config.server, sizeof config.server, "http://127.0.0.1:%u", server.port);
    (void)snprintf(config.no_proxy, sizeof config.no_proxy, "example.com,127.0.0.0/8");
    ok(status_with(&config, "/ok?direct") == 200 && fake_count(&server, "GET /ok?direct", "") == 1,
       "and passed by for hosts that the config names");
}

static void test_escape(void) {
    char text[128];
    struct buf b = BUF_OVER(text);
    kube_escape(SPAN("a/b c&d=%~._-Z9\xC3\xA9"), &b);
    is_str(text, "a%2Fb%20c%26d%3D%25~._-Z9%C3%A9", "a value of a query");
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    server = fake_start(scenario, 0, NULL);
    client = fake_client(&server, NULL);
    test_refusals();
    test_statuses();
    test_want();
    test_sent();
    test_kept_connection();
    test_tokens();
    test_many();
    test_stop();
    test_proxy();
    test_escape();
    kube_client_free(client);
    fake_stop(&server);
    kit_end();
    return tap_done();
}
