#include "tests/unit/cluster/fixture.h"

static struct buf items;

static struct cluster *one_node(const char *machine, int gpus, const char *more) {
    put_node(&items, &(struct machine){"n1", machine, gpus, more});
    return cluster_of(&items);
}

/* ---- annotations that cannot be read ---- */

static void bad_annotations(void) {
    static const struct {
        const char *machine, *more, *code, *complaint, *what;
        int gpus;
    } rows[] = {
        {NULL, "      tpguard.io/topology: 'junk'\n", "TopologyInvalid",
         "node n1: tpguard.io/topology: ", "an annotation that is no JSON", 4},
        {NULL, "      tpguard.io/topology: ''\n", "TopologyInvalid",
         "node n1: tpguard.io/topology: ", "an empty annotation", 4},
        {NULL, "      tpguard.io/nvidia-smi-topo: 'Failed to run topology matrix'\n",
         "TopologyInvalid",
         "node n1: tpguard.io/nvidia-smi-topo: ", "the text of a failed nvidia-smi", 4},
        {NULL, "      tpguard.io/nvidia-smi-nvlink: 'GPU 0: x'\n", "TopologyInvalid",
         "node n1: tpguard.io/nvidia-smi-nvlink: wants tpguard.io/nvidia-smi-topo beside it",
         "links without a matrix", 4},
        {"4xH100-NVL", "      tpguard.io/cordoned-gpus: '0;1'\n", "TopologyInvalid",
         "node n1: tpguard.io/cordoned-gpus: wants GPU indices like \"0,1\", found \"0;1\"",
         "a list of cordoned GPUs that cannot be read: it may name any of them", 4},
        {"4xH100-NVL", "      tpguard.io/cordoned-gpus: '0,9'\n", "TopologyInvalid",
         "node n1: tpguard.io/cordoned-gpus: names GPU 9, which the node does not have",
         "a cordoned GPU that is not there", 4},
        {NULL, NULL, "TopologyUnknown", "", "no annotation", 4},
        {NULL, NULL, "NoGPU", "", "a node without GPUs", 0},
        {"4xH100-NVL", "      tpguard.io/cordoned-gpus: ' 0, 1 '\n", "fits", "",
         "cordoned GPUs leave the other pair", 4},
        {"4xH100-NVL bridges=0-1", "      tpguard.io/cordoned-gpus: '1'\n", "GPUCordoned", "",
         "a cordoned GPU of the only pair", 4},
        {"4xH100-NVL", "      tpguard.io/cordoned-gpus: ''\n", "fits", "", "an empty cordon list",
         4},
        {"4xH100-NVL", "      tpguard.io/allocations: '{}'\n", "fits",
         "node n1: tpguard.io/allocations: ", "a report that cannot be read is complained of", 4},
        {"4xH100-NVL", NULL, "fits",
         "node n1: tpguard.io/topology: has 4 GPUs, the kubelet offers 3",
         "a hidden GPU can break one pair, not both", 3},
        {"4xH100-NVL down=0-1", NULL, "NVLinkSetUncertain",
         "node n1: tpguard.io/topology: has 4 GPUs, the kubelet offers 3",
         "a hidden GPU may be one of the only healthy pair", 3},
        {"4xH100-NVL", NULL, "fits", "", "a kubelet that says nothing of GPUs", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct cluster *c = one_node(rows[i].machine, rows[i].gpus, rows[i].more);
        is_str(code_for(c, "n1", 2), rows[i].code, rows[i].what);
        const char *said = complaints(c);
        if (!ok(rows[i].complaint[0] ? span_starts(span_of(said), rows[i].complaint) : !said[0],
                "... with its line for the log")) {
            printf("#  got: %s\n", said);
        }
        cluster_free(c);
    }
}

static void texts(void) {
    static const char matrix[] = "      tpguard.io/nvidia-smi-topo: |2\n"
                                 "              GPU0  GPU1  CPU Affinity\n"
                                 "        GPU0   X    NV12  0-31\n"
                                 "        GPU1  NV12   X    0-31\n";
    struct cluster *c = one_node(NULL, 2, matrix);
    is_str(code_for(c, "n1", 2), "fits", "the plain text of nvidia-smi is enough");
    struct cluster_stats s;
    cluster_stats_get(c, &s);
    ok(s.topo_ok == 1 && s.nodes == 1 && s.gpu_nodes == 1 && s.ready, "and counts as topology");
    cluster_free(c);

    char both[1024];
    struct buf b = BUF_OVER(both);
    buf_fmt(&b, "%s      tpguard.io/topology: 'junk'\n", matrix);
    c = one_node(NULL, 2, both);
    is_str(code_for(c, "n1", 2), "TopologyInvalid",
           "a broken annotation is not replaced by the text beside it");
    cluster_free(c);
}

/* The product comes from GPU Feature Discovery's label: eight lanes fewer are then damage. */
static void product_from_label(void) {
    static const char *const labels[] = {"",
                                         "    labels: {nvidia.com/gpu.product: NVIDIA-H100-NVL}\n"};
    static const char *const want[] = {"fits", "NVLinkDegraded"};
    for (unsigned i = 0; i < 2; i++) {
        struct buf b = buf_new(4096);
        struct err e = {0};
        struct cluster *c = new_cluster(NULL);
        buf_fmt(&b, "kind: Node\nmetadata:\n    name: n1\n%s    annotations:\n", labels[i]);
        buf_str(&b, "      tpguard.io/nvidia-smi-topo: |2\n"
                    "              GPU0  GPU1\n        GPU0   X    NV4\n        GPU1  NV4   X\n");
        buf_str(&b, "status: {allocatable: {nvidia.com/gpu: 2}}\n");
        ok(cluster_load(c, buf_view(&b), &e), "one Node alone is a cluster file");
        is_str(code_for(c, "n1", 2), want[i],
               i ? "with the product's label 4 lanes are too few" : "without it they are enough");
        cluster_free(c);
        buf_done(&b);
    }
}

int main(void) {
    items = buf_new((size_t)1024 * 1024);
    bad_annotations();
    texts();
    product_from_label();
    buf_done(&items);
    return tap_done();
}
