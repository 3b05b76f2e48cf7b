/* The reader against the stand-in library (tests/nvml/) and against programs that play nvidia-smi:
 * good days, lost GPUs, old drivers, calls that fail, hang and crash, events. */
#include "topology/read.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology/buf.h"
#include "topology/health.h"
#include "topology/nvml_abi.h"
#include "topology/read_inner.h"

#include "tests/tap.h"

#define NVL4                                                                                       \
    "driver 550.163.01\ngpus 4 NVIDIA H100 NVL\nmemory 95830\nlinks 18\nspeed 26562\n"             \
    "bridge 0 1 12\nbridge 2 3 12\n"
#define SXM8                                                                                       \
    "driver 550.163.01\ngpus 8 NVIDIA H100 80GB HBM3\nmemory 81559\nlinks 18\nspeed 26562\n"       \
    "switch 18\n"

static char dir[] = "/tmp/tpguard-read-XXXXXX";
static char scenario[64];
static char library[4096];
static struct reading got;
static struct health h;

static void write_file(const char *path, const char *head, const char *tail) {
    char fresh[80];
    (void)snprintf(fresh, sizeof fresh, "%.60s.new", path);
    FILE *out = fopen(fresh, "w");
    if (out) {
        (void)fprintf(out, "%s%s", head, tail);
        (void)fclose(out);
        (void)chmod(fresh, 0755);
        (void)rename(fresh, path);
    }
}

static void play(const char *machine, const char *more) {
    write_file(scenario, machine, more);
}

static struct read_options options(void) {
    return (struct read_options){.nvml_library = library, .deadline_ms = 5000, .source = READ_NVML};
}

/* One reading by a fresh reader. */
static bool read_with(const struct read_options *o, struct err *e) {
    struct reader *r = reader_new(o);
    bool good = r && reader_read(r, 1234, &got, e);
    reader_free(r);
    if (good) {
        health_judge(&got.topo, NULL, &h);
    }
    return good;
}

static bool read_once(const char *machine, const char *more) {
    struct err e = {0};
    struct read_options o = options();
    play(machine, more);
    bool good = read_with(&o, &e);
    if (!good) {
        printf("# %s\n", e.msg);
    }
    return good;
}

static void good_days(void) {
    ok(read_once(NVL4, ""), "four cards");
    is_int(got.topo.n, 4, "four");
    ok(got.from_nvml, "from NVML");
    is_int(got.topo.observed_at, 1234, "the caller's clock");
    is_str(got.topo.driver, "550.163.01", "driver");
    is_str(got.topo.gpu[2].product, "NVIDIA H100 NVL", "product");
    is_int(got.topo.gpu[2].memory_mib, 95830, "memory");
    is_int(got.topo.gpu[2].links.mbps, 26562, "speed");
    is_int(got.topo.gpu[2].mig, TRI_NO, "MIG off");
    is_int(h.pair[0][1], PAIR_HEALTHY, "bridge 0-1");
    is_int(h.pair[1][2], PAIR_ABSENT, "none between");
    ok(read_once(NVL4, "process 2 4242 1024\nprocess 3 4243 7\nerrors 1 5 6 7\n"), "processes");
    is_int(got.facts.n_processes, 2, "two");
    is_int(got.facts.process[0].pid, 4242, "PID");
    is_int(got.facts.process[1].gpu, 3, "position");
    is_int(got.facts.process[0].memory_bytes, 1LL << 30, "memory");
    is_int(got.facts.gpu[1].field[FIELD_REPLAYS].value, 6, "replays");
    ok(read_once(SXM8, "fabric all completed\nmig 7\n"), "eight through a switch");
    ok(got.topo.nvswitch, "nvswitch");
    is_int(got.topo.gpu[0].fabric, FABRIC_COMPLETED, "fabric completed");
    is_int(h.pair[0][6], PAIR_HEALTHY, "0-6");
    is_int(h.block[7], BLOCK_MIG, "MIG on");
    ok(read_once(SXM8, "fabric all in-progress\n"), "Fabric Manager still at work");
    is_int(h.block[3], BLOCK_FABRIC, "blocks");
    ok(read_once("gpus 4 NVIDIA L40S\nlinks 0\n", ""), "no NVLink");
    is_int(got.topo.gpu[0].links.state, LINKS_NONE, "says so");
    ok(read_once("gpus 72 NVIDIA GB200\nlinks 18\nswitch 18\n", "fabric all completed\n"),
       "as many GPUs as fit");
    is_int(h.pair[0][71], PAIR_HEALTHY, "0-71");
}

/* A crowd on one GPU must not hide that another is in use. */
static void crowds(void) {
    static char lines[16384];
    struct buf b = BUF_OVER(lines);
    bool on[4] = {false};
    for (unsigned i = 0; i < 300; i++) {
        buf_fmt(&b, "process 0 %u 1\n", 1000 + i);
    }
    buf_str(&b, "process 3 4243 7\n");
    ok(read_once(NVL4, buf_cstr(&b)), "300 programs on GPU 0, one on GPU 3");
    for (unsigned i = 0; i < got.facts.n_processes; i++) {
        on[got.facts.process[i].gpu] = true;
    }
    ok(got.facts.more_processes, "more than fit");
    ok(on[0] && on[3] && !on[1] && !on[2], "both GPUs are in use, and no other");
    b.n = 0;
    for (unsigned i = 0; i < 256; i++) {
        buf_fmt(&b, "process 0 %u 1\n", 1000 + i);
    }
    buf_str(&b, "process 3 4243 7\n");
    ok(read_once(NVL4, buf_cstr(&b)), "as many as fit, and one more elsewhere");
    is_int(got.facts.n_processes, RAW_PROCESS_MAX - 2, "one place for each GPU to come");
    is_int(got.facts.process[got.facts.n_processes - 1].pid, 4243, "the last is there");
}

static void bad_days(void) {
    ok(read_once(NVL4, "down 0 1 1\n"), "one link down");
    is_int(h.pair[0][1], PAIR_DEGRADED, "degraded");
    ok(read_once(NVL4, "blind 1 0 2\n"), "two ends disagree");
    is_int(h.pair[0][1], PAIR_ASYMMETRIC, "asymmetric");
    ok(read_once(NVL4, "remember\ndown 0 1\n"), "down, and the ends are still named");
    is_int(h.pair[0][1], PAIR_DOWN, "down");
    ok(read_once(NVL4, "lost 1\n"), "a lost GPU");
    is_int(h.block[1], BLOCK_FAULT, "a fault");
    is_int(h.pair[2][3], PAIR_HEALTHY, "the others are read");
    ok(read_once(NVL4, "fail nvmlDeviceGetFieldValues 2 15\n"),
       "lost in the middle of the reading");
    is_int(h.block[2], BLOCK_FAULT, "a fault");
    ok(read_once(NVL4, "fail nvmlDeviceGetP2PStatus all 15\n"), "lost, says a call about a pair");
    is_int(h.block[0], BLOCK_NONE, "which of the two is not said: none that answers is blamed");
    is_int(h.pair[0][1], PAIR_HEALTHY, "by their own links");
    ok(read_once(NVL4, "fail nvmlDeviceGetHandleByIndex_v2 3 999\n"), "a handle that fails");
    is_int(h.pair[2][3], PAIR_UNKNOWN, "unknown");
}

/* Every optional call taken away, or failing with every code that NVML has: always a reading. */
static void every_call(void) {
#define NAME(member, symbol, args) #symbol,
    static const char *const names[] = {NVML_CALLS(NAME)};
    static const int codes[] = {2, 3, 4, 6, 7, 13, 15, 16, 25, 999};
    char line[128];
    unsigned absent = 0;
    unsigned failed = 0;
    unsigned tried = 0;
    for (size_t i = 3; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(line, sizeof line, "absent %s\n", names[i]);
        absent += read_once(NVL4, line) && got.topo.n == 4;
        for (size_t k = 0; k < sizeof codes / sizeof *codes; k += 4) {
            (void)snprintf(line, sizeof line, "fail %s all %d\n", names[i],
                           codes[(k + i) % (sizeof codes / sizeof *codes)]);
            failed += read_once(NVL4, line) && got.topo.n == 4;
            tried++;
        }
    }
    is_int(absent, sizeof names / sizeof *names - 3, "a reading without each of the calls");
    is_int(failed, tried, "a reading while each of the calls fails");
    ok(read_once(SXM8, "absent nvmlDeviceGetGpuFabricInfoV\nfabric all not-started\n"),
       "old struct");
    is_int(got.topo.gpu[0].fabric, FABRIC_NOT_STARTED, "is read");
    is_int(got.facts.gpu[0].fabric.version, 1, "version 1");
    ok(read_once(SXM8, "absent nvmlDeviceGetNvLinkRemoteDeviceType\nfabric all completed\n"),
       "a driver before 470");
    is_int(h.pair[0][1], PAIR_HEALTHY, "switches are found all the same");
    ok(read_once(NVL4, "fail nvmlDeviceGetNvLinkState all 999\ndown 0 1 1\n"), "no link states");
    is_int(h.pair[0][1], PAIR_DEGRADED, "they are had by field");
    is_int(got.topo.gpu[0].links.listed, 18, "up to the last");
    ok(read_once(NVL4, "absent nvmlDeviceGetNvLinkState\nabsent nvmlDeviceGetFieldValues\n"),
       "neither way");
    is_int(h.pair[0][1], PAIR_UNKNOWN, "unknown");
}

static void check_failure(const char *more, enum err_code code, const char *word) {
    struct err e = {0};
    struct read_options o = options();
    o.deadline_ms = 400;
    play(NVL4, more);
    int64_t start = read_clock_ms();
    bool good = read_with(&o, &e);
    ok(!good && e.code == code && strstr(e.msg, word), "%.*s: %s", (int)strcspn(more, "\n"), more,
       e.msg);
    ok(read_clock_ms() - start < 3000, "... in time");
}

static void failures(void) {
    check_failure("hang nvmlDeviceGetNvLinkState 2\n", ERR_UNKNOWN, "GPU 2, links");
    check_failure("hang nvmlInit_v2 all\n", ERR_UNKNOWN, "start");
    check_failure("crash nvmlDeviceGetUUID 1\n", ERR_UNKNOWN, "crashed (signal 6");
    check_failure("fail nvmlInit_v2 all 9\n", ERR_IO, "the driver is not loaded");
    check_failure("fail nvmlInit_v2 all 18\n", ERR_IO, "different versions");
    check_failure("fail nvmlDeviceGetCount_v2 all 999\n", ERR_UNKNOWN, "count");
    check_failure("absent nvmlDeviceGetCount_v2\n", ERR_IO, "no NVML library");
    struct err e = {0};
    struct read_options o = options();
    o.nvml_library = "/nonexistent/libnvidia-ml.so.1";
    ok(!read_with(&o, &e) && e.code == ERR_IO && strstr(e.msg, "cannot load /nonexistent"),
       "no library: %s", e.msg);
    struct raw_facts *facts = &got.facts;
    o = options();
    play(NVL4, "");
    ok(read_facts(&o, facts, &e) && facts->n == 4, "the facts alone");
}

/* One reader through many days: the library stays loaded between readings, and failures pass. */
static void one_reader(void) {
    struct err e = {0};
    struct read_options o = options();
    o.deadline_ms = 1000;
    struct reader *r = reader_new(&o);
    if (!r) {
        return;
    }
    play(NVL4, "");
    ok(!reader_has_events(r), "no events before the first reading");
    ok(reader_read(r, 1, &got, &e), "a reading");
    ok(reader_has_events(r), "the driver gives events");
    play(NVL4, "down 0 1\n");
    ok(reader_read(r, 2, &got, &e) && got.topo.wire[0][1].kind == WIRE_NODE, "a link went down");
    play(NVL4, "hang nvmlDeviceGetName 0\n");
    ok(!reader_read(r, 3, &got, &e) && e.code == ERR_UNKNOWN, "a hang: unknown");
    is_int(got.topo.observed_at, 2, "the last reading is untouched");
    play(NVL4, "");
    ok(reader_read(r, 4, &got, &e), "the next reading starts afresh");
    play(NVL4, "crash nvmlDeviceGetName 0\n");
    ok(!reader_read(r, 5, &got, &e), "a crash: unknown");
    play(NVL4, "lost 2\n");
    ok(reader_read(r, 6, &got, &e), "a lost GPU is a reading");
    ok(!reader_has_events(r), "and the driver is let go, so that it can be reset");
    play("gpus 0 -\n", "");
    ok(!reader_read(r, 6, &got, &e) && strstr(e.msg, "no GPU"), "no GPU (yet): unknown");
    play(NVL4, "fail nvmlInit_v2 all 9\n");
    ok(!reader_read(r, 6, &got, &e) && strstr(e.msg, "not loaded"),
       "the next reading starts afresh: a library counts the GPUs when it starts (%s)", e.msg);
    play(NVL4, "crash nvmlEventSetWait_v2 all\n");
    ok(reader_read(r, 7, &got, &e), "read");
    struct read_event event;
    reader_wait(r, 300, -1, &event);
    is_int(event.wake, WAKE_TIMEOUT, "a crash while waiting wakes nobody");
    play(NVL4, "");
    ok(reader_read(r, 8, &got, &e), "and passes");
    reader_free(r);
}

static int64_t wait_for(struct reader *r, unsigned ms, int fd, struct read_event *event) {
    int64_t start = read_clock_ms();
    reader_wait(r, ms, fd, event);
    return read_clock_ms() - start;
}

static void events(void) {
    struct err e = {0};
    struct read_options o = options();
    struct reader *r = reader_new(&o);
    struct read_event event;
    int ends[2];
    play(NVL4, "");
    if (!r || pipe(ends) != 0 || !reader_read(r, 1, &got, &e)) {
        ok(false, "a reading: %s", e.msg);
        return;
    }
    int64_t took = wait_for(r, 300, -1, &event);
    ok(event.wake == WAKE_TIMEOUT && took >= 290 && took < 2000, "nothing happens");
    play(NVL4, "down 0 1\nxid 1 74\n");
    took = wait_for(r, 5000, -1, &event);
    ok(event.wake == WAKE_EVENT && took < 2000, "an Xid wakes (%d after %lld ms)", (int)event.wake,
       (long long)took);
    ok(event.has_gpu && event.gpu == 1, "it names the GPU");
    is_int(event.xid, 74, "and the number");
    ok(reader_read(r, 2, &got, &e) && got.topo.wire[0][1].kind == WIRE_NODE, "read at once");
    ok(write(ends[1], "x", 1) == 1, "the caller has news");
    took = wait_for(r, 5000, ends[0], &event);
    ok(event.wake == WAKE_CALLER && took < 1000, "wakes as well");
    ok(reader_read(r, 3, &got, &e), "a reading while the child still waits for an event");
    play(NVL4, "fail nvmlEventSetWait_v2 all 15\n");
    (void)wait_for(r, 5000, -1, &event);
    is_int(event.wake, WAKE_EVENT, "a wait that fails is news");
    took = wait_for(r, 200, -1, &event);
    ok(took >= 190 && took < 2000, "and does not spin");
    reader_free(r);
    r = reader_new(&o);
    play(NVL4, "absent nvmlEventSetCreate\n");
    ok(r && reader_read(r, 1, &got, &e) && !reader_has_events(r), "a driver without events");
    took = r ? wait_for(r, 200, -1, &event) : 0;
    ok(took >= 190 && event.wake == WAKE_TIMEOUT, "sleeps");
    reader_free(r);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void jitter(void) {
    unsigned least = UINT32_MAX;
    unsigned most = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        unsigned ms = read_jitter_ms(30000, i * 2654435761U);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    ok(least >= 24000 && least < 24100, "a fifth less");
    ok(most <= 36000 && most > 35900, "a fifth more");
    is_int(read_jitter_ms(0, 7), 0, "of nothing");
    is_int(read_jitter_ms(1, 7), 1, "of next to nothing");
}

/* ---- nvidia-smi ---- */

#define SMI                                                                                        \
    "#!/bin/sh\ncase \"$1\" in\n"                                                                  \
    "topo) printf '\\tGPU0\\tGPU1\\tCPU Affinity\\nGPU0\\t X \\tNV12\\t0-3\\nGPU1\\tNV12\\t X "    \
    "\\t0-3\\n\\nLegend:\\n' ;;\n"                                                                 \
    "--query*) printf '0, GPU-a, 95830, 00000000:17:00.0, Disabled, 550.1, NVIDIA H100 NVL\\n1, "  \
    "GPU-b, 95830, 00000000:65:00.0, [N/A], 550.1, NVIDIA H100 NVL\\nnonsense\\n' ;;\n"
#define SMI_LINKS                                                                                  \
    "nvlink) for g in 0 1; do echo \"GPU $g: NVIDIA H100 NVL (UUID: GPU-x$g)\"; i=0; while [ $i "  \
    "-lt 12 ]; do printf '\\t Link %d: 26.562 GB/s\\n' $i; i=$((i+1)); done; done ;;\nesac\n"

static bool read_smi(const char *tail, unsigned deadline_ms, struct err *e) {
    char program[64];
    struct read_options o = {
        .nvml_library = "/nonexistent.so", .nvidia_smi = program, .deadline_ms = deadline_ms};
    (void)snprintf(program, sizeof program, "%s/smi", dir);
    write_file(program, SMI, tail);
    return read_with(&o, e);
}

static void texts(void) {
    struct err e = {0};
    ok(read_smi(SMI_LINKS, 5000, &e), "no NVML: nvidia-smi is asked (%s)", e.msg);
    ok(!got.from_nvml, "and is the source");
    is_str(got.topo.source, "nvidia-smi", "named as such");
    is_str(got.topo.driver, "550.1", "driver");
    is_str(got.topo.gpu[1].pci, "00000000:65:00.0", "PCI address");
    is_int(got.topo.gpu[1].memory_mib, 95830, "memory");
    is_int(got.topo.gpu[0].mig, TRI_NO, "MIG off");
    is_int(got.topo.gpu[1].mig, TRI_UNKNOWN, "MIG not told");
    is_int(h.pair[0][1], PAIR_HEALTHY, "0-1");
    ok(read_smi("nvlink) : ;;\nesac\n", 5000, &e), "no word on links");
    is_int(h.pair[0][1], PAIR_UNKNOWN, "the matrix alone does not say that they are up");
    ok(read_smi(
           "nvlink) i=0; echo 'GPU 0: NVIDIA H100 NVL (UUID: GPU-x0)'; while [ $i -lt 12 ]; do "
           "printf '\\t Link %d: 26.562 GB/s\\n' $i; i=$((i+1)); done; exit 15 ;;\nesac\n",
           5000, &e),
       "it ends after the first of two GPUs");
    is_int(h.pair[0][1], PAIR_UNKNOWN, "of the other nothing was told");
    ok(read_smi("nvlink) for g in 0 1; do echo \"GPU $g: NVIDIA H100 NVL (UUID: GPU-x$g)\"; printf "
                "'\\t Link 0: 26.562 GB/s\\n'; done; exit 15 ;;\nesac\n",
                5000, &e),
       "it fails in the middle");
    is_int(h.pair[0][1], PAIR_UNKNOWN, "what was printed is not all");
    ok(!read_smi("nvlink) sleep 60 ;;\nesac\n", 300, &e) && strstr(e.msg, "in time"), "a hang: %s",
       e.msg);
    ok(!read_smi("nvlink) exit 9 ;;\nesac\n", 5000, &e) && strstr(e.msg, "ended with 9"),
       "a failure: %s", e.msg);
    ok(!read_smi("nvlink) cat /dev/zero | tr '\\0' x ;;\nesac\n", 5000, &e) &&
           e.code == ERR_TOO_LARGE,
       "text without an end: %s", e.msg);
    struct read_options none = {.nvml_library = "/nonexistent.so", .nvidia_smi = "/nonexistent"};
    ok(!read_with(&none, &e) && e.code == ERR_IO && strstr(e.msg, "cannot load") &&
           strstr(e.msg, "cannot run"),
       "neither: %s", e.msg);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], READ_CHILD) == 0) {
        return read_child_main(argc - 1, argv + 1);
    }
    ssize_t n = readlink("/proc/self/exe", library, sizeof library - 64);
    char *at = n > 0 ? strstr(library, "/tests/unit/") : NULL;
    if (!at || !mkdtemp(dir)) {
        return 2;
    }
    (void)snprintf(at, 64, "/tests/nvml/libnvidia-ml.so.1");
    (void)snprintf(scenario, sizeof scenario, "%s/scenario", dir);
    (void)setenv("TPGUARD_NVML_SCENARIO", scenario, 1);
    good_days();
    crowds();
    bad_days();
    every_call();
    failures();
    one_reader();
    events();
    jitter();
    texts();
    (void)unlink(scenario);
    char smi[64];
    (void)snprintf(smi, sizeof smi, "%s/smi", dir);
    (void)unlink(smi);
    (void)rmdir(dir);
    return tap_done();
}
