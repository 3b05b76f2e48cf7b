/* Reading this node's GPUs: NVML, loaded at run time, and where it cannot be loaded the texts of
 * nvidia-smi. With topology/read_*.c, the only part of topology/ that touches the system.
 *
 * NVML runs in a child process: the program itself, started again (posix_spawn of /proc/self/exe,
 * first argument READ_CHILD), which loads the library, answers over a socket and keeps the driver
 * open between readings. So a crash in the library ends a child, a driver that was replaced under
 * us is met by a fresh load, and a call that never returns is left behind at the deadline: the
 * child is killed and the reading is unknown. A child stuck inside the kernel survives the kill
 * until the driver lets go. It then costs one process table entry and what it had mapped, about
 * 20 MiB; READ_STUCK_MAX of them are left behind, then no more are started and every reading is
 * unknown until one has ended. A thread in place of the child could not be left behind: NVML holds
 * a lock in its calls, and the process could never end.
 *
 * A reading that shows a lost GPU, or none at all, also ends the child, so that nothing of ours
 * holds the device when somebody wants to reset it, and GPUs that come later are found.
 *
 * Each main() calls read_child_main before anything else when argv[1] is READ_CHILD. One reader is
 * used by one thread at a time. */
#ifndef TPGUARD_TOPOLOGY_READ_H
#define TPGUARD_TOPOLOGY_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/err.h"
#include "topology/nvml.h"
#include "topology/topo.h"

#define READ_CHILD     "nvml-reader"
#define READ_STUCK_MAX 4

#define READ_LIBRARY         "libnvidia-ml.so.1"
#define READ_LIBRARY_ENV     "TPGUARD_NVML_LIBRARY" /* an edge's default for nvml_library */
#define READ_SMI             "nvidia-smi"
#define READ_DEADLINE_MS     10000
#define READ_DEADLINE_MAX_MS 100000

enum read_source {
    READ_ANY = 0,  /* NVML; nvidia-smi where no NVML library can be loaded */
    READ_NVML,     /* only */
    READ_NVIDIASMI /* only */
};

/* Borrowed texts, which must outlive the reader. NULL and 0 are the defaults above. */
struct read_options {
    const char *nvml_library; /* path, or a name for the loader's own search */
    const char *nvidia_smi;   /* program, searched in PATH when it has no slash */
    unsigned deadline_ms;     /* of one reading, starting the child included; at most
                                 READ_DEADLINE_MAX_MS: more is cut */
    enum read_source source;
};

/* One reading. About 130 KiB: heap or static. */
struct reading {
    struct topo topo; /* observed_at is the caller's clock */
    bool from_nvml; /* facts are filled (processes, counters); else the texts of nvidia-smi spoke */
    struct raw_facts facts;
};

struct reader;
struct reader *reader_new(const struct read_options *o); /* NULL: no memory. Starts nothing yet */
void reader_free(struct reader *r); /* NULL is fine; does not wait for a stuck child */

/* Asks everything once; starts, or starts again, what is needed. ERR_UNKNOWN: the driver did not
 * answer in time, crashed, has no GPU, or contradicts itself. ERR_IO: no library and no nvidia-smi
 * here, or they cannot be used. After either the next call starts afresh: call it at the usual
 * pace. Blocks for deadline_ms at most. */
NODISCARD bool reader_read(struct reader *r, int64_t now, struct reading *out, struct err *e);

enum read_wake {
    WAKE_TIMEOUT = 0,
    WAKE_EVENT, /* the driver reported something: read again now */
    WAKE_CALLER /* wake_fd became readable */
};

struct read_event {
    enum read_wake wake;
    bool has_gpu;
    uint8_t gpu;  /* position, with has_gpu */
    uint32_t xid; /* Xid number; 0 an event of another kind (GPU unavailable, recovery action) */
};

/* Sleeps until the driver reports an Xid or the like, wake_fd (-1 none) becomes readable, or the
 * time is over. Where the driver gives no events (no library, nvidia-smi only, before the first
 * reading) it sleeps just the same: the caller's slow poll. Never fails. */
void reader_wait(struct reader *r, unsigned timeout_ms, int wake_fd, struct read_event *out);

/* Whether reader_wait can be woken by the driver now; for the log. */
bool reader_has_events(const struct reader *r);

/* base_ms less or more up to a fifth, so that a thousand agents do not ask in step. random: any
 * number, new for each call. Pure. */
unsigned read_jitter_ms(unsigned base_ms, uint32_t random);

/* One reading of NVML in a child of its own. */
NODISCARD bool read_facts(const struct read_options *o, struct raw_facts *out, struct err *e);

/* The child. Returns the exit code of the process. */
int read_child_main(int argc, char **argv);

#endif
