/* Books, programs and pods -> who holds which GPUs. Results are shown as one line an entry. */
#include <stdlib.h>

#include "tests/tap.h"
#include "topology/buf.h"
#include "webhook/core/holders.h"

#define GPU(n) "GPU-0000000" #n "-0000-4000-8000-00000000000" #n
#define MIG    "MIG-aaaaaaaa-0000-4000-8000-000000000001"

/* "ns/name|uid|container|resource|id id": ns, name or uid may be empty. */
struct row {
    const char *what;
    const char *held[6];
    const char *pods[4];  /* "ns/name|uid", "!" in front: ended */
    const char *programs; /* "gpu:pid:uid ..." */
    bool complete;
    const char *want;
};

#define RES "nvidia.com/gpu"

static const struct row rows[] = {
    {.what = "nobody holds anything", .want = ""},
    {.what = "one entry a device, put together, in order",
     .held = {"llm/chat-0||main|" RES "|" GPU(2), "llm/chat-0||main|" RES "|" GPU(1),
              "a/z||main|" RES "|" GPU(0)},
     .want = "a/z main: 0\nllm/chat-0 main: 1,2\n"},
    {.what = "containers are told apart",
     .held = {"llm/a||two|" RES "|" GPU(1), "llm/a||one|" RES "|" GPU(0)},
     .want = "llm/a one: 0\nllm/a two: 1\n"},
    {.what = "shares: several hold one GPU, and two shares of it are one",
     .held = {"llm/a||m|nvidia.com/gpu.shared|" GPU(1) "::3",
              "llm/b||m|nvidia.com/gpu.shared|" GPU(1) "::0 " GPU(1) "::1",
              "llm/c||m|" RES "|" GPU(1) "-7"},
     .want = "llm/a m: 1\nllm/b m: 1\nllm/c m: 1\n"},
    {.what = "a longer UUID is another one",
     .held = {"llm/a||m|" RES "|" GPU(1) "0"},
     .want = "llm/a m: lost " GPU(1) "0\n"},
    {.what = "slices, of a known GPU, of an older driver, of an unknown one",
     .held = {"llm/a||m|nvidia.com/mig-1g.10gb|" MIG " MIG-" GPU(2) "/1/0 MIG-x"},
     .want = "llm/a m: slice MIG-" GPU(2) "/1/0 slice " MIG " slice MIG-x on 2,3\n"},
    {.what = "shares of slices",
     .held = {"llm/a||m|nvidia.com/mig-1g.10gb.shared|" MIG "::0 " MIG "::1"},
     .want = "llm/a m: slice " MIG " on 3\n"},
    {.what = "GKE goes by minor number",
     .held = {"llm/a||m|" RES "|nvidia1 nvidia0/vgpu2", "llm/b||m|" RES "|nvidia2/gi3/vgpu1",
              "llm/c||m|" RES "|nvidia9"},
     .want = "llm/a m: 1,2\nllm/b m: slice nvidia2/gi3 on 0\nllm/c m: lost nvidia9\n"},
    {.what = "so does the DRA driver",
     .held = {"llm/a||m|gpu.nvidia.com|gpu-2", "llm/b||m|gpu.nvidia.com|gpu-0-mig-1g5gb-19-0",
              "llm/c||m|gpu.nvidia.com|odd", "llm/d||m|other.example.com|gpu-0"},
     .want = "llm/a m: 0\nllm/b m: slice gpu-0-mig-1g5gb-19-0 on 2\nllm/c m: lost odd\n"},
    {.what = "a GPU that has gone, and ids nobody knows, are held all the same",
     .held = {"llm/a||m|" RES "|GPU-gone::0 GPU-gone::1 GPU-also", "llm/b||m|" RES "|7"},
     .want = "llm/a m: lost GPU-also lost GPU-gone\nllm/b m: lost 7\n"},
    {.what = "other devices are none of ours",
     .held = {"llm/a||m|nvidia.com/hostdev|0000:03:00.2", "llm/a||m|rdma/hca|x",
              "llm/b||m|nvidia.com/GA102GL_A10|12"},
     .want = ""},
    {.what = "a resource with a name of its own, by the GPU's UUID",
     .held = {"llm/a||m|nvidia.com/a100|" GPU(3), "llm/b||m|example.com/fast|" GPU(0)},
     .want = "llm/a m: 3\nllm/b m: 0\n"},
    {.what = "the checkpoint's UIDs get their names; ended pods and those that are no more hold "
             "nothing",
     .held = {"|u1|m|" RES "|" GPU(0), "|u2|m|" RES "|" GPU(1), "|u3|m|" RES "|" GPU(2)},
     .pods = {"llm/a|u1", "!llm/b|u2"},
     .complete = true,
     .want = "llm/a m: 0\n"},
    {.what = "a UID without a name is somebody's while the list may be short",
     .held = {"|u3|m|" RES "|" GPU(2), "|u3|n|" RES "|" GPU(1)},
     .pods = {"llm/a|u1"},
     .want = "? u3: 1,2\n"},
    {.what = "names of the books need no list",
     .held = {"llm/a||m|" RES "|" GPU(0)},
     .pods = {"llm/b|u1"},
     .want = "llm/a m: 0\n"},
    {.what = "... but a whole list says who is no more",
     .held = {"llm/a||m|" RES "|" GPU(0), "llm/b||m|" RES "|" GPU(1)},
     .pods = {"llm/b|u1"},
     .complete = true,
     .want = "llm/b m: 1\n"},
    {.what = "a program of nobody: its GPUs are not free",
     .programs = "1:4711: 0:4711:",
     .want = "? pid 4711: 0,1\n"},
    {.what = "a program on a GPU that was given to somebody is no news",
     .held = {"llm/a||m|" RES "|" GPU(0)},
     .programs = "0:1: 0:2:u9",
     .want = "llm/a m: 0\n"},
    {.what = "a pod's program before others, then the lowest number",
     .pods = {"llm/a|u1"},
     .programs = "1:5: 1:9:u1 1:8:u1 2:7: 2:6: 0:3:u7",
     .want = "? u7 pid 3: 0\n? llm/a pid 8: 1\n? pid 6: 2\n"},
    {.what = "a pod that holds one GPU and computes on another",
     .held = {"llm/a||m|" RES "|" GPU(0)},
     .pods = {"llm/a|u1"},
     .complete = true,
     .programs = "0:5:u1 1:5:u1",
     .want = "llm/a m: 0\n? llm/a pid 5: 1\n"},
    {.what = "an ended pod's GPU on which a program still runs",
     .held = {"|u1|m|" RES "|" GPU(2)},
     .pods = {"!llm/a|u1"},
     .programs = "2:12:u1",
     .want = "? llm/a pid 12: 2\n"},
    {.what = "GPUs that lie under a slice, or in MIG mode, or outside",
     .held = {"llm/a||m|nvidia.com/mig-1g.10gb|MIG-" GPU(2) "/1/0"},
     .programs = "2:1: 3:2: 71:3: 200:4:",
     .want = "llm/a m: slice MIG-" GPU(2) "/1/0 on 2\n"},
    {.what = "programs without a number", .programs = "0:0: 1:0:", .want = "? pid 0: 0,1\n"},
};

static struct topo topo;
static struct holdings *out;

static struct held_pod held_of(const char *text, struct span *ids) {
    struct span s = span_of(text);
    struct held_pod h = {.id = ids};
    h.ns = span_cut(&s, '/');
    if (span_find(h.ns, '|') < h.ns.n) {
        s = span_of(text);
        h.ns = (struct span){0};
    }
    h.name = span_cut(&s, '|');
    h.uid = span_cut(&s, '|');
    h.container = span_cut(&s, '|');
    h.resource = span_cut(&s, '|');
    while (s.n) {
        ids[h.n++] = span_cut(&s, ' ');
    }
    return h;
}

static struct node_pod pod_of(const char *text) {
    struct span s = span_of(text);
    struct node_pod p = {.ended = text[0] == '!'};
    s = span_from(s, p.ended);
    p.ns = span_cut(&s, '/');
    p.name = span_cut(&s, '|');
    p.uid = s;
    return p;
}

static uint32_t programs_of(const char *text, struct held_process *list) {
    struct span s = span_of(text);
    uint32_t n = 0;
    while (s.n) {
        struct span one = span_cut(&s, ' ');
        uint32_t gpu = 0;
        if (!span_u32(span_cut(&one, ':'), 255, &gpu) ||
            !span_u32(span_cut(&one, ':'), UINT32_MAX, &list[n].pid)) {
            ok(false, "the fixture is sound: %s", text);
        }
        list[n].gpu = (uint8_t)gpu;
        list[n++].uid = one;
    }
    return n;
}

static void show(const struct holding *h, bool unassigned, struct buf *b) {
    buf_str(b, unassigned ? "?" : "");
    if (h->pod.n) {
        buf_fmt(b, "%s" SPAN_FMT "/" SPAN_FMT, unassigned ? " " : "", SPAN_ARG(h->ns),
                SPAN_ARG(h->pod));
    }
    if (h->container.n) {
        buf_fmt(b, " " SPAN_FMT, SPAN_ARG(h->container));
    }
    if (h->uid.n) {
        buf_fmt(b, " " SPAN_FMT, SPAN_ARG(h->uid));
    }
    if (h->pid || (unassigned && !h->pod.n && !h->uid.n)) {
        buf_fmt(b, " pid %u", h->pid);
    }
    buf_str(b, ":");
    const char *sep = " ";
    for (GPUSET_EACH(i, h->gpus)) {
        buf_fmt(b, "%s%u", sep, i);
        sep = ",";
    }
    for (unsigned i = 0; i < h->n_other; i++) {
        buf_fmt(b, " %s " SPAN_FMT, h->other[i].slice ? "slice" : "lost", SPAN_ARG(h->other[i].id));
    }
    sep = " on ";
    for (GPUSET_EACH(i, h->sliced)) {
        buf_fmt(b, "%s%u", sep, i);
        sep = ",";
    }
    buf_str(b, "\n");
}

static void settle(const struct row *r, bool backwards) {
    static const int16_t minor[] = {2, 1, 0, 3};
    const struct held_slice slice = {SPAN(MIG), 3};
    struct span ids[6][8];
    struct held_pod held[6];
    struct node_pod pods[4];
    struct held_process programs[16] = {0};
    uint32_t n = 0;
    uint32_t n_pods = 0;
    while (n < 6 && r->held[n]) {
        n++;
    }
    for (uint32_t i = 0; i < n; i++) {
        held[i] = held_of(r->held[backwards ? n - 1 - i : i], ids[i]);
    }
    for (; n_pods < 4 && r->pods[n_pods]; n_pods++) {
        pods[n_pods] = pod_of(r->pods[n_pods]);
    }
    const struct held_list list = {held, n};
    const struct holders_in in = {.topo = &topo,
                                  .minor = minor,
                                  .held = &list,
                                  .process = programs,
                                  .n_process = r->programs ? programs_of(r->programs, programs) : 0,
                                  .slice = &slice,
                                  .n_slice = 1,
                                  .pod = pods,
                                  .n_pod = n_pods,
                                  .pods_complete = r->complete};
    struct err e = {0};
    char text[2048] = "";
    struct buf b = BUF_OVER(text);
    if (!holders_settle(&in, out, &e)) {
        buf_str(&b, e.msg);
    }
    for (unsigned i = 0; i < out->n_pods; i++) {
        show(&out->pod[i], false, &b);
    }
    for (unsigned i = 0; i < out->n_unassigned; i++) {
        show(&out->unassigned[i], true, &b);
    }
    is_str(text, r->want, backwards ? "... in any order" : r->what);
}

/* ---- limits ---- */

static bool many(uint32_t containers, uint32_t ids, bool named, struct err *e) {
    static char text[HELD_PODS_MAX + 2][16];
    static struct held_pod held[HELD_PODS_MAX + 2];
    static struct span id[HELD_PODS_MAX + 2];
    for (uint32_t i = 0; i < containers || i < ids; i++) {
        (void)snprintf(text[i], sizeof text[i], "x%u", i);
        id[i] = span_of(text[i]);
    }
    for (uint32_t i = 0; i < containers; i++) {
        held[i] =
            (struct held_pod){.container = SPAN("m"), .resource = SPAN(RES), .id = id, .n = ids};
        if (named) {
            held[i].ns = SPAN("llm");
            held[i].name = id[i];
        } else {
            held[i].uid = id[i];
        }
    }
    const struct held_list list = {held, containers};
    const struct holders_in in = {.topo = &topo, .held = &list};
    return holders_settle(&in, out, e);
}

static void limits(void) {
    struct err e = {0};
    ok(many(HELD_PODS_MAX, 1, true, &e) && out->n_pods == HELD_PODS_MAX, "512 containers");
    ok(!many(HELD_PODS_MAX + 1, 1, true, &e) && e.code == ERR_TOO_LARGE && out->n_pods == 0,
       "one more is an error, not a cut");
    is_str(e.msg, "more than 512 containers hold GPUs on this node", "which says what");
    ok(many(1, GPU_MAX, true, &e) && out->pod[0].n_other == GPU_MAX, "72 GPUs in one container");
    ok(!many(1, GPU_MAX + 1, true, &e) && e.code == ERR_TOO_LARGE, "one more is an error");
    is_str(e.msg, "container \"m\" of pod llm/x0 holds more than 72 GPUs", "which says where");
    ok(many(HELD_UNASSIGNED_MAX, 1, false, &e) && out->n_unassigned == HELD_UNASSIGNED_MAX,
       "128 holders without a name");
    ok(!many(HELD_UNASSIGNED_MAX + 1, 1, false, &e) && e.code == ERR_TOO_LARGE &&
           out->n_unassigned == 0,
       "one more is an error");
}

int main(void) {
    static const char *const uuids[] = {GPU(0), GPU(1), GPU(2), GPU(3)};
    topo_init(&topo, 4);
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(topo.gpu[i].uuid, sizeof topo.gpu[i].uuid, "%s", uuids[i]);
    }
    topo.gpu[3].mig = TRI_YES;
    out = calloc(1, sizeof *out);
    if (!out) {
        printf("Bail out! no memory\n");
        return 1;
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        settle(&rows[i], false);
        settle(&rows[i], true);
    }
    limits();
    free(out);
    return tap_done();
}
