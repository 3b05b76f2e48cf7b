/* A stand-in for NVIDIA's libnvidia-ml.so.1: the same names and layouts, the machine out of a
 * scenario file (tests/nvml/scenario.h). What it answers for links that are down and for lost GPUs
 * is what drivers were seen to answer. One thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/nvml/standin.h"

struct standin here;

/* ---- the scenario, as it is now ---- */

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* true: there is a scenario. */
static bool refresh(void) {
    const char *path = getenv(SCENARIO_ENV);
    struct stat now;
    if (!path || stat(path, &now) != 0) {
        return false;
    }
    if (!same_file(&now, &here.seen)) {
        here.seen = now;
        here.wrong = !scenario_read(path, &here.fresh);
        if (here.wrong) {
            return false;
        }
        here.s = here.fresh;
        here.next_xid = 0;
    }
    return !here.wrong;
}

static bool is_absent(const char *name) {
    (void)refresh();
    for (unsigned i = 0; i < here.s.n_calls; i++) {
        if (here.s.call[i].fault == FAULT_ABSENT && strcmp(here.s.call[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Each exported name is looked up through a function of ours, so that a scenario can take it away:
 * dlsym hands out what that function returns. */
#define EXPORT(member, symbol, args)                                                               \
    UNUSED static __typeof__(do_##symbol) *find_##symbol(void) {                                   \
        return is_absent(#symbol) ? NULL : do_##symbol;                                            \
    }                                                                                              \
    int symbol args __attribute__((ifunc("find_" #symbol)));
NVML_CALLS(EXPORT)

static int suffer(const struct stand_call *c) {
    if (c->fault == FAULT_HANG) {
        for (;;) {
            (void)pause();
        }
    }
    if (c->fault == FAULT_CRASH) {
        abort();
    }
    return c->fault == FAULT_FAIL ? c->rc : NVML_SUCCESS;
}

int stand_enter(const char *name, int gpu) {
    if (!here.started) {
        return NVML_UNINITIALIZED;
    }
    (void)refresh();
    for (unsigned i = 0; i < here.s.n_calls; i++) {
        const struct stand_call *c = &here.s.call[i];
        if (strcmp(c->name, name) == 0 && (c->gpu < 0 || c->gpu == gpu)) {
            int rc = suffer(c);
            if (rc) {
                return rc;
            }
        }
    }
    return gpu >= 0 && here.s.gpu[gpu].lost ? NVML_GPU_IS_LOST : NVML_SUCCESS;
}

int stand_find(nvml_device d, struct stand_gpu **out) {
    for (unsigned i = 0; i < here.s.n; i++) {
        if (d == &here.device[i]) {
            *out = &here.s.gpu[i];
            return (int)i;
        }
    }
    return -1;
}

int stand_put(char *out, unsigned cap, const char *text) {
    size_t n = strlen(text);
    if (n >= cap) {
        return NVML_INSUFFICIENT_SIZE;
    }
    memcpy(out, text, n + 1);
    return NVML_SUCCESS;
}

/* ---- the library ---- */

int do_nvmlInit_v2(void) {
    if (!getenv(SCENARIO_ENV)) {
        return NVML_DRIVER_NOT_LOADED;
    }
    if (!refresh()) {
        return NVML_UNKNOWN;
    }
    here.started = true;
    int rc = stand_enter("nvmlInit_v2", -1);
    here.started = rc == NVML_SUCCESS;
    return rc;
}

int do_nvmlShutdown(void) {
    int rc = stand_enter("nvmlShutdown", -1);
    here.started = false;
    return rc;
}

int do_nvmlSystemGetDriverVersion(char *out, unsigned cap) {
    int rc = stand_enter("nvmlSystemGetDriverVersion", -1);
    return rc ? rc : stand_put(out, cap, here.s.driver);
}

int do_nvmlDeviceGetCount_v2(unsigned *out) {
    int rc = stand_enter("nvmlDeviceGetCount_v2", -1);
    *out = rc ? *out : here.s.n;
    return rc;
}

int do_nvmlDeviceGetHandleByIndex_v2(unsigned index, nvml_device *out) {
    if (index >= here.s.n) {
        return NVML_INVALID_ARGUMENT;
    }
    int rc = stand_enter("nvmlDeviceGetHandleByIndex_v2", (int)index);
    *out = rc ? *out : &here.device[index];
    return rc;
}

/* ---- events ---- */

int do_nvmlEventSetCreate(nvml_event_set *set) {
    int rc = stand_enter("nvmlEventSetCreate", -1);
    *set = rc ? *set : &here;
    return rc;
}

int do_nvmlDeviceRegisterEvents(nvml_device d, unsigned long long mask, nvml_event_set set) {
    ENTER(nvmlDeviceRegisterEvents)
    here.watched[at] = set == (void *)&here ? mask : 0;
    return NVML_SUCCESS;
}

static bool take_xid(struct nvml_event *out) {
    while (here.next_xid < here.s.n_xids) {
        const struct stand_pair *x = &here.s.xid[here.next_xid++];
        if (here.watched[x->gpu] & NVML_EVENT_XID) {
            *out = (struct nvml_event){
                .device = &here.device[x->gpu], .type = NVML_EVENT_XID, .data = x->a};
            return true;
        }
    }
    return false;
}

int do_nvmlEventSetWait_v2(nvml_event_set set, struct nvml_event *out, unsigned ms) {
    (void)set;
    for (unsigned waited = 0;; waited += 10) {
        int rc = stand_enter("nvmlEventSetWait_v2", -1);
        if (rc) {
            return rc;
        }
        if (take_xid(out)) {
            return NVML_SUCCESS;
        }
        if (waited >= ms) {
            return NVML_TIMEOUT;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

int do_nvmlEventSetFree(nvml_event_set set) {
    (void)set;
    return stand_enter("nvmlEventSetFree", -1);
}
