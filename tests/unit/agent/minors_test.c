/* Device numbers as the kernel module shows them. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tap.h"
#include "topology/synth.h"
#include "webhook/agent/minors.h"

#define TEXT                                                                                       \
    "Model: \t\t NVIDIA H100 NVL\nIRQ:   \t\t 190\nBus Location: \t 0000:ca:00.0\n"                \
    "Device Minor: \t 3\nGPU Excluded:\t No\n"

static void write_file(const char *folder, const char *pci, const char *text) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, pci);
    ok(mkdir(path, 0700) == 0, "%s", pci);
    (void)snprintf(path, sizeof path, "%s/%s/information", folder, pci);
    FILE *f = fopen(path, "w");
    ok(f && fputs(text, f) >= 0 && fclose(f) == 0, "its file");
}

static void take_away(const char *folder, const char *pci) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s/information", folder, pci);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/%s", folder, pci);
    (void)rmdir(path);
}

int main(void) {
    int16_t n = 7;
    ok(minor_parse(SPAN(TEXT), &n) && n == 3, "the line is found");
    ok(!minor_parse(SPAN("Model: x\n"), &n), "a text without it says nothing");
    ok(!minor_parse(SPAN("Device Minor: many\n"), &n) && n == 3,
       "nor does a line without a number");
    char folder[] = "/tmp/tpguard-minors-XXXXXX";
    struct topo t;
    struct err e = {0};
    int16_t minor[GPU_MAX];
    ok(mkdtemp(folder) != NULL && synth_read(SPAN("4xH100-NVL"), &t, &e), "a machine");
    (void)snprintf(t.gpu[0].pci, sizeof t.gpu[0].pci, "00000000:CA:00.0");
    (void)snprintf(t.gpu[1].pci, sizeof t.gpu[1].pci, "00000001:17:00.0");
    (void)snprintf(t.gpu[2].pci, sizeof t.gpu[2].pci, "../../etc");
    t.gpu[3].pci[0] = '\0';
    write_file(folder, "0000:ca:00.0", TEXT);
    write_file(folder, "0001:17:00.0", "Device Minor: \t 0\n");
    minors_read(folder, &t, minor);
    ok(minor[0] == 3 && minor[1] == 0, "each GPU has its own, by its PCI address");
    ok(minor[2] == -1 && minor[3] == -1 && minor[4] == -1,
       "where there is no address there is none");
    (void)snprintf(t.gpu[2].pci, sizeof t.gpu[2].pci, "00010000:CA:00.0");
    minors_read(folder, &t, minor);
    ok(minor[2] == -1, "a domain of more than 16 bits is another address");
    write_file(folder, "10000:ca:00.0", "Device Minor: \t 5\n");
    minors_read(folder, &t, minor);
    ok(minor[2] == 5 && minor[0] == 3, "and is written with all its digits");
    take_away(folder, "10000:ca:00.0");
    take_away(folder, "0000:ca:00.0");
    take_away(folder, "0001:17:00.0");
    minors_read(folder, &t, minor);
    ok(minor[0] == -1, "nor where the module shows nothing");
    (void)rmdir(folder);
    return tap_done();
}
