/* Between the parts of the reader: messages to and from the child, processes, the texts of
 * nvidia-smi. */
#ifndef TPGUARD_TOPOLOGY_READ_INNER_H
#define TPGUARD_TOPOLOGY_READ_INNER_H

#include <sys/types.h>

#include "topology/read.h"
#include "topology/smi.h"

#define READ_SOCKET 3 /* the child's end */

/* Milliseconds of the clock that never goes back. */
int64_t read_clock_ms(void);
/* From now to the deadline: 0 when it has passed, at most INT32_MAX; for poll. */
int read_left_ms(int64_t deadline_ms);

/* ---- messages: a head, then `size` bytes, over a stream socket; one program on both ends ---- */

enum message_kind {
    ASK_READ = 1, /* no body */
    ASK_WAIT,     /* uint32_t milliseconds */
    SAY_PROGRESS, /* struct said_progress */
    SAY_FACTS,    /* struct said_facts */
    SAY_FAILED,   /* struct said_failed */
    SAY_WAKE      /* struct read_event; none when the wait was given up for another request */
};

struct message {
    uint32_t magic;
    uint32_t kind;
    uint32_t seq; /* of the request that is answered */
    uint32_t size;
};

struct said_progress {
    uint32_t gpu;
    char phase[28];
};

struct said_facts {
    bool events;
    struct raw_facts facts;
};

struct said_failed {
    bool missing; /* no library: another source may be tried */
    struct err err;
};

enum message_end { MESSAGE_DONE = 0, MESSAGE_LATE, MESSAGE_CLOSED };

/* Both block until the deadline; a message that has begun by then is awaited a second longer. One
 * that is none, does not fit or does not end is CLOSED. */
enum message_end message_send(int fd, uint32_t kind, uint32_t seq, const void *body, size_t size,
                              int64_t deadline_ms);
enum message_end message_receive(int fd, struct message *head, void *body, size_t cap,
                                 int64_t deadline_ms);

/* ---- processes: no shell, an own process group, default signals, no descriptor of ours ---- */

/* Exactly one of output (becomes standard output and closes standard error) and socket (becomes
 * READ_SOCKET) is a descriptor, the other -1. argv[0] is searched in PATH when it has no slash. */
NODISCARD bool process_start(char *const argv[], int output, int socket, pid_t *pid, struct err *e);

/* Ends the whole group, waits a moment. true: *status holds what waitpid said. false: it is stuck
 * (or was waited for by somebody else). */
bool process_kill(pid_t pid, int *status);
/* true: it has ended by itself within ms. */
bool process_end(pid_t pid, int ms, int *status);

/* ---- nvidia-smi ---- */

NODISCARD bool smi_ask(const char *program, int64_t deadline_ms, int64_t now, struct topo *out,
                       struct err *e);

/* The lines of `nvidia-smi --query-gpu=index,uuid,memory.total,pci.bus_id,mig.mode.current,
 * driver_version,name --format=csv,noheader,nounits`, laid over t. Lines and cells that are none
 * are passed over: this is a bonus. Pure. */
void smi_take_query(struct span text, struct topo *t);
#define SMI_QUERY                                                                                  \
    "--query-gpu=index,uuid,memory.total,pci.bus_id,mig.mode.current,driver_version,name"

#endif
