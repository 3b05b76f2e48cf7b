/* The reader of `nvidia-smi topo -m`: what it refuses and why, what it reads out of damaged pastes,
 * and that a cut text never passes for a smaller machine. */
#include "tests/tap.h"
#include "topology/buf.h"
#include "topology/smi.h"

/* "n=2 0>1:NV12 1>0:NV12": every wire, by NVML index. */
static const char *shown(const struct topo *t, char *text, size_t cap) {
    struct buf b = buf_over(text, cap);
    buf_fmt(&b, "n=%u", t->n);
    for (unsigned i = 0; i < t->n; i++) {
        for (unsigned j = 0; j < t->n; j++) {
            char word[8];
            if (i != j) {
                buf_fmt(&b, " %u>%u:%s", t->gpu[i].index, t->gpu[j].index,
                        wire_word(t->wire[i][j], word));
            }
        }
    }
    return text;
}

static const struct {
    const char *name;
    const char *text;
    enum err_code code;
    const char *part; /* of the message */
} refused[] = {
    {"an empty text", "", ERR_UNKNOWN, "empty"},
    {"white space", " \n\t\r\n", ERR_UNKNOWN, "empty"},
    {"a greeting", "hello\n", ERR_INPUT, "found none"},
    {"the legend alone", "Legend:\n\n  X    = Self\n  SYS  = Connection\n", ERR_INPUT,
     "found none"},
    {"nvidia-smi's own failure", "GPU0 GPU1 CPU Affinity\nFailed to run topology matrix\n\n",
     ERR_UNKNOWN, "Failed to run topology matrix"},
    {"the failure behind a whole matrix",
     "\tGPU0\tGPU1\nGPU0\t X \tSYS\nGPU1\tSYS\t X \nFailed to run topology matrix\n", ERR_UNKNOWN,
     "Failed to run"},
    {"no driver", "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
     ERR_UNKNOWN, "NVIDIA-SMI has failed"},
    {"no program", "bash: nvidia-smi: command not found\n", ERR_UNKNOWN, "command not found"},
    {"no device", "No devices were found\n", ERR_UNKNOWN, "No devices"},
    {"a header alone", "\tGPU0\tGPU1\tCPU Affinity\n", ERR_UNKNOWN, "GPU0 is missing"},
    {"a last row that is missing", "\tGPU0\tGPU1\nGPU0\t X \tNV4\n", ERR_UNKNOWN,
     "the row of GPU1 is missing (1 of 2 found)"},
    {"a row cut in the middle",
     "\tGPU0\tGPU1\tGPU2\nGPU0\t X \tNV4\tSYS\nGPU1\tNV4\t X \tSYS\nGPU2\tSYS\tSY", ERR_UNKNOWN,
     "row GPU2 has 1 of 3 cells"},
    {"a row whose affinity stands where a cell should",
     "\tGPU0\tGPU1\tCPU Affinity\nGPU0\t X \t0-31\nGPU1\tNV4\t X \t0-31\n", ERR_UNKNOWN,
     "row GPU0 has 1 of 2 cells"},
    {"a row without its NIC cells",
     "\tGPU0\tGPU1\tNIC0\tNIC1\tCPU Affinity\nGPU0\t X \tNV4\tPIX\t0-3\nGPU1\tNV4\t X "
     "\tPIX\tPIX\t0\n",
     ERR_UNKNOWN, "row GPU0 has 3 of 4 cells"},
    {"a row that the header does not name",
     "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \nGPU2\tSYS\tSYS\n", ERR_UNKNOWN, "cut"},
    {"NV without a number", "\tGPU0\tGPU1\nGPU0\t X \tNV\nGPU1\tNV4\t X \n", ERR_INPUT,
     "found \"NV\""},
    {"NV with a letter", "\tGPU0\tGPU1\nGPU0\t X \tNVX\nGPU1\tNV4\t X \n", ERR_INPUT,
     "found \"NVX\""},
    {"more lanes than any GPU has", "\tGPU0\tGPU1\nGPU0\t X \tNV99\nGPU1\tNV4\t X \n", ERR_INPUT,
     "found \"NV99\""},
    {"no lanes", "\tGPU0\tGPU1\nGPU0\t X \tNV0\nGPU1\tNV4\t X \n", ERR_INPUT, "found \"NV0\""},
    {"words of topo -p2p", " \tGPU0\tGPU1\n GPU0\tX\tOK\t\n GPU1\tOK\tX\t\n", ERR_INPUT,
     "found \"OK\""},
    {"no X on the diagonal", "\tGPU0\tGPU1\nGPU0\tNV4\t X \nGPU1\t X \tNV4\n", ERR_INPUT,
     "wants X"},
    {"an X beside the diagonal", "\tGPU0\tGPU1\nGPU0\t X \tX\nGPU1\tNV4\t X \n", ERR_INPUT,
     "wants X"},
    {"a row twice, as merge conflicts leave it",
     "\tGPU0\tGPU1\n<<<<<<< HEAD\nGPU0\t X \tNV4\n=======\nGPU0\t X \tSYS\n>>>>>>> b\n"
     "GPU1\tNV4\t X \n",
     ERR_INPUT, "row GPU0 stands twice"},
    {"a name twice in the header", "\tGPU0\tGPU0\nGPU0\t X \tNV4\n", ERR_INPUT, "GPU0 twice"},
    {"two matrices", "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n\tGPU0\tGPU1\n", ERR_INPUT,
     "second matrix"},
    {"a GPU number out of bounds", "\tGPU0\tGPU1024\nGPU0\t X \tSYS\n", ERR_TOO_LARGE, "GPU1024"},
    {"a GPU number out of all bounds", "\tGPU0\tGPU40000000000\nGPU0\t X \tSYS\n", ERR_TOO_LARGE,
     "up to 1023"},
    {"rows without a header that do not account for the cells",
     "GPU0\t X \tNV4\tSYS\tSYS\nGPU1\tNV4\t X \tSYS\tSYS\n", ERR_UNKNOWN, "no header line"},
};

static void test_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct topo t;
        struct err e = {0};
        memset(&t, 0x5a, sizeof t);
        bool read = smi_read_topo(span_of(refused[i].text), &t, &e);
        ok(!read && e.code == refused[i].code && strstr(e.msg, refused[i].part),
           "%s is refused: %s", refused[i].name, e.msg);
        ok(t.n == 0x5a && t.gpu[0].index == 0x5a5a, "and the output stays untouched");
    }
}

static const struct {
    const char *name;
    const char *text;
    const char *want;
} readings[] = {
    {"the driver's own layout",
     "\t\x1b[4mGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\x1b[0m\n"
     "GPU0\t X \tNV6\tPIX\t0-7\t0\t\tN/A\nGPU1\tNV6\t X \tSYS\t8-15\t1\t\tN/A\n"
     "NIC0\tPIX\tSYS\t X \t\t\t\t\n\nLegend:\n\n  X    = Self\n  NV#  = Connection\n",
     "n=2 0>1:NV6 1>0:NV6"},
    {"escape codes whose ESC was lost",
     "\t[4mGPU0\tGPU1\tCPU Affinity[0m\nGPU0\t X \tPHB\t0\nGPU1\tPHB\t X \t0\n",
     "n=2 0>1:PHB 1>0:PHB"},
    {"escape codes spelled out",
     "\t\\u001b[4mGPU0\tGPU1\\u001b[0m\nGPU0\t X \tPXB\nGPU1\tPXB\t X \n", "n=2 0>1:PXB 1>0:PXB"},
    {"escape codes in caret notation", "\t^[[4mGPU0\tGPU1^[[0m\nGPU0 X PIX\nGPU1 PIX X\n",
     "n=2 0>1:PIX 1>0:PIX"},
    {"CRLF line ends", "\tGPU0\tGPU1\r\nGPU0\t X \tNV2\r\nGPU1\tNV2\t X \r\n",
     "n=2 0>1:NV2 1>0:NV2"},
    {"one blank between all words",
     "GPU0 GPU1 CPU Affinity NUMA Affinity\nGPU0 X NV3 0-3 0\nGPU1 NV3 X 4-7 1\n",
     "n=2 0>1:NV3 1>0:NV3"},
    {"empty affinity cells",
     "\tGPU0\tGPU1\tCPU Affinity\tNUMA Affinity\nGPU0\t X \tNV4\t\t\n"
     "GPU1\tNV4\t X \t\t1\n",
     "n=2 0>1:NV4 1>0:NV4"},
    {"no header line", "GPU0\t X \tNODE\t0-3\nGPU1\tNODE\t X \t0-3\n", "n=2 0>1:NODE 1>0:NODE"},
    {"no header line, with NICs", "GPU0 X NV1 SYS 0-3\nGPU1 NV1 X SYS 0-3\nmlx5_0 SYS SYS X\n",
     "n=2 0>1:NV1 1>0:NV1"},
    {"a header that begins in the first column",
     "GPU0 GPU1 ib0 CPU Affinity\nGPU0 X SOC SOC 0\n"
     "GPU1 SOC X SOC 0\n",
     "n=2 0>1:SYS 1>0:SYS"},
    {"a prompt, prose and a no-NIC note before the matrix",
     "root@node:~# nvidia-smi topo -m\nGPU0 is slow, see:\n"
     "12 NICs found in the topology, only displaying 8 in the matrix.\n"
     "\tGPU0\tGPU1\nGPU0\t X \tSYS\nGPU1\tSYS\t X \nGPU0 and GPU1 do not talk\n",
     "n=2 0>1:SYS 1>0:SYS"},
    {"quoted mail", "> \tGPU0\tGPU1\n> GPU0\t X \tNV4\n> GPU1\tNV4\t X \n", "n=2 0>1:NV4 1>0:NV4"},
    {"a Markdown table",
     "|      | GPU0 | GPU1 |\n|------|------|------|\n| GPU0 |  X   | NV8  |\n| GPU1 | NV8  |  X   "
     "|\n",
     "n=2 0>1:NV8 1>0:NV8"},
    {"a byte order mark and no-break spaces",
     "\xef\xbb\xbf\tGPU0\xc2\xa0GPU1\nGPU0\xc2\xa0X\xc2\xa0NV5\nGPU1 NV5 X\n",
     "n=2 0>1:NV5 1>0:NV5"},
    {"sparse numbers in another order", "\tGPU5\tGPU2\nGPU5\t X \tNV4\nGPU2\tSYS\t X \n",
     "n=2 2>5:SYS 5>2:NV4"},
    {"directions that disagree", "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNODE\t X \n",
     "n=2 0>1:NV4 1>0:NODE"},
    {"cells that the driver does not know",
     "\tGPU0\tGPU1\nGPU0\t X \tUnknown\nGPU1\tUnknown\t X \n", "n=2 0>1:? 1>0:?"},
    {"one GPU", "\tGPU0\tCPU Affinity\nGPU0\t X \t0-7\n", "n=1"},
    {"one GPU and a NIC", "\tGPU0\tNIC0\tCPU Affinity\nGPU0\t X \tSYS\t0-7\nNIC0\tSYS\t X\n",
     "n=1"},
    {"ragged NIC rows", "\tGPU0\tmlx5_0\tmlx5_1\nGPU0\t X \tPIX\tPIX\nmlx5_0\tPIX\nmlx5_1\n",
     "n=1"},
    {"no line end at the end", "\tGPU0\tGPU1\nGPU0\t X \tNV18\nGPU1\tNV18\t X",
     "n=2 0>1:NV18 1>0:NV18"},
};

static void test_readings(void) {
    for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
        struct topo t;
        struct err e = {0};
        char text[512];
        bool read = smi_read_topo(span_of(readings[i].text), &t, &e);
        is_str(read ? shown(&t, text, sizeof text) : e.msg, readings[i].want, readings[i].name);
    }
}

static unsigned next_random(unsigned *state) {
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

struct style {
    unsigned nics;
    bool spaces; /* columns of blanks in place of tabs */
    bool affinity;
    bool shuffled;
    unsigned indent;
};

static void put_sep(struct buf *b, const struct style *s) {
    buf_str(b, s->spaces ? "    " : "\t");
}

static void put_row(struct buf *b, const struct topo *t, const struct style *s, unsigned i) {
    buf_fill(b, ' ', s->indent);
    buf_fmt(b, "GPU%u", t->gpu[i].index);
    for (unsigned j = 0; j < t->n; j++) {
        char word[8];
        put_sep(b, s);
        buf_str(b, t->wire[i][j].kind == WIRE_UNKNOWN ? "Unknown" : wire_word(t->wire[i][j], word));
    }
    for (unsigned k = 0; k < s->nics; k++) {
        put_sep(b, s);
        buf_str(b, "SYS");
    }
    buf_str(b, s->affinity ? (s->spaces ? "  0-7  N/A" : "\t0-7\t\t\tN/A") : "");
    buf_char(b, '\n');
}

static void put_matrix(struct buf *b, const struct topo *t, const struct style *s) {
    buf_fill(b, ' ', s->indent);
    for (unsigned i = 0; i < t->n; i++) {
        put_sep(b, s);
        buf_fmt(b, "GPU%u", t->gpu[i].index);
    }
    for (unsigned k = 0; k < s->nics; k++) {
        put_sep(b, s);
        buf_fmt(b, "NIC%u", k);
    }
    buf_str(b, s->affinity ? "\tCPU Affinity\tNUMA Affinity\n" : "\n");
    for (unsigned i = 0; i < t->n; i++) {
        put_row(b, t, s, s->shuffled ? t->n - 1 - i : i);
    }
    for (unsigned k = 0; k < s->nics; k++) {
        buf_fmt(b, "NIC%u\tSYS\tX\n", k);
    }
}

static void random_topo(struct topo *t, unsigned *state, unsigned most) {
    topo_init(t, 1 + next_random(state) % most);
    unsigned index = 0;
    for (unsigned i = 0; i < t->n; i++) {
        index += next_random(state) % 3;
        t->gpu[i].index = (uint16_t)index++;
        for (unsigned j = 0; j < t->n; j++) {
            unsigned kind = next_random(state) % WIRE_KIND_COUNT;
            if (i == j || kind == WIRE_SELF) {
                continue;
            }
            t->wire[i][j].kind = (uint8_t)kind;
            t->wire[i][j].lanes =
                (uint8_t)(kind == WIRE_NVLINK ? 1 + next_random(state) % LANES_MAX : 0);
        }
    }
}

static bool same_wires(const struct topo *a, const struct topo *b) {
    bool same = a->n == b->n;
    for (unsigned i = 0; same && i < a->n; i++) {
        same = a->gpu[i].index == b->gpu[i].index;
        for (unsigned j = 0; same && j < a->n; j++) {
            same = a->wire[i][j].kind == b->wire[i][j].kind &&
                   a->wire[i][j].lanes == b->wire[i][j].lanes;
        }
    }
    return same;
}

static void test_any_matrix(void) {
    unsigned state = 7;
    unsigned bad = 0;
    for (unsigned round = 0; round < 400; round++) {
        static struct topo want;
        static struct topo got;
        struct err e = {0};
        random_topo(&want, &state, round % 40 == 0 ? GPU_MAX : 9);
        struct style s = {.nics = next_random(&state) % 4,
                          .spaces = next_random(&state) % 2,
                          .affinity = next_random(&state) % 2,
                          .shuffled = next_random(&state) % 2,
                          .indent = next_random(&state) % 7};
        struct buf b = buf_new(SMI_TEXT_MAX);
        put_matrix(&b, &want, &s);
        bad += !smi_read_topo(buf_view(&b), &got, &e) || !same_wires(&want, &got);
        buf_done(&b);
    }
    is_int(bad, 0, "random matrices in random layouts are read back as they were written");
}

/* Every prefix of a text is either refused or says the same as the whole. */
static void test_cut_anywhere(void) {
    unsigned state = 11;
    unsigned lies = 0;
    for (unsigned round = 0; round < 30; round++) {
        static struct topo want;
        random_topo(&want, &state, 6);
        struct style s = {.nics = round % 3, .spaces = round % 2, .affinity = round % 5 != 0};
        struct buf b = buf_new(SMI_TEXT_MAX);
        put_matrix(&b, &want, &s);
        for (size_t n = 0; n < b.n; n++) {
            static struct topo got;
            struct err e = {0};
            bool read = smi_read_topo(span_upto(buf_view(&b), n), &got, &e);
            lies += read && !same_wires(&want, &got);
        }
        buf_done(&b);
    }
    is_int(lies, 0, "a text cut at any byte is refused, or still holds the whole matrix");
}

static void test_limits(void) {
    struct topo t;
    struct err e = {0};
    struct buf b = buf_new((size_t)SMI_TEXT_MAX * 2);
    buf_fill(&b, 'x', SMI_TEXT_MAX + 1);
    ok(!smi_read_topo(buf_view(&b), &t, &e) && e.code == ERR_TOO_LARGE, "a huge text is refused");
    buf_reset(&b);
    for (unsigned i = 0; i <= GPU_MAX; i++) {
        buf_fmt(&b, "\tGPU%u", i);
    }
    ok(!smi_read_topo(buf_view(&b), &t, &e) && e.code == ERR_TOO_LARGE, "73 GPUs are refused");
    buf_reset(&b);
    buf_str(&b, "\tGPU0");
    for (unsigned i = 0; i < 500; i++) {
        buf_fmt(&b, "\tNIC%u", i);
    }
    ok(!smi_read_topo(buf_view(&b), &t, &e) && e.code == ERR_TOO_LARGE, "500 NICs are refused");
    buf_reset(&b);
    buf_fill(&b, '[', SMI_TEXT_MAX / 2);
    ok(!smi_read_topo(buf_view(&b), &t, &e) && e.code == ERR_INPUT, "brackets alone are no matrix");
    buf_done(&b);
    ok(!smi_read_topo(SPAN("\tGPU0\tGPU1\nGPU0\t X \tNVX\n"), &t, NULL), "the error may be NULL");
    ok(!smi_read_topo(SPAN("\tGPU0\tGPU1\nGPU0\t X \tNVX\n"), &t, &e) && !strcmp(e.path, "line 2"),
       "an error names its line");
}

static void test_which_text(void) {
    ok(smi_has_topo(SPAN("\tGPU0\tGPU1\nGPU0\t X \tNV4\n")), "a matrix is recognised");
    ok(smi_has_topo(SPAN("Failed to run topology matrix")), "and its failure");
    ok(!smi_has_topo(SPAN("GPU 0: NVIDIA H100 NVL\n\t Link 0: 26.562 GB/s\n")), "links are not");
    ok(smi_has_nvlink(SPAN("GPU 0: NVIDIA H100 NVL\n\t Link 0: 26.562 GB/s\n")), "links are links");
    ok(!smi_has_nvlink(SPAN("\tGPU0\tGPU1\nGPU0\t X \tNV4\n")), "a matrix is not");
}

int main(void) {
    test_refused();
    test_readings();
    test_any_matrix();
    test_cut_anywhere();
    test_limits();
    test_which_text();
    return tap_done();
}
