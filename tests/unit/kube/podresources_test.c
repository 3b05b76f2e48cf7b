/* PodResources: the bytes of answers, recorded and made up, and the exchange with a kubelet that is
 * scripted frame by frame. */
#include "peer.h"
#include "webhook/kube/podresources_inner.h"

#define CAP ((size_t)128 * 1024 * 1024)

static struct arena arena;

/* ---- protobuf by hand ---- */

static void put_varint(struct buf *b, uint64_t v) {
    for (; v >= 0x80; v >>= 7) {
        buf_char(b, (char)((v & 0x7f) | 0x80));
    }
    buf_char(b, (char)v);
}

static void put_field(struct buf *b, unsigned field, struct span bytes) {
    put_varint(b, field << 3 | 2);
    put_varint(b, bytes.n);
    buf_span(b, bytes);
}

/* Closes a message that began at `from`: it becomes a field of what is before it. */
static void wrap(struct buf *b, size_t from, unsigned field) {
    struct buf inner = buf_new(CAP);
    buf_span(&inner, span_from(buf_view(b), from));
    buf_back(b, from);
    put_field(b, field, buf_view(&inner));
    buf_done(&inner);
}

static void put_devices(struct buf *b, const char *resource, unsigned n, const char *id) {
    size_t from = b->n;
    put_field(b, 1, span_of(resource));
    for (unsigned i = 0; i < n; i++) {
        put_field(b, 2, span_of(id));
    }
    wrap(b, from, 2);
}

/* ---- what an answer says ---- */

static void show(const struct held_list *l, struct buf *out) {
    buf_reset(out);
    for (uint32_t i = 0; i < l->n; i++) {
        const struct held_pod *h = &l->pod[i];
        buf_fmt(out, SPAN_FMT "/" SPAN_FMT " " SPAN_FMT " " SPAN_FMT ":", SPAN_ARG(h->ns),
                SPAN_ARG(h->name), SPAN_ARG(h->container), SPAN_ARG(h->resource));
        for (uint32_t k = 0; k < h->n; k++) {
            buf_fmt(out, " " SPAN_FMT, SPAN_ARG(h->id[k]));
        }
        buf_char(out, '\n');
    }
}

static struct span recorded(const char *name) {
    char path[128];
    (void)snprintf(path, sizeof path, "tests/fuzz/corpus/podresources/%s", name);
    FILE *f = fopen(path, "rb");
    char *p = ARENA_NEW(&arena, char, 65536);
    struct span text = {p, f && p ? fread(p, 1, 65536, f) : 0};
    if (f) {
        (void)fclose(f);
    }
    return text;
}

#define GPU "GPU-00000000-0000-4000-8000-00000000000"

static void test_recorded(void) {
    struct buf out = buf_new(CAP);
    struct held_list got = {0};
    struct span message = {0};
    struct err e = {0};
    ok(podresources_frame(recorded("kubelet-1.36-list"), &message, &e) &&
           podresources_decode_list(message, &arena, &got, &e),
       "what a kubelet 1.36 listed is read");
    show(&got, &out);
    is_str(buf_cstr(&out),
           "default/chat-0 main nvidia.com/gpu: " GPU "1\n"
           "default/chat-0 main nvidia.com/gpu: " GPU "0\n"
           "default/embed-0 main nvidia.com/gpu: " GPU "2\n",
           "who holds what");
    ok(podresources_frame(recorded("kubelet-1.36-allocatable"), &message, &e) &&
           podresources_decode_allocatable(message, &arena, &got, &e),
       "what it has to give is read");
    show(&got, &out);
    is_int(got.n, 4, "four GPUs");
    ok(strncmp(buf_cstr(&out), "/  nvidia.com/gpu: GPU-", 23) == 0, "of that resource, nobody's");
    buf_done(&out);
}

static bool read_many(unsigned pods, unsigned ids, struct span id, struct err *e) {
    struct buf b = buf_new(CAP);
    struct buf one = buf_new(CAP);
    struct held_list got = {0};
    put_field(&one, 1, SPAN("r"));
    for (unsigned i = 0; i < ids; i++) {
        put_field(&one, 2, id);
    }
    wrap(&one, 0, 2);
    wrap(&one, 0, 3);
    for (unsigned i = 0; i < pods; i++) {
        put_field(&b, 1, buf_view(&one));
    }
    struct arena a = arena_new(CAP);
    bool done = podresources_decode_list(buf_view(&b), &a, &got, e) && got.n == pods;
    arena_done(&a);
    buf_done(&one);
    buf_done(&b);
    return done;
}

static void test_made_up(void) {
    struct buf b = buf_new(CAP);
    struct buf out = buf_new(CAP);
    struct held_list got = {.n = 77};
    struct err e = {0};
    ok(podresources_decode_list((struct span){0}, &arena, &got, &e) && got.n == 0, "no pods");
    put_devices(&b, "nvidia.com/gpu", 2, "a");
    put_devices(&b, "rdma/hca", 0, "");
    put_field(&b, 1, SPAN("main"));
    size_t claim = b.n;
    put_field(&b, 2, SPAN("gpu.nvidia.com"));
    put_field(&b, 3, SPAN("pool"));
    put_field(&b, 4, SPAN("gpu-1"));
    put_field(&b, 99, SPAN("of a later kubelet"));
    wrap(&b, claim, 4);
    wrap(&b, claim, 5);
    put_varint(&b, 3 << 3); /* cpu_ids */
    put_varint(&b, 17);
    wrap(&b, 0, 3);
    put_field(&b, 1, SPAN("x"));
    put_field(&b, 2, SPAN("llm"));
    wrap(&b, 0, 1);
    put_varint(&b, 15 << 3 | 5);
    buf_str(&b, "1234");
    ok(podresources_decode_list(buf_view(&b), &arena, &got, &e), "unknown fields are skipped");
    show(&got, &out);
    ok(got.n == 2 && span_is(got.pod[0].name, "x") && got.pod[0].n == 2 &&
           span_is(got.pod[1].resource, "gpu.nvidia.com") && span_is(got.pod[1].id[0], "gpu-1"),
       "devices of plugins and of claims");
    bool all_refused = true;
    for (size_t i = 1; i < b.n; i++) {
        struct held_list cut = {.n = 77};
        bool done = podresources_decode_list(span_upto(buf_view(&b), i), &arena, &cut, &e);
        all_refused &= i == b.n - 5 ? done : !done && e.code == ERR_INPUT && cut.n == 77;
    }
    ok(all_refused, "a cut one is refused, wherever it is cut");
    ok(!read_many(1, 1, SPAN("a\0b"), &e) && e.code == ERR_INPUT, "a NUL in an id is refused");
    ok(!podresources_decode_list(SPAN("{\"items\":[]}"), &arena, &got, &e), "JSON is refused");
    buf_done(&out);
    buf_done(&b);
}

static void test_limits(void) {
    static char text[PODRESOURCES_TEXT_MAX + 1];
    struct err e = {0};
    memset(text, 'x', sizeof text);
    ok(read_many(PODRESOURCES_ENTRIES_MAX, 1, SPAN("i"), &e), "65536 entries are read");
    ok(!read_many(PODRESOURCES_ENTRIES_MAX + 1, 1, SPAN("i"), &e) && e.code == ERR_TOO_LARGE,
       "one more is refused");
    ok(read_many(1, PODRESOURCES_IDS_MAX, SPAN("i"), &e), "65536 devices are read");
    ok(!read_many(1, PODRESOURCES_IDS_MAX + 1, SPAN("i"), &e) && e.code == ERR_TOO_LARGE,
       "one more is refused");
    ok(read_many(1, 1, (struct span){text, PODRESOURCES_TEXT_MAX}, &e), "an id of 512 bytes");
    ok(!read_many(1, 1, (struct span){text, PODRESOURCES_TEXT_MAX + 1}, &e) &&
           e.code == ERR_TOO_LARGE,
       "one more is refused");
}

static void test_frames(void) {
    static const struct {
        struct span body;
        const char *what;
    } bad[] = {
        {{0}, "no byte"},
        {{"\0\0\0\0", 4}, "half a head"},
        {{"\1\0\0\0\0", 5}, "compressed"},
        {{"\0\0\0\0\2x", 6}, "one byte short"},
        {{"\0\0\0\0\1xy", 7}, "one byte over"},
        {{"\0\377\377\377\377xy", 7}, "4 GiB announced"},
        {{"\0\0\0\0\1x\0\0\0\0\1x", 12}, "two frames"},
    };
    struct span message = {0};
    struct err e = {0};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ok(!podresources_frame(bad[i].body, &message, &e) && e.code == ERR_INPUT && !message.p,
           "a frame is refused: %s", bad[i].what);
    }
    ok(podresources_frame((struct span){"\0\0\0\0\1x", 6}, &message, &e) && span_is(message, "x"),
       "a sound one is opened");
}

static void test_messages(void) {
    char out[16];
    podresources_message(SPAN("a%20b%2"), out, sizeof out);
    is_str(out, "a b%2", "a grpc-message is decoded");
    podresources_message(SPAN("%zz%0a%c3%a4"), out, sizeof out);
    is_str(out, "%zz ??", "to one line that can be printed");
    podresources_message(SPAN("0123456789abcdefgh"), out, sizeof out);
    is_str(out, "0123456789abcde", "and cut");
}

/* Literal headers without indexing: 0, length, name, length, value. */
#define TEXT(s)                                                                                    \
    { (s), sizeof(s) - 1 }
#define STATUS(len, value) "\0\013grpc-status" len value
#define MESSAGE(len, text) "\0\014grpc-message" len text
#define EMPTY                                                                                      \
    { "\0\0\0\0\0", 5 }

static char large[16384];

struct exchange {
    const char *what;
    struct peer peer;
    enum podresources_fault fault;
    enum err_code code;
    const char *says;
};
static const struct exchange rows[] = {
    {"an empty answer",
     {.does = PEER_ANSWERS, .body = EMPTY, .trailers = TEXT(STATUS("\1", "0"))},
     PODRESOURCES_OK,
     ERR_NONE,
     ""},
    {"a refusal in the headers",
     {.does = PEER_ANSWERS, .headers = TEXT(STATUS("\2", "12") MESSAGE("\7", "not%20x"))},
     PODRESOURCES_STATUS,
     ERR_IO,
     "grpc-status 12, unimplemented: not x"},
    {"a failure in the trailers",
     {.does = PEER_ANSWERS, .body = EMPTY, .trailers = TEXT(STATUS("\1", "8"))},
     PODRESOURCES_STATUS,
     ERR_IO,
     "grpc-status 8, resource exhausted"},
    {"a status of the future",
     {.does = PEER_ANSWERS, .headers = TEXT(STATUS("\2", "77"))},
     PODRESOURCES_STATUS,
     ERR_IO,
     "grpc-status 77, no known status"},
    {"a status that is none",
     {.does = PEER_ANSWERS, .headers = TEXT(STATUS("\1", "x"))},
     PODRESOURCES_STATUS,
     ERR_IO,
     "grpc-status 2, unknown error"},
    {"the kubelet's own deadline",
     {.does = PEER_ANSWERS, .headers = TEXT(STATUS("\1", "4"))},
     PODRESOURCES_DEADLINE,
     ERR_IO,
     "no whole answer within 400 ms"},
    {"no status",
     {.does = PEER_ANSWERS, .body = EMPTY},
     PODRESOURCES_CUT,
     ERR_IO,
     "an answer without grpc-status"},
    {"no body",
     {.does = PEER_ANSWERS, .headers = TEXT(STATUS("\1", "0"))},
     PODRESOURCES_UNREADABLE,
     ERR_INPUT,
     "wants a gRPC frame, found 0 bytes"},
    {"a body that is no protobuf",
     {.does = PEER_ANSWERS, .body = TEXT("\0\0\0\0\3abc"), .trailers = TEXT(STATUS("\1", "0"))},
     PODRESOURCES_UNREADABLE,
     ERR_INPUT,
     "3 bytes that are no such protobuf"},
    {"no answer",
     {.does = PEER_SILENT},
     PODRESOURCES_DEADLINE,
     ERR_IO,
     "no whole answer within 400 ms"},
    {"half an answer",
     {.does = PEER_ANSWERS, .half = true},
     PODRESOURCES_DEADLINE,
     ERR_IO,
     "no whole answer within 400 ms"},
    {"another protocol", {.does = PEER_HTTP1}, PODRESOURCES_CUT, ERR_IO, NULL},
    {"a hang-up", {.does = PEER_HANGS_UP}, PODRESOURCES_CUT, ERR_IO, NULL},
    {"an answer in several pieces that is no frame",
     {.does = PEER_ANSWERS,
      .body = {large, sizeof large},
      .times = 4,
      .trailers = TEXT(STATUS("\1", "0"))},
     PODRESOURCES_UNREADABLE,
     ERR_INPUT,
     "wants one gRPC frame of 0 bytes, found 65531"},
};

/* One call against one peer; times is 1 where the row does not say that nothing follows. */
static bool converse(struct peer *p, const struct podresources_request *r,
                     enum podresources_fault *fault, struct held_list *got, struct err *e) {
    struct buf body = {0};
    pthread_t thread;
    p->fd = listen_at(r->socket);
    pthread_create(&thread, NULL, peer_run, p);
    bool done = r->max ? podresources_call(r, &body, e) == PODRESOURCES_OK
                       : podresources_list(r->socket, r->timeout_ms, &arena, got, fault, e);
    pthread_join(thread, NULL);
    (void)close(p->fd);
    buf_done(&body);
    return done;
}

static void test_exchange(void) {
    const struct podresources_request r = {kit_path("kubelet.sock"), 400, "List", 0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct peer p = rows[i].peer;
        struct held_list got = {.n = 77};
        struct err e = {0};
        enum podresources_fault fault = PODRESOURCES_INTERNAL;
        bool done = converse(&p, &r, &fault, &got, &e);
        bool good = ok(done == (rows[i].fault == PODRESOURCES_OK) && fault == rows[i].fault &&
                           e.code == rows[i].code && got.n == (done ? 0 : 77),
                       "%s", rows[i].what);
        const char *tail = strstr(e.msg, ".sock: ");
        if (rows[i].says && rows[i].says[0]) {
            is_str(tail ? tail + 7 : e.msg, rows[i].says, "... is told");
        }
        if (!good) {
            printf("# fault %d code %d: %s\n", (int)fault, (int)e.code, e.msg);
        }
        if (i == 0) {
            is_str(p.request, "5 bytes, first 0", "the request is one empty frame");
        }
    }
}

static void test_size(void) {
    struct podresources_request r = {kit_path("kubelet.sock"), 400, "List", sizeof large};
    struct peer p = {
        .does = PEER_ANSWERS, .body = {large, sizeof large}, .trailers = TEXT(STATUS("\1", "0"))};
    struct err e = {0};
    ok(converse(&p, &r, NULL, NULL, &e), "a body as large as it may be");
    r.max--;
    ok(!converse(&p, &r, NULL, NULL, &e) && e.code == ERR_TOO_LARGE, "one byte more is refused");
}

static void is_fault(const char *path, enum podresources_fault want, const char *what) {
    struct held_list got = {.n = 77};
    struct err e = {0};
    enum podresources_fault fault = PODRESOURCES_OK;
    bool done = podresources_allocatable(path, 400, &arena, &got, &fault, &e);
    if (!ok(!done && fault == want && got.n == 77 && strstr(e.msg, path), "%s", what)) {
        printf("# fault %d: %s\n", (int)fault, e.msg);
    }
}

static void test_no_kubelet(void) {
    const char *path = kit_path("dead.sock");
    is_fault(kit_path("none.sock"), PODRESOURCES_NO_SOCKET, "no socket");
    is_fault(kit_path("none/none.sock"), PODRESOURCES_NO_SOCKET, "no folder");
    (void)close(listen_at(path));
    is_fault(path, PODRESOURCES_REFUSED, "a socket that nobody listens on");
    char text[120];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    is_fault(text, PODRESOURCES_CUT, "a path longer than a socket's may be");
    if (geteuid() != 0) {
        int fd = listen_at(path);
        (void)chmod(path, 0);
        is_fault(path, PODRESOURCES_NO_SOCKET, "a socket that may not be opened");
        (void)close(fd);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    kit_begin(argv[0]);
    arena = arena_new(CAP);
    test_recorded();
    test_made_up();
    test_limits();
    test_frames();
    test_messages();
    test_exchange();
    test_size();
    test_no_kubelet();
    arena_done(&arena);
    kit_end();
    return tap_done();
}
