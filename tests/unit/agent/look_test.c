/* What the node should show, from scripted readings and books. */
#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/synth.h"
#include "webhook/agent/look.h"

#define NOW INT64_C(1795000000)

/* The machine as the driver has it, and the books. */
static struct {
    const char *machine; /* NULL: no answer */
    unsigned program_on; /* GPU position + 1; 0 none */
    const char *pod;     /* holds GPU `gpu`; NULL nobody */
    const char *gpu;
    bool closed; /* the books cannot be read */
    unsigned readings;
    int64_t steady_s;
} node;

static bool read_node(void *ctx, int64_t now, struct reading *out, struct err *e) {
    (void)ctx;
    node.readings++;
    if (!node.machine) {
        return err_set(e, ERR_UNKNOWN, "no answer in time");
    }
    memset(out, 0, sizeof *out);
    if (!synth_read(span_of(node.machine), &out->topo, e)) {
        return false;
    }
    (void)snprintf(out->topo.source, sizeof out->topo.source, "nvml");
    out->topo.observed_at = now;
    out->from_nvml = true;
    out->facts.n = out->topo.n;
    if (node.program_on) {
        out->facts.n_processes = 1;
        out->facts.process[0] = (struct gpu_process){.gpu = (uint8_t)(node.program_on - 1)};
    }
    return true;
}

static bool read_books(void *ctx, struct arena *a, struct look_books *out, struct err *e) {
    (void)ctx;
    if (node.closed) {
        return err_set(e, ERR_IO, "connection refused");
    }
    struct held_pod *p = ARENA_NEW(a, struct held_pod, 1);
    struct span *id = ARENA_NEW(a, struct span, 1);
    if (!p || !id) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    *out = (struct look_books){.source = "a test"};
    if (node.pod) {
        *id = span_of(node.gpu);
        *p = (struct held_pod){.ns = SPAN("llm"),
                               .name = span_of(node.pod),
                               .container = SPAN("c"),
                               .resource = SPAN("nvidia.com/gpu"),
                               .id = id,
                               .n = 1};
        out->held = (struct held_list){.pod = p, .n = 1};
    }
    return true;
}

static int64_t steady(void *ctx) {
    (void)ctx;
    return node.steady_s;
}

static struct look *begin(const char *machine, uint32_t quiet_s) {
    const struct look_ends ends = {.read = read_node, .books = read_books};
    const struct baseline_rules rules = {.quiet_s = quiet_s};
    memset(&node, 0, sizeof node);
    node.machine = machine;
    return look_new(&ends, &rules);
}

static bool shows(const struct look *l, const char *part) {
    return span_has(look_topology(l), part);
}
static bool tells(const struct look *l, const char *part) {
    return span_has(look_allocations(l), part);
}

static bool see(struct look *l, int64_t now) {
    struct err e = {0};
    return look_wiring(l, now, &e);
}

/* As the agent does it: once more when told so. */
static bool ask(struct look *l, int64_t now) {
    struct err e = {0};
    bool again = false;
    if (!look_books(l, now, false, &again, &e)) {
        return false;
    }
    return !again || (see(l, now) && look_books(l, now, true, &again, &e));
}

#define NV12_01 "\"wires\":[[\"X\",\"NV12\""

static void a_link_goes_and_comes(void) {
    struct look *l = begin("4xH100-NVL", 300);
    is_int(look_topology(l).n, 0, "before the first look nothing is said");
    ok(see(l, NOW) && shows(l, NV12_01), "the wiring as it is");
    is_str(look_changes(l), "first report", "the first report");
    struct span first = look_topology(l);
    char kept[32768];
    struct buf k = BUF_OVER(kept);
    buf_span(&k, first);
    ok(see(l, NOW + 100) && span_is(look_topology(l), kept), "no change, the same bytes");
    is_str(look_changes(l), "", "and nothing to tell");
    is_int(look_seen_at(l), NOW + 100, "but it was seen");
    node.machine = "4xH100-NVL down=0-1";
    ok(see(l, NOW + 200) && !shows(l, NV12_01), "a link goes: shown at once");
    ok(strstr(look_changes(l), "0-1") != NULL, "and told: %s", look_changes(l));
    node.machine = "4xH100-NVL";
    ok(see(l, NOW + 210) && !shows(l, NV12_01), "it comes back: not yet");
    ok(strstr(look_held(l), "0-1") != NULL, "which is said: %s", look_held(l));
    is_int(look_next_s(l, NOW + 210), 300, "until the quiet time is over");
    ok(see(l, NOW + 511) && shows(l, NV12_01), "then it is trusted");
    look_free(l);
}

static void a_restart_remembers(void) {
    struct look *l = begin("4xH100-NVL", 0);
    char text[32768];
    struct buf b = BUF_OVER(text);
    (void)see(l, NOW);
    buf_span(&b, look_topology(l));
    look_free(l);
    l = begin("4xH100-NVL", 0);
    ok(look_recall(l, span_of(text)), "what the node shows is taken up");
    ok(see(l, NOW + 50) && span_is(look_topology(l), text), "nothing is written after a restart");
    ok(shows(l, "\"expected\":[[0,12"), "what was expected is");
    ok(look_recall(l, (struct span){0}), "nothing there is no damage");
    ok(!look_recall(l, SPAN("{\"version\":7}")), "a text that cannot be read is");
    is_int(look_topology(l).n, 0, "a text that cannot be read is no topology");
    ok(see(l, NOW + 60) && shows(l, NV12_01), "and is written over");
    look_forget(l);
    is_int(look_topology(l).n, 0, "somebody took it off");
    ok(see(l, NOW + 70) && shows(l, NV12_01), "learned anew");
    look_free(l);
}

static void no_answer(void) {
    struct look *l = begin(NULL, 0);
    ok(!see(l, NOW) && look_topology(l).n == 0, "no driver: nothing is said");
    ok(ask(l, NOW) && look_allocations(l).n == 0, "not of who holds what either");
    node.machine = "4xH100-NVL";
    ok(see(l, NOW + 10), "it answers");
    node.machine = NULL;
    ok(!see(l, NOW + 20) && shows(l, NV12_01), "it does not: what was known stays a while");
    is_int(look_seen_at(l), 0, "but nobody vouches for it");
    ok(!see(l, NOW + 20 + LOOK_BLIND_S) && shows(l, "\"wires\":[[\"X\",null,null,null]"),
       "then the wires are unknown");
    ok(shows(l, "\"expected\":[[0,12"), "and what they should be is not");
    is_int(look_seen_at(l), 0, "still nobody vouches");
    node.machine = "4xH100-NVL";
    ok(see(l, NOW + 200) && shows(l, NV12_01), "it answers again");
    is_int(look_seen_at(l), NOW + 200, "and is vouched for");
    look_free(l);
}

/* Somebody sets the wall clock: what lasts is measured by the other one. */
static void clocks(void) {
    const struct look_ends ends = {.read = read_node, .books = read_books, .steady_s = steady};
    const struct baseline_rules rules = {.quiet_s = 300};
    memset(&node, 0, sizeof node);
    node.machine = "4xH100-NVL";
    struct look *l = look_new(&ends, &rules);
    (void)see(l, NOW);
    node.machine = "4xH100-NVL down=0-1";
    node.steady_s = 10;
    (void)see(l, NOW + 10);
    node.machine = "4xH100-NVL";
    node.steady_s = 20;
    (void)see(l, NOW + 20);
    node.steady_s = 30;
    ok(see(l, NOW + 86400) && !shows(l, NV12_01), "a day forward: the quiet time is not over");
    is_int(look_next_s(l, NOW + 86400), 290, "290 s are left");
    is_int(look_seen_at(l), NOW + 86400, "the time that is told is that of the wall clock");
    node.steady_s = 320;
    ok(see(l, NOW + 320) && shows(l, NV12_01), "300 s quiet: trusted");
    node.machine = NULL;
    node.steady_s = 330;
    ok(!see(l, NOW + 330) && shows(l, NV12_01), "no answer");
    node.steady_s = 330 + LOOK_BLIND_S;
    ok(!see(l, NOW - 3600) && !shows(l, NV12_01), "an hour back: unknown all the same after 60 s");
    look_free(l);
}

static void blind_books(void) {
    struct look *l = begin("4xH100-NVL", 0);
    node.program_on = 1;
    (void)see(l, NOW);
    ok(ask(l, NOW) && tells(l, "unassigned"), "a program on a GPU that nobody was given");
    node.machine = NULL;
    (void)see(l, NOW + 10);
    ok(ask(l, NOW + 12) && tells(l, "unassigned"),
       "the driver does not answer: the GPU is not free for that");
    node.machine = "4xH100-NVL";
    node.program_on = 0;
    (void)see(l, NOW + 20);
    ok(ask(l, NOW + 20) && !tells(l, "unassigned"), "it answers, and the program is gone");
    look_free(l);
}

static void books(void) {
    struct look *l = begin("4xH100-NVL", 0);
    char uuid[GPU_UUID_MAX];
    struct topo t;
    struct err e = {0};
    ok(synth_read(SPAN("4xH100-NVL"), &t, &e), "the machine");
    memcpy(uuid, t.gpu[2].uuid, sizeof uuid);
    (void)see(l, NOW);
    ok(ask(l, NOW) && tells(l, "\"pods\":[]"), "nobody holds anything, and that is said");
    node.pod = "chat-0";
    node.gpu = uuid;
    ok(ask(l, NOW + 2) && tells(l, "\"name\":\"chat-0\"") && tells(l, uuid), "a pod holds GPU 2");
    char kept[8192];
    struct buf k = BUF_OVER(kept);
    buf_span(&k, look_allocations(l));
    ok(ask(l, NOW + 4) && span_is(look_allocations(l), kept), "no change, the same bytes");
    node.closed = true;
    ok(!ask(l, NOW + 6) && span_is(look_allocations(l), kept), "the kubelet is down: it stays");
    node.closed = false;
    node.program_on = 1;
    (void)see(l, NOW + 8);
    ok(ask(l, NOW + 8) && tells(l, "unassigned"), "a program on a GPU that nobody was given");
    /* The pod goes, its program with it: the reading is of before. */
    node.program_on = 3;
    (void)see(l, NOW + 10);
    (void)ask(l, NOW + 10);
    node.pod = NULL;
    node.program_on = 0;
    unsigned before = node.readings;
    ok(ask(l, NOW + 12) && !tells(l, "unassigned") && !tells(l, "chat-0"),
       "a pod that goes leaves no program behind");
    is_int(node.readings, before + 1, "since the GPUs are looked at once more");
    look_free(l);
}

int main(void) {
    a_link_goes_and_comes();
    a_restart_remembers();
    no_answer();
    clocks();
    blind_books();
    books();
    return tap_done();
}
