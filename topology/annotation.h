/* The node annotation tpguard.io/topology: canonical JSON, version 1. Written by the agent, by
 * `tpguard topology --annotation`, or by hand; read by serve and explain.
 *
 * Canonical: keys in the order of the example, no spaces, unknown values left out, so equal data
 * gives equal bytes. decode(encode(t)) == t. The reader refuses what it does not know: another
 * version, unknown keys, duplicate keys, a matrix that is not n x n, lanes above LANES_MAX, text
 * after the end; the error names the path.
 *
 * Example (two bridged GPUs, one lane group lost in one direction would show as wires[0][1] !=
 * wires[1][0]):
 * {"version":1,"observedAt":"2026-11-24T09:14:00Z","source":"nvidia-smi","driver":"550.163.01","nvswitch":false,
 *  "gpus":[{"index":0,"uuid":"GPU-...","product":"NVIDIA H100 NVL","memoryMiB":95830,"numa":0,
 *           "pciBusId":"00000000:17:00.0","mig":false,"fabric":"none",
 *           "nvlink":{"state":"listed","on":12,"listed":18,"speed":26562}},
 *          {"index":1}],
 *  "wires":[["X","NV12"],["NV12","X"]],
 *  "expected":[[0,12],[12,0]]}
 * wires words: X NVn PIX PXB PHB NODE SYS, null = unknown. expected: lanes, 0 = never fitted, null
 * = unknown; the whole key may be missing = all unknown. fault: a sentence, in a GPU, when there is
 * one. */
#ifndef TPGUARD_TOPOLOGY_ANNOTATION_H
#define TPGUARD_TOPOLOGY_ANNOTATION_H

#include "topology/buf.h"
#include "topology/err.h"
#include "topology/span.h"
#include "topology/topo.h"

#define ANNOTATION_KEY     "tpguard.io/topology"
#define ANNOTATION_VERSION 1
/* All annotations of an object together may have 256 KiB (Kubernetes, TotalAnnotationSizeLimitB).
 */
#define ANNOTATION_MAX (128 * 1024)

/* Appends; a full buf shows as !buf_ok. */
void annotation_encode(const struct topo *t, struct buf *out);
NODISCARD bool annotation_decode(struct span text, struct topo *out, struct err *e);

/* The word of nvlink.state; "unknown" is said by leaving nvlink out. */
const char *links_state_name(enum links_state s);

/* RFC 3339 UTC, whole seconds: "2026-11-24T09:14:00Z". time_parse also takes fractions and offsets,
 * and cuts. */
void time_text(int64_t unix_s, struct buf *out);
NODISCARD bool time_parse(struct span text, int64_t *unix_s);

#endif
