#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "topology/nvml_abi.h"
#include "topology/read_inner.h"

/* How long a child that closed its socket, or was asked to go, is waited for. */
#define END_WAIT_MS 500

struct reader {
    struct read_options o;
    pid_t pid; /* 0: no child */
    int fd;
    uint32_t seq;
    bool events;
    bool answered; /* this child has answered a reading */
    unsigned n_stuck;
    pid_t stuck[READ_STUCK_MAX];
    struct said_progress progress; /* the last word */
    struct said_facts said;
};

struct reader *reader_new(const struct read_options *o) {
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        return NULL;
    }
    r->o = o ? *o : r->o;
    r->o.nvml_library = r->o.nvml_library ? r->o.nvml_library : READ_LIBRARY;
    r->o.nvidia_smi = r->o.nvidia_smi ? r->o.nvidia_smi : READ_SMI;
    r->o.deadline_ms = r->o.deadline_ms ? r->o.deadline_ms : READ_DEADLINE_MS;
    if (r->o.deadline_ms > READ_DEADLINE_MAX_MS) {
        r->o.deadline_ms = READ_DEADLINE_MAX_MS; /* before the child's own alarm */
    }
    r->fd = -1;
    return r;
}

/* ---- the child's life ---- */

static void reap_stuck(struct reader *r) {
    unsigned kept = 0;
    for (unsigned i = 0; i < r->n_stuck; i++) {
        if (waitpid(r->stuck[i], NULL, WNOHANG) == 0) {
            r->stuck[kept++] = r->stuck[i];
        }
    }
    r->n_stuck = kept;
}

static void forget_child(struct reader *r) {
    if (r->fd >= 0) {
        (void)close(r->fd);
    }
    r->fd = -1;
    r->pid = 0;
    r->events = r->answered = false;
}

/* Returns what waitpid said, -1 when it could not be had. */
static int end_child(struct reader *r, int wait_ms) {
    int status = -1;
    if (r->pid && !process_end(r->pid, wait_ms, &status) && !process_kill(r->pid, &status)) {
        if (kill(r->pid, 0) == 0 && r->n_stuck < READ_STUCK_MAX) {
            r->stuck[r->n_stuck++] = r->pid;
        }
        status = -1;
    }
    forget_child(r);
    return status;
}

/* An idle child sees the end of its socket and closes the driver in order. */
static void dismiss_child(struct reader *r) {
    if (r->fd >= 0) {
        (void)shutdown(r->fd, SHUT_RDWR);
    }
    (void)end_child(r, END_WAIT_MS);
}

void reader_free(struct reader *r) {
    if (r) {
        dismiss_child(r);
        reap_stuck(r);
        free(r);
    }
}

static bool start_child(struct reader *r, struct err *e) {
    char self[] = "/proc/self/exe";
    char word[] = READ_CHILD;
    char library[4096];
    int pair[2];
    reap_stuck(r);
    if (r->n_stuck >= READ_STUCK_MAX) {
        return err_set(e, ERR_UNKNOWN, "%u readers are stuck in the driver: not starting another",
                       r->n_stuck);
    }
    if ((size_t)snprintf(library, sizeof library, "%s", r->o.nvml_library) >= sizeof library) {
        return err_set(e, ERR_INPUT, "the path of the NVML library is too long");
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_set(e, ERR_IO, "no socket pair: %s", strerrordesc_np(errno));
    }
    /* argv[0] is the program that is started, argv[1] what its main looks at. */
    char *const argv[] = {self, word, library, NULL};
    bool good = process_start(argv, -1, pair[1], &r->pid, e);
    (void)close(pair[1]);
    r->fd = pair[0];
    if (!good) {
        forget_child(r);
    }
    return good;
}

/* ---- one reading ---- */

/* The body of any message of the child fits in r->said. */
static enum message_end receive(struct reader *r, struct message *head, int64_t deadline) {
    enum message_end end = message_receive(r->fd, head, &r->said, sizeof r->said, deadline);
    if (end == MESSAGE_DONE && head->kind == SAY_PROGRESS && head->size == sizeof r->progress) {
        memcpy(&r->progress, &r->said, sizeof r->progress);
        r->progress.phase[sizeof r->progress.phase - 1] = 0;
    }
    return end;
}

static bool fail_late(struct reader *r, struct err *e) {
    (void)end_child(r, 0);
    return err_set(e, ERR_UNKNOWN,
                   "the NVIDIA driver did not answer within %u ms (GPU %u, %.27s): left behind",
                   r->o.deadline_ms, r->progress.gpu, r->progress.phase);
}

static bool fail_closed(struct reader *r, struct err *e) {
    struct said_progress at = r->progress;
    int status = end_child(r, END_WAIT_MS);
    if (status != -1 && WIFSIGNALED(status)) {
        return err_set(e, ERR_UNKNOWN, "the NVML library crashed (signal %d at GPU %u, %.27s)",
                       WTERMSIG(status), at.gpu, at.phase);
    }
    return err_set(e, ERR_UNKNOWN, "the NVML reader ended without an answer (GPU %u, %.27s)",
                   at.gpu, at.phase);
}

/* A failure that the child put in words; its texts are not trusted to end. */
static bool fail_said(struct reader *r, bool *missing, struct err *e) {
    struct said_failed failed;
    memcpy(&failed, &r->said, sizeof failed);
    failed.err.msg[sizeof failed.err.msg - 1] = 0;
    *missing = failed.missing;
    (void)end_child(r, END_WAIT_MS);
    return err_set(e, failed.err.code == ERR_IO ? ERR_IO : ERR_UNKNOWN, "%s", failed.err.msg);
}

/* A library finds its GPUs when it starts: one that knows none, or has lost one, is let go. */
static bool shows_lost(const struct raw_facts *f) {
    if (f->n == 0) {
        return true;
    }
    for (unsigned i = 0; i < f->n; i++) {
        const struct raw_gpu *g = &f->gpu[i];
        const struct raw_value *action = &g->field[FIELD_RECOVERY_ACTION];
        if (g->handle_rc || g->lost_rc || (action->rc == NVML_SUCCESS && action->value)) {
            return true;
        }
    }
    return false;
}

static bool take_answer(struct reader *r, int64_t deadline, bool *missing, struct err *e) {
    for (;;) {
        struct message head = {0};
        enum message_end end = receive(r, &head, deadline);
        if (end != MESSAGE_DONE) {
            return end == MESSAGE_LATE ? fail_late(r, e) : fail_closed(r, e);
        }
        if (head.seq != r->seq) {
            continue; /* the late end of an earlier wait: its event is read about now */
        }
        if (head.kind == SAY_FAILED && head.size == sizeof(struct said_failed)) {
            return fail_said(r, missing, e);
        }
        if (head.kind == SAY_FACTS && head.size == sizeof r->said) {
            facts_tame(&r->said.facts);
            r->events = r->said.events;
            return r->answered = true;
        }
    }
}

/* The facts lie in r->said afterwards. */
static bool ask_nvml(struct reader *r, int64_t deadline, bool *missing, struct err *e) {
    *missing = false;
    memset(&r->progress, 0, sizeof r->progress);
    for (;;) {
        bool old = r->answered;
        if (!r->pid && !start_child(r, e)) {
            return false;
        }
        struct err why = {0};
        bool sent = message_send(r->fd, ASK_READ, ++r->seq, NULL, 0, deadline) == MESSAGE_DONE;
        if (sent ? take_answer(r, deadline, missing, &why) : fail_closed(r, &why)) {
            break;
        }
        /* A child that died while nobody asked it is no news of the driver: once more. */
        if (!old || r->progress.phase[0] || read_left_ms(deadline) == 0) {
            *e = why;
            return false;
        }
    }
    if (shows_lost(&r->said.facts)) {
        dismiss_child(r);
    }
    return true;
}

static bool build(struct reader *r, int64_t now, struct reading *out, struct err *e) {
    if (!facts_build(&r->said.facts, &out->topo, e)) {
        return false;
    }
    out->topo.observed_at = now;
    out->from_nvml = true;
    out->facts = r->said.facts;
    return true;
}

bool reader_read(struct reader *r, int64_t now, struct reading *out, struct err *e) {
    int64_t deadline = read_clock_ms() + r->o.deadline_ms;
    bool missing = false;
    struct err nvml = {0};
    if (r->o.source != READ_NVIDIASMI) {
        if (ask_nvml(r, deadline, &missing, &nvml)) {
            return build(r, now, out, e);
        }
        if (!missing || r->o.source == READ_NVML) {
            return err_set(e, nvml.code, "%s", nvml.msg);
        }
    }
    struct topo t;
    if (!smi_ask(r->o.nvidia_smi, deadline, now, &t, e)) {
        return missing ? err_wrap(e, "%.120s; ", nvml.msg) : false;
    }
    out->topo = t;
    out->from_nvml = false;
    memset(&out->facts, 0, sizeof out->facts);
    return true;
}

bool read_facts(const struct read_options *o, struct raw_facts *out, struct err *e) {
    struct reader *r = reader_new(o);
    bool missing = false;
    if (!r) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    bool good = ask_nvml(r, read_clock_ms() + r->o.deadline_ms, &missing, e);
    if (good) {
        *out = r->said.facts;
    }
    reader_free(r);
    return good;
}

/* ---- waiting ---- */

bool reader_has_events(const struct reader *r) {
    return r->pid && r->events;
}

/* true: a message was there and is in *out, or the child is gone. */
static bool take_wake(struct reader *r, int64_t deadline, struct read_event *out) {
    struct message head = {0};
    enum message_end end = receive(r, &head, deadline);
    if (end == MESSAGE_CLOSED) {
        (void)end_child(r, END_WAIT_MS);
        return true;
    }
    /* Also the late answer to an earlier wait: an event happens once. */
    if (end == MESSAGE_DONE && head.kind == SAY_WAKE && head.size == sizeof *out) {
        memcpy(out, &r->said, sizeof *out);
        bool good = out->wake == WAKE_TIMEOUT || out->wake == WAKE_EVENT;
        out->wake = good ? out->wake : WAKE_TIMEOUT;
        out->has_gpu = out->has_gpu && out->gpu < GPU_MAX;
        return out->wake == WAKE_EVENT;
    }
    return false;
}

void reader_wait(struct reader *r, unsigned timeout_ms, int wake_fd, struct read_event *out) {
    int64_t deadline = read_clock_ms() + timeout_ms;
    uint32_t ms = timeout_ms;
    memset(out, 0, sizeof *out);
    bool asked = reader_has_events(r) &&
                 message_send(r->fd, ASK_WAIT, ++r->seq, &ms, sizeof ms, deadline) == MESSAGE_DONE;
    for (;;) {
        struct pollfd p[2] = {{.fd = wake_fd, .events = POLLIN},
                              {.fd = asked && r->pid ? r->fd : -1, .events = POLLIN}};
        int left = read_left_ms(deadline);
        if (left == 0) {
            return;
        }
        (void)poll(p, 2, left);
        if (p[0].revents) {
            out->wake = WAKE_CALLER;
            return;
        }
        if (p[1].revents && take_wake(r, deadline, out) && out->wake == WAKE_EVENT) {
            return;
        }
    }
}

unsigned read_jitter_ms(unsigned base_ms, uint32_t random) {
    uint64_t span = (uint64_t)base_ms * 2 / 5;
    return (unsigned)(base_ms - span / 2 + (span ? random % (span + 1) : 0));
}
