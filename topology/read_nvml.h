/* NVML as it runs in the child of read.h: load, ask everything, wait for events. Nothing here has a
 * deadline: a call may block for ever, and whoever started the process ends it. */
#ifndef TPGUARD_TOPOLOGY_READ_NVML_H
#define TPGUARD_TOPOLOGY_READ_NVML_H

#include "topology/nvml.h"
#include "topology/nvml_abi.h"

#define NVML_MEMBER(member, symbol, args) int(*member) args;

struct nvml {
    void *library;
    NVML_CALLS(NVML_MEMBER) /* NULL: the library has no such call */
    bool started;
    nvml_device device[GPU_MAX]; /* NULL: no handle */
    nvml_event_set events;       /* NULL: none, or no GPU gives any */
};

/* Loads and initialises. *missing is set when the library is not there or is none of NVIDIA's, so
 * that another source may be tried. */
NODISCARD bool nvml_open(const char *path, struct nvml *out, bool *missing, struct err *e);
void nvml_close(struct nvml *l);

/* Told before each group of calls: when one of them never returns, the last word says where. */
struct nvml_progress {
    void (*tell)(void *ctx, unsigned gpu, const char *phase);
    void *ctx;
};

/* Asks everything. false: the library as a whole failed; GPUs that fail one by one are facts. */
NODISCARD bool nvml_ask(struct nvml *l, const struct nvml_progress *p, struct raw_facts *out,
                        struct err *e);

/* Wants to be told of Xids and the like, of all GPUs that nvml_ask found. */
void nvml_watch(struct nvml *l);
/* 0: one event; NVML_TIMEOUT: none within ms; any other code: it came back at once, and nobody
 * should wait again before nvml_unwatch. */
int nvml_wait(struct nvml *l, unsigned ms, struct nvml_event *out);
void nvml_unwatch(struct nvml *l);
/* Position of an event's GPU; -1 none of ours. */
int nvml_position(const struct nvml *l, nvml_device d);

#endif
