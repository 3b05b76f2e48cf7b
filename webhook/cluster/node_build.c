#include "webhook/cluster/node_build.h"

#include "topology/annotation.h"
#include "topology/smi.h"

#define SMI_TOPO_KEY   "tpguard.io/nvidia-smi-topo"
#define SMI_NVLINK_KEY "tpguard.io/nvidia-smi-nvlink"
#define CORDONED_KEY   "tpguard.io/cordoned-gpus"

static void refuse(struct node_wiring *out, const char *key, const struct err *e) {
    struct buf b = BUF_OVER(out->problem);
    buf_fmt(&b, "%s: %s%s%s", key, e->path, e->path[0] ? ": " : "", e->msg);
    out->state = NODE_TOPO_INVALID;
}

static void name_product(char product[static GPU_PRODUCT_MAX], struct span label) {
    if (!product[0] && label.n && label.n < GPU_PRODUCT_MAX) {
        memcpy(product, label.p, label.n);
    }
}

/* As smi_read, but with GPU Feature Discovery's label as product where the texts name none: only
 * with a product can "down" be told from "never fitted". */
static bool read_texts(const struct node_object *n, struct topo *out, struct err *e) {
    struct topo t;
    struct smi_links links;
    bool asked = span_trim(n->smi_nvlink).n > 0;
    if (n->smi_topo.n > SMI_TEXT_MAX || n->smi_nvlink.n > SMI_TEXT_MAX) {
        return err_set(e, ERR_TOO_LARGE, "more than %d KiB of text", SMI_TEXT_MAX / 1024);
    }
    if (!smi_read_topo(n->smi_topo, &t, e)) {
        return false;
    }
    if (asked && !smi_read_nvlink(n->smi_nvlink, &links, e)) {
        return err_wrap(e, SMI_NVLINK_KEY ": ");
    }
    for (unsigned i = 0; i < t.n; i++) {
        name_product(t.gpu[i].product, n->product);
    }
    for (unsigned i = 0; asked && i < links.n; i++) {
        name_product(links.gpu[i].product, n->product);
    }
    if (!smi_build(&t, asked ? &links : NULL, e)) {
        return false;
    }
    struct buf source = BUF_OVER(t.source);
    buf_str(&source, "nvidia-smi");
    *out = t;
    return true;
}

static void read_wiring(const struct node_object *n, struct node_wiring *out) {
    struct err e = {0};
    bool good = false;
    if (n->topology.p) {
        out->source = ANNOTATION_KEY;
        good = annotation_decode(n->topology, &out->topo, &e);
    } else if (n->smi_topo.p) {
        out->source = SMI_TOPO_KEY;
        good = read_texts(n, &out->topo, &e);
    } else if (n->smi_nvlink.p) {
        out->source = SMI_NVLINK_KEY;
        (void)err_set(&e, ERR_UNKNOWN,
                      "wants " SMI_TOPO_KEY " beside it: links alone do not say "
                      "where they lead");
    } else {
        return;
    }
    out->state = NODE_TOPO_OK;
    if (!good) {
        refuse(out, out->source, &e);
    }
}

static bool read_cordoned(struct span list, const struct topo *t, struct gpuset *out,
                          struct err *e) {
    struct gpuset set = gpuset_none();
    while (list.n) {
        uint32_t index = 0;
        struct span word = span_trim(span_cut(&list, ','));
        if (!span_u32(word, GPU_INDEX_MAX, &index)) {
            return err_set(e, ERR_INPUT, "wants GPU indices like \"0,1\", found \"" SPAN_FMT "\"",
                           SPAN_ARG(span_upto(word, 64)));
        }
        int at = topo_find_index(t, index);
        if (at < 0) {
            return err_set(e, ERR_INPUT, "names GPU %u, which the node does not have", index);
        }
        set = gpuset_with(set, (unsigned)at);
    }
    *out = set;
    return true;
}

static void count_gpus(const struct node_object *n, struct node_wiring *out,
                       struct buf *complaints) {
    uint32_t offered = n->gpus_known ? n->gpus : n->gfd_count;
    out->gpus = offered;
    if (out->state != NODE_TOPO_OK) {
        return;
    }
    uint32_t wired = out->topo.n;
    if (!n->gpus_known) {
        out->gpus = wired;
        return;
    }
    if (offered != wired) {
        buf_fmt(complaints, "%s: has %u GPUs, the kubelet offers %u\n", out->source, wired,
                offered);
        out->gpus = offered < wired ? offered : wired;
    }
}

void node_build(const struct node_object *n, struct node_wiring *out, struct buf *complaints) {
    memset(out, 0, sizeof *out);
    out->source = "";
    read_wiring(n, out);
    struct err e = {0};
    if (out->state == NODE_TOPO_OK && n->cordoned.p &&
        !read_cordoned(span_trim(n->cordoned), &out->topo, &out->cordoned, &e)) {
        refuse(out, CORDONED_KEY, &e);
    }
    if (out->problem[0]) {
        buf_fmt(complaints, "%s\n", out->problem);
    }
    count_gpus(n, out, complaints);
}
