/* The kubelet's checkpoint: what is read, what is refused, and a recorded one. */
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/checkpoint.h"

#define ENTRIES(list) "{'Data':{'PodDeviceEntries':" list ",'RegisteredDevices':{}},'Checksum':1}"
#define ENTRY(devices)                                                                             \
    ENTRIES("[{'PodUID':'u','ContainerName':'c','ResourceName':'r','DeviceIDs':" devices           \
            ",'AllocResp':''}]")

struct row {
    const char *json;
    const char *path;
    const char *what;
};

static void test_refusals(struct arena *a) {
    static const struct row rows[] = {
        {"[]", "", "a list"},
        {"", "", "nothing"},
        {"{'Data':{", "Data", "a cut file"},
        {"{}", "Data", "no data"},
        {"{'Data':[]}", "Data", "data that is a list"},
        {ENTRIES("{}"), "Data.PodDeviceEntries", "entries that are no list"},
        {ENTRIES("[1]"), "Data.PodDeviceEntries[0]", "an entry that is a number"},
        {ENTRIES("[{'ContainerName':'c','ResourceName':'r'}]"), "Data.PodDeviceEntries[0].PodUID",
         "no UID"},
        {ENTRIES("[{'PodUID':'','ContainerName':'c','ResourceName':'r'}]"),
         "Data.PodDeviceEntries[0].PodUID", "an empty UID"},
        {ENTRIES("[{'PodUID':'u','ResourceName':'r'}]"), "Data.PodDeviceEntries[0].ContainerName",
         "no container"},
        {ENTRIES("[{'PodUID':'u','ContainerName':'c','ResourceName':1}]"),
         "Data.PodDeviceEntries[0].ResourceName", "a resource that is a number"},
        {ENTRY("'GPU-1'"), "Data.PodDeviceEntries[0].DeviceIDs", "devices that are a text"},
        {ENTRY("{'0':'GPU-1'}"), "Data.PodDeviceEntries[0].DeviceIDs.0",
         "devices of a NUMA node that are a text"},
        {ENTRY("{'0':['GPU-1',2]}"), "Data.PodDeviceEntries[0].DeviceIDs.0[1]",
         "a device that is a number"},
        {ENTRY("[null]"), "Data.PodDeviceEntries[0].DeviceIDs[0]", "null as a device"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct held_list got = {.n = 77};
        struct err e = {0};
        char what[96];
        (void)snprintf(what, sizeof what, "%s is refused with its path", rows[i].what);
        bool done = checkpoint_decode(quoted(a, rows[i].json), a, &got, &e);
        refused(&e, done, ERR_INPUT, rows[i].path, what);
        ok(got.n == 77, "and nothing is handed out");
    }
}

static unsigned ids_of(struct arena *a, const char *devices) {
    struct held_list got = {0};
    struct err e = {0};
    char text[256];
    (void)snprintf(text, sizeof text, ENTRY("%s"), devices);
    return checkpoint_decode(quoted(a, text), a, &got, &e) && got.n == 1 ? got.pod[0].n : 99;
}

static void test_values(struct arena *a) {
    struct held_list got = {.n = 77};
    struct err e = {0};
    ok(checkpoint_decode(quoted(a, ENTRIES("null")), a, &got, &e) && got.n == 0,
       "a kubelet that never gave out anything");
    is_int(ids_of(a, "{'0':['a','b'],'1':['c'],'-1':null}"), 3, "devices by NUMA node");
    is_int(ids_of(a, "['a','b']"), 2, "an older kubelet's list");
    is_int(ids_of(a, "{}"), 0, "no devices");
    is_int(ids_of(a, "null"), 0, "null");
}

static void test_recorded(struct arena *a) {
    struct held_list got = {0};
    struct err e = {0};
    struct span text = file_text(a, "tests/fuzz/corpus/checkpoint/kubelet-1.36");
    ok(checkpoint_decode(text, a, &got, &e), "a kubelet 1.36's is read");
    is_int(got.n, 3, "three containers hold something");
    if (got.n != 3) {
        return;
    }
    const struct held_pod *h = &got.pod[1];
    is_span(h->uid, "5bded05d-033f-4ace-a2b6-d90edde8404a", "the pod's UID");
    is_span(h->container, "main", "its container");
    is_span(h->resource, "nvidia.com/gpu", "its resource");
    ok(h->n == 2 && span_is(h->id[1], "GPU-00000000-0000-4000-8000-000000000000"), "its devices");
    ok(h->ns.n == 0 && h->name.n == 0, "its name is not said");
    is_span(got.pod[0].container, "warm", "an init container's stay in it");
}

static bool read_many(struct arena *a, unsigned entries, unsigned ids, struct err *e) {
    struct buf b = buf_new(FIXTURE_CAP);
    struct held_list got = {0};
    buf_str(&b, "{'Data':{'PodDeviceEntries':[");
    for (unsigned i = 0; i < entries; i++) {
        buf_fmt(&b, "%s{'PodUID':'u','ContainerName':'c','ResourceName':'r','DeviceIDs':[",
                i ? "," : "");
        for (unsigned k = 0; k < ids; k++) {
            buf_str(&b, k ? ",'i'" : "'i'");
        }
        buf_str(&b, "]}");
    }
    buf_str(&b, "]}}");
    bool done = checkpoint_decode(quoted(a, buf_cstr(&b)), a, &got, e) && got.n == entries;
    buf_done(&b);
    arena_reset(a);
    return done;
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    struct err e = {0};
    test_refusals(&a);
    test_values(&a);
    test_recorded(&a);
    ok(read_many(&a, CHECKPOINT_ENTRIES_MAX, 1, &e), "16384 entries are read");
    refused(&e, read_many(&a, CHECKPOINT_ENTRIES_MAX + 1, 1, &e), ERR_TOO_LARGE,
            "Data.PodDeviceEntries", "one more is refused");
    ok(read_many(&a, 1, CHECKPOINT_IDS_MAX, &e), "65536 devices are read");
    refused(&e, read_many(&a, 1, CHECKPOINT_IDS_MAX + 1, &e), ERR_TOO_LARGE,
            "Data.PodDeviceEntries[0].DeviceIDs[65536]", "one more is refused");
    struct held_list got = {0};
    static char large[CHECKPOINT_MAX + 1];
    refused(&e, checkpoint_decode((struct span){large, sizeof large}, &a, &got, &e), ERR_TOO_LARGE,
            "", "a file of more than 8 MiB is refused unread");
    arena_done(&a);
    return tap_done();
}
