/* The second source: what nvidia-smi prints. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topology/buf.h"
#include "topology/read_inner.h"
#include "topology/smi_text.h"

/* ---- one run ---- */

/* false: the deadline passed before the end of the output, or there was more than fits: the buf
 * then shows it. */
static bool drain(int fd, int64_t deadline_ms, struct buf *out) {
    char chunk[16384];
    while (buf_ok(out)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int left = read_left_ms(deadline_ms);
        if (left == 0) {
            return false;
        }
        if (poll(&p, 1, left) <= 0) {
            continue;
        }
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0 && !(n < 0 && errno == EINTR)) {
            return n == 0;
        }
        if (n > 0) {
            buf_put(out, chunk, (size_t)n);
        }
    }
    return false;
}

struct run {
    const char *program;
    const char *args[3]; /* NULL ends */
    int64_t deadline_ms;
};

static bool judge_run(const struct run *r, int status, const struct buf *out, struct err *e) {
    if (!buf_ok(out)) {
        return err_set(e, ERR_TOO_LARGE, "%.100s %s printed more than %d bytes", r->program,
                       r->args[0], SMI_TEXT_MAX);
    }
    if (WIFSIGNALED(status)) {
        return err_set(e, ERR_UNKNOWN, "%.100s %s was ended by signal %d", r->program, r->args[0],
                       WTERMSIG(status));
    }
    /* A failure that says why in its text is the parser's: it knows the words. */
    return WEXITSTATUS(status) == 0 || out->n > 0 ||
           err_set(e, ERR_UNKNOWN, "%.100s %s ended with %d and no word", r->program, r->args[0],
                   WEXITSTATUS(status));
}

/* Words for a program are char * by tradition; nobody writes to them. */
static void fill_argv(const struct run *r, char *argv[5]) {
    memcpy(&argv[0], &r->program, sizeof argv[0]);
    for (unsigned i = 0; i < 3; i++) {
        memcpy(&argv[i + 1], &r->args[i], sizeof argv[0]);
    }
    argv[4] = NULL;
}

static bool run_smi(const struct run *r, struct buf *out, bool *failed, struct err *e) {
    char *argv[5];
    int ends[2];
    pid_t pid = 0;
    int status = 0;
    fill_argv(r, argv);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(e, ERR_IO, "no pipe: %s", strerrordesc_np(errno));
    }
    bool good = process_start(argv, ends[1], -1, &pid, e);
    (void)close(ends[1]);
    if (good) {
        bool whole = drain(ends[0], r->deadline_ms, out);
        bool ended = whole && process_end(pid, read_left_ms(r->deadline_ms), &status);
        if (!ended) {
            (void)process_kill(pid, &status);
        }
        if (!ended && buf_ok(out)) {
            good = err_set(e, ERR_UNKNOWN, "%.100s %s did not end in time", r->program, r->args[0]);
        } else {
            good = judge_run(r, status, out, e);
            *failed = status != 0;
        }
    }
    (void)close(ends[0]);
    return good;
}

/* ---- the query ---- */

static void take_text(char *out, size_t cap, struct span cell) {
    if (cell.n && cell.p[0] != '[' && !out[0]) { /* "[N/A]" */
        (void)smi_copy(out, cap, cell);
    }
}

static void take_line(struct span line, struct topo *t) {
    struct span rest = line;
    struct span cell[6];
    uint32_t number = 0;
    for (unsigned i = 0; i < 6; i++) {
        cell[i] = span_trim(span_cut(&rest, ','));
    }
    int at = span_u32(cell[0], GPU_INDEX_MAX, &number) ? topo_find_index(t, number) : -1;
    if (at < 0) {
        return;
    }
    struct gpu *g = &t->gpu[at];
    take_text(g->uuid, sizeof g->uuid, cell[1]);
    if (span_u32(cell[2], UINT32_MAX, &number)) {
        g->memory_mib = number;
    }
    take_text(g->pci, sizeof g->pci, cell[3]);
    g->mig = span_is(cell[4], "Enabled") ? TRI_YES : span_has(cell[4], "isabled") ? TRI_NO : g->mig;
    take_text(t->driver, sizeof t->driver, cell[5]);
    take_text(g->product, sizeof g->product, span_trim(rest));
}

void smi_take_query(struct span text, struct topo *t) {
    while (text.n) {
        take_line(span_line(&text), t);
    }
}

/* ---- all three ---- */

struct texts {
    struct buf matrix;
    struct buf links;
    struct buf query;
    bool links_failed; /* its exit status says so, whatever it printed */
};

static bool ask_texts(const char *program, int64_t deadline_ms, struct texts *t, struct err *e) {
    struct run matrix = {program, {"topo", "-m", NULL}, deadline_ms};
    struct run links = {program, {"nvlink", "--status", NULL}, deadline_ms};
    struct run query = {program, {SMI_QUERY, "--format=csv,noheader,nounits", NULL}, deadline_ms};
    struct err passed_over;
    bool failed = false; /* a matrix that is whole counts, one that is not is refused */
    if (!run_smi(&matrix, &t->matrix, &failed, e) ||
        !run_smi(&links, &t->links, &t->links_failed, e)) {
        return false;
    }
    if (!run_smi(&query, &t->query, &failed, &passed_over)) {
        buf_reset(&t->query);
    }
    return true;
}

static bool has_lines(const struct smi_links *links, unsigned index) {
    for (unsigned k = 0; k < links->n; k++) {
        if (links->gpu[k].index == index) {
            return links->gpu[k].links.listed > 0;
        }
    }
    return false;
}

/* Both texts are of this minute: a GPU that the matrix gives NVLink, and of whose links the second
 * one has no word, or a word that was cut when the program failed, may have it or not. */
static void doubt_untold(const struct smi_links *links, bool failed, struct topo *t) {
    for (unsigned i = 0; i < t->n; i++) {
        bool untold = t->gpu[i].links.state == LINKS_UNKNOWN &&
                      (failed || !has_lines(links, t->gpu[i].index));
        for (unsigned j = 0; untold && j < t->n; j++) {
            if (t->wire[i][j].kind == WIRE_NVLINK || t->wire[j][i].kind == WIRE_NVLINK) {
                topo_set_wire(t, i, j, WIRE_UNKNOWN, 0);
            }
        }
    }
}

static bool build(const struct texts *texts, int64_t now, struct topo *out, struct err *e) {
    struct topo t;
    struct smi_links links = {0};
    struct span link_text = buf_view(&texts->links);
    bool told = span_trim(link_text).n > 0;
    if (!smi_read_topo(buf_view(&texts->matrix), &t, e)) {
        return err_wrap(e, "nvidia-smi topo -m: ");
    }
    if (told && !smi_read_nvlink(link_text, &links, e)) {
        return err_wrap(e, "nvidia-smi nvlink --status: ");
    }
    /* Before: the products decide what is expected. After: the link text may have named less. */
    smi_take_query(buf_view(&texts->query), &t);
    if (!smi_build(&t, told ? &links : NULL, e)) {
        return false;
    }
    smi_take_query(buf_view(&texts->query), &t);
    doubt_untold(&links, texts->links_failed, &t);
    t.observed_at = now;
    (void)snprintf(t.source, sizeof t.source, "nvidia-smi");
    *out = t;
    return true;
}

bool smi_ask(const char *program, int64_t deadline_ms, int64_t now, struct topo *out,
             struct err *e) {
    struct texts t = {buf_new(SMI_TEXT_MAX), buf_new(SMI_TEXT_MAX), buf_new(SMI_TEXT_MAX), false};
    bool good = ask_texts(program, deadline_ms, &t, e) && build(&t, now, out, e);
    buf_done(&t.matrix);
    buf_done(&t.links);
    buf_done(&t.query);
    return good;
}
