/* The reader of `nvidia-smi nvlink --status`. */
#include "tests/tap.h"
#include "topology/annotation.h"
#include "topology/buf.h"
#include "topology/smi.h"

/* "0:listed 12/18@26562 1:allinactive"; "!" behind a GPU: incomplete. */
static const char *shown(const struct smi_links *l, char *text, size_t cap) {
    struct buf b = buf_over(text, cap);
    for (unsigned i = 0; i < l->n; i++) {
        const struct gpu_links *g = &l->gpu[i].links;
        buf_fmt(&b, "%s%u:%s", i ? " " : "", l->gpu[i].index,
                links_state_name((enum links_state)g->state));
        if (g->listed) {
            buf_fmt(&b, " %u/%u@%u", g->on, g->listed, g->mbps);
        }
        buf_str(&b, l->gpu[i].incomplete ? "!" : "");
    }
    buf_str(&b, l->none ? "none" : "");
    buf_str(&b, l->names_only ? " (names only)" : "");
    buf_str(&b, l->cut ? " (cut)" : "");
    return text;
}

#define INACTIVE "NVML: Unable to retrieve NVLink information as all links are inActive\n"
#define A30      "GPU 0: NVIDIA A30 (UUID: GPU-1)\n"
#define FOUR     "\t Link 0: 25 GB/s\n\t Link 1: 25 GB/s\n\t Link 2: 25 GB/s\n\t Link 3: 25 GB/s\n"

static const struct {
    const char *name;
    const char *text;
    const char *want;
} readings[] = {
    {"the driver's own layout", A30 FOUR, "0:listed 4/4@25000"},
    {"an unbridged card", A30 INACTIVE "GPU 1: NVIDIA A30 (UUID: GPU-2)\n" INACTIVE,
     "0:allinactive 1:allinactive"},
    {"the newer spelling",
     "GPU 1: NVIDIA A30\nNVML: Unable to retrieve Nvlink information as all "
     "links are inactive\n",
     "1:allinactive"},
    {"an old driver's one line a link",
     A30 "\t Link 0: <inactive>\n\t Link 1: <inactive>\n\t Link 2: <inactive>\n\t Link 3: "
         "<inactive>\n",
     "0:listed 0/4@0"},
    {"links down among others",
     A30 "\t Link 0: 25 GB/s\n\t Link 1: <inactive>\n\t Link 2: 25 GB/s\n\t Link 3: 25 GB/s\n",
     "0:listed 3/4@25000"},
    {"what HTML leaves of <inactive>",
     A30 "\t Link 0: 25 GB/s\n\t Link 1: &lt;inactive&gt;\n\t Link 2: 25 GB/s\n\t Link 3: 25 "
         "GB/s\n",
     "0:listed 3/4@25000"},
    {"an eaten <inactive>",
     A30 "\t Link 0: 25 GB/s\n\t Link 1: \n\t Link 2: 25 GB/s\n\t Link 3: 25 GB/s\n",
     "0:unknown 3/3@25000!"},
    {"a speed with more digits than nvidia-smi prints",
     A30 "Link 0: 14.06254 GB/s\nLink 1: 14.0625 GB/s\nLink 2: 14.06 GB/s\nLink 3: 15 GB/s\n",
     "0:listed 4/4@14060"},
    {"a speed of 0", A30 "Link 0: 0 GB/s\nLink 1: 25 GB/s\nLink 2: 25 GB/s\nLink 3: 25 GB/s\n",
     "0:listed 3/4@25000"},
    {"a gap", A30 "Link 0: 25 GB/s\nLink 3: 25 GB/s\n", "0:unknown 2/2@25000!"},
    {"a gap that the author marked", A30 "Link 0: 25 GB/s\n[...]\nLink 3: 25 GB/s\n",
     "0:unknown 2/2@25000!"},
    {"fewer links than the product has", A30 "Link 0: 25 GB/s\nLink 1: 25 GB/s\n",
     "0:unknown 2/2@25000!"},
    {"a product nobody knows", "GPU 4: NVIDIA Z900\nLink 0: 25 GB/s\nLink 1: 25 GB/s\n",
     "4:listed 2/2@25000"},
    {"and its marked cut", "GPU 4: NVIDIA Z900\nLink 0: 25 GB/s\nLink 1: 25 GB/s\n...\n",
     "4:unknown 2/2@25000!"},
    {"two of them, one shorter",
     "GPU 0: NVIDIA Z900\nLink 0: 25 GB/s\nLink 1: 25 GB/s\nGPU 1: NVIDIA Z900\nLink 0: 25 GB/s\n",
     "0:listed 2/2@25000 1:unknown 1/1@25000!"},
    {"GPUs left out between two", A30 FOUR "...\nGPU 7: NVIDIA A30\n" FOUR,
     "0:listed 4/4@25000 7:listed 4/4@25000"},
    {"a doubled link line", A30 FOUR "\t Link 3: 25 GB/s\n", "0:unknown 4/4@25000!"},
    {"links in another order",
     A30 "Link 3: 25 GB/s\nLink 1: 25 GB/s\nLink 0: 25 GB/s\nLink 2: <inactive>\n",
     "0:listed 3/4@25000"},
    {"a query that failed",
     A30 "Link 0: 25 GB/s\nNVML: Unable to retrieve NVLink speed for link 1: Unknown Error\n"
         "Link 2: 25 GB/s\nLink 3: 25 GB/s\n",
     "0:unknown 3/3@25000!"},
    {"a query that found the link inactive",
     A30 "Link 0: 25 GB/s\nNVML: Unable to retrieve NVLink speed for link 1 - inActive\n"
         "Link 2: 25 GB/s\nLink 3: 25 GB/s\n",
     "0:listed 3/4@25000"},
    {"an old driver on a new GPU",
     A30 "Link 0: 25 GB/s\nNVML: Invalid NvLink ID\nNVML: Unable to translate NvLink link ID for "
         "link 12: Invalid Argument\n",
     "0:unknown 1/1@25000!"},
    {"a line that is cut inside its number", A30 FOUR "\t Link 4: 2", "0:unknown 4/4@25000!"},
    {"a line that is cut inside its unit", A30 "\t Link 0: 25 GB/", "0:unknown!"},
    {"a line that is cut after its first letters", A30 FOUR "\t Li", "0:unknown 4/4@25000!"},
    {"a GPU line that is cut", A30 FOUR "GPU 1", "0:listed 4/4@25000 (cut)"},
    {"a GPU without NVLink, newer drivers",
     "GPU 0: NVIDIA L40S (UUID: GPU-1)\nDevice does not have or support Nvlink\n", "0:none"},
    {"a GPU without NVLink among others",
     "GPU 0: NVIDIA L40S (UUID: GPU-1)\nGPU 1: NVIDIA A30 (UUID: GPU-2)\n" FOUR,
     "0:none 1:listed 4/4@25000"},
    {"a product name cut to another's", "GPU 0: NVIDIA A10", "0:unknown!"},
    {"a node without NVLink", "No NVLink devices found.\n", "none"},
    {"a GPU of which nothing is said", A30 "GPU 1: NVIDIA A30 (UUID: GPU-2)\n" FOUR,
     "0:unknown! 1:listed 4/4@25000"},
    {"nvidia-smi -L", "GPU 0: NVIDIA A30 (UUID: GPU-1)\nGPU 1: NVIDIA A30 (UUID: GPU-2)\n",
     "0:unknown 1:unknown (names only)"},
    {"error counters behind the status",
     A30 FOUR A30 "\t Link 0: Replay Errors: 0\n\t Link 0: Recovery Errors: 0\n\t Link 0: CRC "
                  "Errors: N/A\n",
     "0:listed 4/4@25000"},
    {"remote devices and capabilities",
     A30 FOUR "\t Link 0: Remote Device 00000000:CA:00.0: Link 0\n\t Link 1: Not Supported\n"
              "\t Link 0, P2P is supported: true\n",
     "0:listed 4/4@25000"},
    {"no GPU in order", "GPU 3: NVIDIA A30\n" FOUR "GPU 1: NVIDIA A30\n" FOUR,
     "1:listed 4/4@25000 3:listed 4/4@25000"},
    {"a matrix behind it", A30 FOUR "\tGPU0\tGPU1\nGPU0\t X \tNV4\n\nLegend:\n  X    = Self\n",
     "0:listed 4/4@25000"},
    {"CRLF and blank lines between",
     "GPU 0: NVIDIA A30\r\n\r\n  Link 0: 25 GB/s\r\n  \r\n"
     "  Link 1: 25 GB/s\r\n  Link 2: 25 GB/s\r\n  Link 3: 25 GB/s",
     "0:listed 4/4@25000"},
};

static void test_readings(void) {
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct smi_links l;
        struct err e = {0};
        char text[512];
        bool read = smi_read_nvlink(span_of(readings[i].text), &l, &e);
        is_str(read ? shown(&l, text, sizeof text) : e.msg, readings[i].want, readings[i].name);
    }
}

static const struct {
    const char *name;
    const char *text;
    enum err_code code;
} refused[] = {
    {"an empty text", "", ERR_UNKNOWN},
    {"a greeting", "hello", ERR_INPUT},
    {"a matrix", "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n", ERR_INPUT},
    {"links without a GPU", "\t Link 0: 25 GB/s\n", ERR_UNKNOWN},
    {"no driver", "NVIDIA-SMI has failed because it couldn't communicate\n", ERR_UNKNOWN},
    {"an error of NVML alone", "NVML: Invalid NvLink ID\n", ERR_UNKNOWN},
    {"a link number beyond NVML's", A30 "Link 36: 25 GB/s\n", ERR_INPUT},
    {"a GPU number beyond ours", "GPU 1024: NVIDIA A30\nLink 0: 25 GB/s\n", ERR_TOO_LARGE},
};

static void test_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct smi_links l = {.n = 77};
        struct err e = {0};
        ok(!smi_read_nvlink(span_of(refused[i].text), &l, &e) && e.code == refused[i].code &&
               l.n == 77,
           "%s: %s", refused[i].name, e.msg);
    }
    struct smi_links l;
    struct err e = {0};
    struct buf b = buf_new(SMI_TEXT_MAX);
    for (unsigned i = 0; i <= GPU_MAX; i++) {
        buf_fmt(&b, "GPU %u: NVIDIA A30\n", i);
    }
    ok(!smi_read_nvlink(buf_view(&b), &l, &e) && e.code == ERR_TOO_LARGE, "73 GPUs are refused");
    buf_done(&b);
}

static void test_names(void) {
    struct smi_links l;
    struct err e = {0};
    ok(smi_read_nvlink(SPAN("GPU 0: NVIDIA H100 NVL (UUID: GPU-ab-12)\n" INACTIVE), &l, &e),
       "a GPU line is read");
    is_str(l.gpu[0].product, "NVIDIA H100 NVL", "the product is what stands before the UUID");
    is_str(l.gpu[0].uuid, "GPU-ab-12", "the UUID stands in its parentheses");
    ok(smi_read_nvlink(SPAN("GPU 0: NVIDIA H100 NVL (UUID: ...)\n" INACTIVE), &l, &e) &&
           !l.gpu[0].uuid[0],
       "an elided UUID is none");
    ok(smi_read_nvlink(SPAN("GPU 0: \x1b]0;evil\x07 (UUID: GPU-\x1b[2J)\n" INACTIVE), &l, &e) &&
           !l.gpu[0].uuid[0] && !l.gpu[0].product[0],
       "names with control bytes are none");
    ok(smi_read_nvlink(SPAN("GPU 0:\n" INACTIVE), &l, &e) && !l.gpu[0].product[0],
       "a GPU line without names is read");
}

/* Whatever is cut off the end: a GPU is either said to be incomplete, or reads as in the whole. */
static void test_cut_anywhere(void) {
    static const char whole[] = "GPU 0: NVIDIA A100-SXM4-80GB (UUID: GPU-11)\n\t Link 0: 25 GB/s\n"
                                "\t Link 1: 25 GB/s\n\t Link 2: <inactive>\n\t Link 3: 25 GB/s\n"
                                "\t Link 4: 25 GB/s\n\t Link 5: 25 GB/s\n\t Link 6: 25 GB/s\n"
                                "\t Link 7: 25 GB/s\n\t Link 8: 25 GB/s\n\t Link 9: 25 GB/s\n"
                                "\t Link 10: 25 GB/s\n\t Link 11: <inactive>\n"
                                "GPU 1: NVIDIA A100-SXM4-80GB (UUID: GPU-12)\n" INACTIVE
                                "GPU 10: NVIDIA A30 (UUID: GPU-13)\n" FOUR;
    unsigned lies = 0;
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        struct smi_links l;
        struct err e = {0};
        char text[256];
        if (!smi_read_nvlink((struct span){whole, n}, &l, &e)) {
            continue;
        }
        (void)shown(&l, text, sizeof text);
        for (unsigned i = 0; i < l.n; i++) {
            const struct gpu_links *g = &l.gpu[i].links;
            bool good = l.gpu[i].index == 0   ? g->on == 10 && g->listed == 12
                        : l.gpu[i].index == 1 ? g->state == LINKS_ALL_INACTIVE
                                              : g->on == 4 && g->listed == 4;
            if (!good && g->state != LINKS_UNKNOWN) {
                lies++;
                printf("# %zu bytes: %s\n", n, text);
            }
        }
    }
    is_int(lies, 0, "a text cut at any byte claims nothing that the whole does not say");
}

int main(void) {
    test_readings();
    test_refused();
    test_names();
    test_cut_anywhere();
    return tap_done();
}
