/* NVML's library: its life, and its events. */
#include <dlfcn.h>
#include <string.h>

#include "topology/read_nvml.h"

/* ---- the library ---- */

/* A function pointer out of dlsym's void pointer, the way POSIX means it and ISO C can say it. */
#define FIND(member, symbol, args)                                                                 \
    {                                                                                              \
        void *at = dlsym(l->library, #symbol);                                                     \
        memcpy(&l->member, &at, sizeof at);                                                        \
    }

/* The loader begins most of its reasons with the path. */
static const char *plain_reason(const char *path, const char *why) {
    size_t n = strlen(path);
    bool twice = why && strncmp(why, path, n) == 0 && strncmp(why + n, ": ", 2) == 0;
    return twice ? why + n + 2 : why ? why : "no reason";
}

static bool start(struct nvml *l, const char *path, bool *missing, struct err *e) {
    l->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!l->library) {
        const char *why = dlerror();
        *missing = true;
        return err_set(e, ERR_IO, "cannot load %.100s: %.180s", path, plain_reason(path, why));
    }
    NVML_CALLS(FIND)
    if (!l->init || !l->count || !l->handle) {
        *missing = true;
        return err_set(e, ERR_IO, "%.200s is no NVML library", path);
    }
    int rc = l->init();
    if (rc != NVML_SUCCESS) {
        return err_set(e, ERR_IO, "NVML cannot start: %s", nvml_code_name(rc));
    }
    return l->started = true;
}

bool nvml_open(const char *path, struct nvml *out, bool *missing, struct err *e) {
    struct nvml l;
    memset(&l, 0, sizeof l);
    *missing = false;
    if (!start(&l, path, missing, e)) {
        nvml_close(&l);
        return false;
    }
    *out = l;
    return true;
}

void nvml_close(struct nvml *l) {
    nvml_unwatch(l);
    if (l->started && l->shutdown) {
        (void)l->shutdown();
    }
    if (l->library) {
        (void)dlclose(l->library);
    }
    memset(l, 0, sizeof *l);
}

/* ---- events ---- */

void nvml_watch(struct nvml *l) {
    unsigned watched = 0;
    const unsigned long long all =
        NVML_EVENT_XID | NVML_EVENT_UNAVAILABLE | NVML_EVENT_RECOVERY_ACTION;
    bool can = l->events_new && l->events_ask && l->events_wait && l->events_free;
    if (l->events || !can || l->events_new(&l->events) != NVML_SUCCESS) {
        return;
    }
    for (unsigned i = 0; i < GPU_MAX; i++) {
        if (!l->device[i]) {
            continue;
        }
        /* Older drivers refuse the whole mask for one bit that they do not know. */
        watched += l->events_ask(l->device[i], all, l->events) == NVML_SUCCESS ||
                   l->events_ask(l->device[i], NVML_EVENT_XID, l->events) == NVML_SUCCESS;
    }
    if (!watched) {
        nvml_unwatch(l);
    }
}

int nvml_wait(struct nvml *l, unsigned ms, struct nvml_event *out) {
    memset(out, 0, sizeof *out);
    return l->events ? l->events_wait(l->events, out, ms) : NVML_NOT_SUPPORTED;
}

void nvml_unwatch(struct nvml *l) {
    if (l->events) {
        (void)l->events_free(l->events);
        l->events = NULL;
    }
}

int nvml_position(const struct nvml *l, nvml_device d) {
    for (int i = 0; d && i < GPU_MAX; i++) {
        if (l->device[i] == d) {
            return i;
        }
    }
    return -1;
}
