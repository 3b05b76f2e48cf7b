#include <string.h>

#include "topology/nvml.h"
#include "topology/nvml_abi.h"

static void tame_text(char *text, size_t cap) {
    size_t n = strnlen(text, cap - 1);
    for (size_t i = 0; i < n; i++) {
        text[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    }
    memset(text + n, 0, cap - n); /* equal texts are equal bytes */
}

void facts_tame(struct raw_facts *f) {
    tame_text(f->driver, sizeof f->driver);
    f->n = f->n > GPU_MAX ? GPU_MAX : f->n;
    f->n_processes = f->n_processes > RAW_PROCESS_MAX ? RAW_PROCESS_MAX : f->n_processes;
    for (unsigned i = 0; i < GPU_MAX; i++) {
        struct raw_gpu *g = &f->gpu[i];
        tame_text(g->uuid, sizeof g->uuid);
        tame_text(g->name, sizeof g->name);
        g->n_links = g->n_links > LANES_MAX ? LANES_MAX : g->n_links;
        g->numa = g->numa < -1 ? (int16_t)-1 : g->numa;
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < f->n_processes; i++) {
        if (f->process[i].gpu < f->n) {
            f->process[kept++] = f->process[i];
        }
    }
    f->n_processes = (uint16_t)kept;
}

const char *nvml_code_name(int rc) {
    static const struct {
        int rc;
        const char *name;
    } names[] = {
        {NVML_UNINITIALIZED, "the library is not initialised"},
        {NVML_INVALID_ARGUMENT, "invalid argument"},
        {NVML_NOT_SUPPORTED, "not supported"},
        {NVML_NO_PERMISSION, "no permission"},
        {NVML_NOT_FOUND, "not found"},
        {NVML_INSUFFICIENT_SIZE, "insufficient size"},
        {NVML_DRIVER_NOT_LOADED, "the driver is not loaded"},
        {NVML_TIMEOUT, "time-out"},
        {NVML_LIBRARY_NOT_FOUND, "a library of the driver is missing"},
        {NVML_FUNCTION_NOT_FOUND, "the driver lacks this function"},
        {NVML_GPU_IS_LOST, "the GPU is lost: it fell off the bus"},
        {NVML_RESET_REQUIRED, "the GPU needs a reset"},
        {NVML_LIB_RM_VERSION_MISMATCH, "library and driver are of different versions"},
        {NVML_ARGUMENT_VERSION_MISMATCH, "unknown version of a struct"},
        {NVML_UNKNOWN, "unknown error of the driver"},
        {RC_NOT_ASKED, "not asked"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].rc == rc) {
            return names[i].name;
        }
    }
    return rc == NVML_SUCCESS ? "success" : "an error of the driver without a name";
}

const char *nvml_xid_name(uint32_t xid) {
    static const struct {
        uint32_t xid;
        const char *name;
    } names[] = {
        {48, "double bit ECC error"},
        {74, "NVLink error"},
        {79, "the GPU fell off the bus"},
        {95, "uncontained memory error"},
        {119, "the GPU's system processor does not answer"},
        {140, "uncontained ECC error"},
        {143, "the GPU could not be initialised"},
        {144, "NVLink error (SAW)"},
        {145, "NVLink error (RLW)"},
        {146, "NVLink error (TLW)"},
        {147, "NVLink error (TREX)"},
        {148, "NVLink error (NVLPW)"},
        {149, "NVLink error (NETIR)"},
        {150, "NVLink error (MSE)"},
        {154, "the driver asks for another recovery"},
        {155, "NVLink software error"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].xid == xid) {
            return names[i].name;
        }
    }
    return NULL;
}
