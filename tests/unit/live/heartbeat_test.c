/* The Lease of an agent, written and read. */
#include "tests/tap.h"
#include "webhook/live/heartbeat.h"

static bool decode(const char *text, struct heartbeat *out, struct err *e) {
    static struct arena a;
    const struct json *o = NULL;
    arena_done(&a);
    a = arena_new(1 << 20);
    return json_parse(span_of(text), &a, &o, e) && heartbeat_decode(o, out, e);
}

int main(void) {
    char text[1024];
    char path[256];
    struct buf b = BUF_OVER(text);
    struct buf p = BUF_OVER(path);
    struct heartbeat got = {0};
    struct err e = {0};
    struct span node = {0};
    const struct heartbeat_lease l = {
        .node = "gpu-a", .node_uid = "u-1", .at = 1795000000, .for_s = 600};
    heartbeat_encode(&l, true, &b);
    is_str(text,
           "{\"apiVersion\":\"coordination.k8s.io/v1\",\"kind\":\"Lease\",\"metadata\":{\"name\":"
           "\"agent.gpu-a\",\"labels\":{\"app.kubernetes.io/managed-by\":\"tpguard\","
           "\"tpguard.io/heartbeat\":\"agent\"},\"ownerReferences\":[{\"apiVersion\":\"v1\","
           "\"kind\":\"Node\",\"name\":\"gpu-a\",\"uid\":\"u-1\"}]},\"spec\":{\"holderIdentity\":"
           "\"gpu-a\",\"leaseDurationSeconds\":600,\"renewTime\":\"2026-11-18T11:06:40.000000Z\"}}",
           "a Lease that goes with its Node");
    ok(decode(text, &got, &e) && span_is(got.node, "gpu-a") && got.at == 1795000000 && !got.books,
       "is read as it was written: %s", e.msg);
    buf_reset(&b);
    heartbeat_encode(&l, false, &b);
    ok(strstr(text, "kind\":\"Lease") == NULL && strstr(text, "agent.gpu-a") == NULL,
       "a patch does not name it");
    ok(strstr(text, "\"annotations\":{\"tpguard.io/books\":null}") != NULL,
       "and takes back that the books were read: %s", text);
    struct heartbeat_lease full = l;
    full.books = true;
    buf_reset(&b);
    heartbeat_encode(&full, true, &b);
    ok(strstr(text, "\"annotations\":{\"tpguard.io/books\":\"read\"}") != NULL &&
           decode(text, &got, &e) && got.books,
       "the kubelet's books were read as well: %s", text);
    heartbeat_path("tpguard-system", &p);
    is_str(path, "/apis/coordination.k8s.io/v1/namespaces/tpguard-system/leases", "where they are");
    buf_reset(&p);
    heartbeat_path(NULL, &p);
    is_str(path, "/apis/coordination.k8s.io/v1/leases", "or in all namespaces");
    ok(!heartbeat_node(SPAN("agent."), &node), "a prefix is no node");
    ok(!heartbeat_node(SPAN("tpguard-leader"), &node), "nor is another Lease");
    ok(!decode("{\"metadata\":{\"name\":\"x\"},\"spec\":{\"renewTime\":\"2026-11-18T11:06:40Z\"}}",
               &got, &e),
       "another Lease is refused: %s", e.msg);
    ok(!decode("{\"metadata\":{\"name\":\"agent.a\"},\"spec\":{\"renewTime\":\"now\"}}", &got, &e),
       "no time is refused: %s", e.msg);
    ok(!decode("{\"metadata\":{\"name\":\"agent.a\"},\"spec\":{}}", &got, &e),
       "a Lease that was never renewed is refused: %s", e.msg);
    return tap_done();
}
