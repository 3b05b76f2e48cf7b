/* Heads and bodies on their way in: what is refused, with which status, and that memory and the
 * count of bytes in flight come back. */
#include "webhook/http/body.h"

#include <stdlib.h>

#include "tests/tap.h"
#include "webhook/http/limits.h"

#define TEXT(literal)                                                                              \
    { literal, sizeof literal - 1 }
#define GIVEN(text) .lengths = 1, .length = TEXT(text)
#define CODED(text) .codings = 1, .coding = TEXT(text)

static struct service service = {.max_body = 1000};

static unsigned route_of(const char *path) {
    return route_find(span_of(path), false, false);
}

static void test_heads(void) {
    static const struct {
        const char *method;
        const char *path;
        struct head head;
        unsigned status;
        bool hang_up;
        const char *what;
    } rows[] = {
        {"POST", "/admit/pods", {GIVEN("10")}, 0, false, "a length is fine"},
        {"POST", "/admit/pods", {CODED("chunked")}, 0, false, "chunks are fine"},
        {"POST", "/admit/pods", {CODED("Chunked")}, 0, false, "in any case of letters"},
        {"POST", "/admit/pods", {.lengths = 0}, 0, false, "no body at all is for the handler"},
        {"POST", "/admit/pods", {GIVEN("1000")}, 0, false, "the limit itself is allowed"},
        {"POST", "/admit/pods", {GIVEN("1001")}, 413, false, "one byte more is not"},
        {"POST", "/admit/pods", {GIVEN("99999999")}, 413, true, "a long refused body is not read"},
        {"POST", "/admit/pods", {GIVEN("1"), CODED("chunked")}, 400, true, "length and chunks"},
        {"POST", "/admit/pods", {.lengths = 2, .length = TEXT("5")}, 400, true, "two lengths"},
        {"POST",
         "/admit/pods",
         {.codings = 2, .coding = TEXT("chunked")},
         400,
         true,
         "two codings"},
        {"POST", "/admit/pods", {CODED("gzip")}, 400, true, "another coding"},
        {"POST", "/admit/pods", {CODED("gzip, chunked")}, 400, true, "a list of codings"},
        {"POST", "/admit/pods", {GIVEN("+5")}, 400, true, "a length with a sign"},
        {"POST", "/admit/pods", {GIVEN("")}, 400, true, "an empty length"},
        {"POST", "/admit/pods", {GIVEN("18446744073709551616")}, 400, true, "a length beyond u64"},
        {"GET", "/admit/pods", {.lengths = 0}, 405, false, "GET where POST is wanted"},
        {"post", "/admit/pods", {.lengths = 0}, 405, false, "methods are case-sensitive"},
        {"HEAD", "/healthz", {.lengths = 0}, 0, false, "HEAD is as good as GET"},
        {"POST", "/healthz", {GIVEN("1")}, 405, false, "POST where GET is wanted"},
        {"GET", "/admit/pods/", {.lengths = 0}, 404, false, "another path"},
        {"GET", "", {.lengths = 0}, 404, false, "no path"},
        {"GET",
         "/nope",
         {GIVEN("1"), CODED("chunked")},
         400,
         true,
         "framing comes before the path"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct intake in;
        struct head h = rows[i].head;
        h.method = span_of(rows[i].method);
        intake_begin(&in, &service, &h, route_of(rows[i].path));
        ok(in.refuse == rows[i].status && in.hang_up == rows[i].hang_up, "%s: %u%s (got %u%s)",
           rows[i].what, rows[i].status, rows[i].hang_up ? " and the end" : "", in.refuse,
           in.hang_up ? " and the end" : "");
        intake_done(&in);
    }
}

static void test_types(void) {
    static const struct {
        const char *type;
        unsigned status;
    } rows[] = {
        {"application/json", 0},
        {"APPLICATION/Json", 0},
        {"application/json; x=y", 0},
        {" application/json ;charset=utf-8", 0},
        {"application/jsonp", 415},
        {"application/json-patch+json", 415},
        {"text/plain", 415},
        {"", 415},
        {"text/plain; application/json", 415},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct intake in;
        struct head h = {.method = SPAN("POST"), .content_type = span_of(rows[i].type)};
        intake_begin(&in, &service, &h, route_of("/admit/pods"));
        is_int(in.refuse, rows[i].status, rows[i].type[0] ? rows[i].type : "an empty type");
        intake_done(&in);
    }
    struct intake in;
    struct head h = {.method = SPAN("GET"), .content_type = SPAN("text/plain")};
    intake_begin(&in, &service, &h, route_of("/healthz"));
    is_int(in.refuse, 0, "a GET may say what it likes");
    intake_done(&in);
}

static void begin(struct intake *in, const char *length) {
    struct head h = {.method = SPAN("POST")};
    if (length) {
        h.lengths = 1;
        h.length = span_of(length);
    } else {
        h.codings = 1;
        h.coding = SPAN("chunked");
    }
    intake_begin(in, &service, &h, route_of("/scheduler/filter"));
}

static void test_pieces(void) {
    static char bytes[HTTP_REFUSED_DRAIN + 1];
    struct intake in;
    begin(&in, NULL);
    ok(intake_take(&in, "ab", 2) && intake_take(&in, "cd", 2), "pieces are taken");
    ok(span_is(buf_view(&in.body), "abcd"), "and put together");
    is_int(service.bytes_in_flight, 4, "and counted");
    ok(intake_take(&in, bytes, 996) && in.refuse == 0, "up to the limit");
    ok(intake_take(&in, "x", 1) && in.refuse == 413, "one more is 413, but the rest is still read");
    is_int(service.bytes_in_flight, 0, "what was refused is no longer held");
    ok(intake_take(&in, bytes, 999), "twice the limit is read");
    ok(!intake_take(&in, bytes, 1), "what goes on beyond is cut");
    intake_done(&in);
    begin(&in, "500");
    ok(intake_take(&in, bytes, 500), "a body of known length is taken");
    intake_done(&in);
    is_int(service.bytes_in_flight, 0, "at the end nothing is held");

    struct head h = {.method = SPAN("POST"), GIVEN("70000")};
    intake_begin(&in, &service, &h, ROUTES);
    ok(in.refuse == 404 && in.hang_up, "a long body for no path is not read");
    intake_done(&in);
    h = (struct head){.method = SPAN("POST"), CODED("chunked")};
    intake_begin(&in, &service, &h, ROUTES);
    ok(in.refuse == 404 && intake_take(&in, bytes, HTTP_REFUSED_DRAIN),
       "one in chunks is, a while");
    ok(intake_take(&in, bytes, HTTP_REFUSED_DRAIN) && !intake_take(&in, bytes, 1), "not for ever");
    intake_done(&in);
}

static void test_together(void) {
    static char bytes[1000];
    struct intake in[HTTP_BODIES_AT_ONCE + 1];
    for (unsigned i = 0; i < HTTP_BODIES_AT_ONCE; i++) {
        begin(&in[i], "1000");
        ok(intake_take(&in[i], bytes, 1000) && in[i].refuse == 0, "body %u finds its room", i + 1);
    }
    struct intake *last = &in[HTTP_BODIES_AT_ONCE];
    begin(last, "1000");
    ok(intake_take(last, bytes, 1) && last->refuse == 503, "one too many at once is 503");
    ok(intake_take(last, bytes, 999), "its body is read all the same");
    intake_done(last);
    intake_done(&in[0]);
    begin(last, "1000");
    ok(intake_take(last, bytes, 1000) && last->refuse == 0,
       "when one has gone there is room again");
    intake_done(last);
    for (unsigned i = 1; i < HTTP_BODIES_AT_ONCE; i++) {
        intake_done(&in[i]);
    }
    is_int(service.bytes_in_flight, 0, "at the end nothing is held");
}

static void test_limits(void) {
    struct service large = {.max_body = HTTP_BODY_DEFAULT};
    struct intake in;
    struct head h = {.method = SPAN("POST"), GIVEN("8388609")};
    intake_begin(&in, &large, &h, route_of("/admit/pods"));
    is_int(in.refuse, 413, "admission has a limit of its own");
    intake_done(&in);
    intake_begin(&in, &large, &h, route_of("/scheduler/prioritize"));
    is_int(in.refuse, 0, "which the scheduler's routes have not");
    intake_done(&in);
}

int main(void) {
    test_heads();
    test_types();
    test_pieces();
    test_together();
    test_limits();
    return tap_done();
}
