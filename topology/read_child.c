/* The child: loads NVML on the first request, answers one request after the other, ends when the
 * socket does. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/read_inner.h"
#include "topology/read_nvml.h"

/* Between two looks at the socket while waiting for an event: how late another request may start.
 */
#define SLICE_MS 250
/* A sender that is not read from within this time has gone. */
#define SEND_MS 5000
/* When the parent has died while a call hangs, nobody is left to end this process. */
#define ALARM_S 120

struct child {
    const char *library;
    bool open;
    uint32_t seq;
    struct nvml nvml;
    struct said_facts said;
};

static bool say(const struct child *c, uint32_t kind, const void *body, size_t size) {
    return message_send(READ_SOCKET, kind, c->seq, body, size, read_clock_ms() + SEND_MS) ==
           MESSAGE_DONE;
}

static void tell(void *ctx, unsigned gpu, const char *phase) {
    const struct child *c = ctx;
    struct said_progress p = {.gpu = gpu};
    memcpy(p.phase, phase, strnlen(phase, sizeof p.phase - 1));
    (void)say(c, SAY_PROGRESS, &p, sizeof p);
}

static bool read_all(struct child *c, bool *missing, struct err *e) {
    struct nvml_progress progress = {tell, c};
    *missing = false;
    tell(c, 0, "start");
    if (!c->open && !nvml_open(c->library, &c->nvml, missing, e)) {
        return false;
    }
    c->open = true;
    if (!nvml_ask(&c->nvml, &progress, &c->said.facts, e)) {
        return false;
    }
    nvml_watch(&c->nvml);
    c->said.events = c->nvml.events != NULL;
    return true;
}

/* false: the library is of no more use. */
static bool answer_read(struct child *c) {
    struct said_failed failed;
    memset(&failed, 0, sizeof failed);
    if (read_all(c, &failed.missing, &failed.err)) {
        return say(c, SAY_FACTS, &c->said, sizeof c->said);
    }
    (void)say(c, SAY_FAILED, &failed, sizeof failed);
    return false;
}

static bool is_asked(void) {
    struct pollfd p = {.fd = READ_SOCKET, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

static void keep_event(const struct child *c, const struct nvml_event *got,
                       struct read_event *out) {
    int at = nvml_position(&c->nvml, got->device);
    out->wake = WAKE_EVENT;
    out->has_gpu = at >= 0;
    out->gpu = (uint8_t)(at >= 0 ? at : 0);
    out->xid = got->type == NVML_EVENT_XID && got->data <= UINT32_MAX ? (uint32_t)got->data : 0;
}

static bool answer_wait(struct child *c, uint32_t ms) {
    int64_t deadline = read_clock_ms() + ms;
    struct read_event event;
    memset(&event, 0, sizeof event);
    while (c->open && c->nvml.events && event.wake == WAKE_TIMEOUT) {
        int left = read_left_ms(deadline);
        struct nvml_event got;
        if (left == 0) {
            break;
        }
        if (is_asked()) {
            return true;
        }
        (void)alarm(ALARM_S);
        int rc = nvml_wait(&c->nvml, left < SLICE_MS ? (unsigned)left : SLICE_MS, &got);
        if (rc == NVML_SUCCESS) {
            keep_event(c, &got, &event);
        } else if (rc != NVML_TIMEOUT) {
            nvml_unwatch(&c->nvml); /* a GPU is lost, say: read again, then poll slowly */
            event.wake = WAKE_EVENT;
        }
    }
    (void)alarm(0);
    return say(c, SAY_WAKE, &event, sizeof event);
}

static bool answer(struct child *c) {
    struct message head;
    uint32_t ms = 0;
    struct pollfd p = {.fd = READ_SOCKET, .events = POLLIN};
    while (poll(&p, 1, -1) < 0) {
    }
    if (message_receive(READ_SOCKET, &head, &ms, sizeof ms, read_clock_ms() + SEND_MS) !=
        MESSAGE_DONE) {
        return false;
    }
    c->seq = head.seq;
    if (head.kind == ASK_WAIT && head.size == sizeof ms) {
        return answer_wait(c, ms);
    }
    (void)alarm(ALARM_S);
    bool good = head.kind == ASK_READ && answer_read(c);
    (void)alarm(0);
    return good;
}

int read_child_main(int argc, char **argv) {
    struct child *c = argc == 2 ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        return 2;
    }
    c->library = argv[1];
    while (answer(c)) {
    }
    if (c->open) {
        (void)alarm(ALARM_S);
        nvml_close(&c->nvml);
    }
    free(c);
    return 0;
}
