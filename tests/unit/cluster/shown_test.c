/* What nodes show, kept beside what they are. */
#include "tests/unit/cluster/fixture.h"
#include "topology/jw.h"

static struct cluster *c;

/* One Node; labels and status are YAML flow text. */
static void put(const char *name, const char *uid, const char *labels, const char *machine,
                const char *status) {
    struct buf b = buf_new(1 << 20);
    struct err e = {0};
    struct arena a = arena_new(16 << 20);
    const struct json *o = NULL;
    struct node_object n;
    buf_fmt(&b, "{\"metadata\":{\"name\":\"%s\",\"uid\":\"%s\",\"labels\":{%s}", name, uid, labels);
    if (machine) {
        struct buf text = buf_new(65536);
        put_annotation(&text, machine);
        buf_str(&b, ",\"annotations\":{\"tpguard.io/topology\":");
        struct jw w = jw_new(&b, 0);
        jw_span(&w, buf_view(&text));
        buf_char(&b, '}');
        buf_done(&text);
    }
    buf_fmt(&b, "},\"status\":{%s}}", status);
    if (!json_parse(buf_view(&b), &a, &o, &e) || !node_decode(o, &a, &n, &e) ||
        !cluster_put_node(c, &n, &e)) {
        bail(name, &e);
    }
    arena_done(&a);
    buf_done(&b);
}

static void bind(const char *ns, const char *name, const char *node, uint32_t gpus) {
    struct err e = {0};
    const struct container main = {.name = SPAN("main"), .gpus = gpus};
    const struct pod p = {.ns = span_of(ns),
                          .name = span_of(name),
                          .uid = SPAN("u"),
                          .node_name = span_of(node),
                          .containers = &main,
                          .n_containers = 1};
    if (!cluster_put_pod(c, &p, &e)) {
        bail(name, &e);
    }
}

#define GPUS(n) "\"allocatable\":{\"nvidia.com/gpu\":\"" #n "\"}"
#define NO_GPUS "\"allocatable\":{\"cpu\":\"8\"}"
#define LABELS  "\"tpguard.io/nvlink\":\"healthy\",\"tpguard.io/nvlink-set\":\"2\""
#define COND(m)                                                                                    \
    ",\"conditions\":[{\"type\":\"NVLinkDegraded\",\"status\":\"False\",\"reason\":"               \
    "\"NVLinkHealthy\",\"message\":\"" m "\",\"lastTransitionTime\":\"2026-11-24T09:14:00Z\"}]"

struct seen {
    char text[4096];
    struct buf out;
    unsigned most; /* stop behind so many */
    unsigned n;
    bool wiring;
    uint64_t inputs;
    uint64_t books;
    uint32_t used;
    uint32_t at;
};

static void put_span(struct buf *b, struct span s) {
    if (s.p) {
        buf_fmt(b, "'" SPAN_FMT "'", SPAN_ARG(s));
    } else {
        buf_char(b, '-');
    }
    buf_char(b, ' ');
}

static bool look(void *ctx, const struct cluster_shown *s) {
    struct seen *k = ctx;
    const struct node_marks *m = s->marks;
    const struct span part[] = {s->name,   s->uid,    m->nvlink, m->nvlink_set,
                                m->status, m->reason, m->message};
    for (unsigned i = 0; i < 7; i++) {
        put_span(&k->out, part[i]);
    }
    if (m->nvlink_free.p || m->stranded.p) {
        put_span(&k->out, m->nvlink_free);
        put_span(&k->out, m->stranded);
    }
    if (k->wiring) {
        struct cluster_wiring w;
        cluster_shown_wiring(s, &w);
        buf_fmt(&k->out, "%u GPUs, %s" SPAN_FMT " ", (unsigned)w.view.gpus,
                w.view.topo ? "wired" : "", SPAN_ARG(w.problem));
    }
    buf_char(&k->out, '\n');
    struct cluster_wiring books;
    cluster_shown_wiring(s, &books);
    k->used = books.view.used;
    k->inputs = s->inputs;
    k->books = s->books;
    k->at = s->at;
    return ++k->n < k->most;
}

static struct seen all(bool wiring) {
    static struct seen k;
    uint32_t from = 0;
    k = (struct seen){.most = UINT32_MAX, .wiring = wiring};
    k.out = BUF_OVER(k.text);
    ok(cluster_each_shown(c, &from, look, &k) && from == 0, "to the end");
    return k;
}

static void kept(void) {
    c = new_cluster(NULL);
    put("cpu", "u0", "", NULL, NO_GPUS);
    is_str(all(false).text, "", "a node without GPUs that shows nothing is passed over");
    put("a", "u1", "", NULL, GPUS(4));
    put("b", "u2", LABELS, "2xH100-NVL", GPUS(2) COND("All"));
    put("old", "u3", LABELS, NULL, NO_GPUS);
    is_str(all(true).text,
           "'a' 'u1' - - - - - 4 GPUs,  \n"
           "'b' 'u2' 'healthy' '2' 'False' 'NVLinkHealthy' 'All' 2 GPUs, wired \n"
           "'old' 'u3' 'healthy' '2' - - - 0 GPUs,  \n",
           "GPU nodes, and who still shows something");
    put("old", "u3", "", NULL, NO_GPUS);
    put("a", "u1", "\"tpguard.io/nvlink\":\"\"", NULL, GPUS(4));
    is_str(all(false).text,
           "'a' 'u1' '' - - - - \n"
           "'b' 'u2' 'healthy' '2' 'False' 'NVLinkHealthy' 'All' \n",
           "an empty label is not an absent one");
    cluster_drop_node(c, SPAN("a"));
    put("b", "u9", "", "2xH100-NVL", GPUS(2));
    is_str(all(false).text, "'b' 'u9' - - - - - \n", "gone, and replaced");
    cluster_free(c);
}

static void marks_are_no_inputs(void) {
    c = new_cluster(NULL);
    put("a", "u1", "", "4xH100-NVL", GPUS(4));
    uint64_t inputs = all(false).inputs;
    uint64_t generation = cluster_generation(c);
    put("a", "u1", LABELS, "4xH100-NVL", GPUS(4) COND("All"));
    ok(strstr(all(false).text, "'2' 'False'") != NULL, "what it shows has changed");
    ok(cluster_generation(c) == generation, "no answer has");
    ok(all(false).inputs == inputs, "nor its wiring");
    put("a", "u1", LABELS, "4xH100-NVL down=0-1", GPUS(4) COND("All"));
    ok(all(false).inputs != inputs && cluster_generation(c) != generation, "now both have");
    cluster_free(c);
}

/* Without a scheduler of ours the view knows the pods; with one it costs nothing. */
static void with_the_pods(void) {
    c = new_cluster(NULL);
    put("a", "u1", "\"tpguard.io/nvlink-free\":\"2\",\"tpguard.io/stranded\":\"0\"", "4xH100-NVL",
        GPUS(4));
    struct seen k = all(false);
    uint64_t books = k.books;
    is_str(k.text, "'a' 'u1' - - - - - '2' '0' \n", "what is free is kept as it is shown");
    bind("llm", "first", "a", 2);
    k = all(false);
    ok(books && k.books != books, "a bind changes the books");
    ok(all(false).books == k.books, "nothing else does");
    is_int(k.used, 2, "and the view knows of it");
    cluster_free(c);
    struct policy p = policy_default();
    p.scheduler_name = SPAN("tpguard-scheduler");
    c = cluster_new(&p);
    put("a", "u1", "", "4xH100-NVL", GPUS(4));
    bind("llm", "first", "a", 2);
    k = all(false);
    ok(k.books == 0 && k.used == 0, "with a scheduler of ours neither");
    cluster_free(c);
}

static void in_pieces(void) {
    c = new_cluster(NULL);
    char name[8];
    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        put(name, "u", "", NULL, GPUS(1));
    }
    struct seen k = {.most = 2};
    k.out = BUF_OVER(k.text);
    uint32_t from = 0;
    ok(!cluster_each_shown(c, &from, look, &k) && from == 2 && k.at == 1, "two of five");
    cluster_drop_node(c, SPAN("n3"));
    k.most = UINT32_MAX;
    ok(cluster_each_shown(c, &from, look, &k) && from == 0 && k.n == 4 && k.at == 4,
       "the rest, without the one that went meanwhile");
    from = 4000;
    ok(cluster_each_shown(c, &from, look, &k) && from == 0, "a place that is gone begins again");
    cluster_free(c);
}

static void long_text(void) {
    c = new_cluster(NULL);
    char status[4096];
    char message[2001];
    memset(message, 'm', sizeof message - 1);
    message[2000] = '\0';
    (void)snprintf(status, sizeof status,
                   GPUS(1) ",\"conditions\":[{\"type\":\"NVLinkDegraded\",\"status\":\"%s\","
                           "\"message\":\"%s\"}]",
                   message + 1900, message);
    put("a", "u", "", NULL, status);
    put("a", "u", "", NULL, status);
    ok(strlen(all(false).text) < 700, "others' long texts are kept as far as they can matter");
    cluster_free(c);
}

int main(void) {
    kept();
    marks_are_no_inputs();
    with_the_pods();
    in_pieces();
    long_text();
    return tap_done();
}
