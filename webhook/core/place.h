/* May this pod be on that node by its own constraints: spec.nodeName, nodeSelector, required node
 * affinity, tolerations? The answer is the one that kube-scheduler's NodeName, NodeAffinity and
 * TaintToleration give; what cannot be told (beyond a limit, an operator of a later Kubernetes) is
 * an answer of its own and never read as "no".
 *
 * Left out: terms on the labels that tpguard itself writes (it judges the wiring, and says more
 * than "no match"), and the taint of kubectl cordon (node_view.schedulable has it). Pure, total. */
#ifndef TPGUARD_CORE_PLACE_H
#define TPGUARD_CORE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/buf.h"
#include "webhook/core/pod.h"

/* ---- the node's side: labels and taints, packed into one block ---- */

#define NODE_LABELS_MAX 512
#define NODE_TAINTS_MAX 64
#define TAINT_CORDON    "node.kubernetes.io/unschedulable"

struct node_taint {
    struct span key, value;
    uint8_t effect; /* enum taint_effect, never EFFECT_ANY */
};

/* Key and value stand one behind the other in the text. */
struct label_at {
    uint16_t at, key_n, value_n;
};
struct taint_at {
    uint16_t at, key_n, value_n;
    uint8_t effect;
};
struct node_place {
    bool labels_known, taints_known;
    uint16_t n_labels, n_taints;
    const struct label_at *label; /* sorted by key */
    const struct taint_at *taint;
    const char *text;
};

/* What is to be packed; text borrowed. Of labels and taints that are too many for the decoder only
 * that is known. */
struct node_place_in {
    bool labels_known, taints_known;
    uint16_t n_labels, n_taints;
    const struct kv *label;
    const struct node_taint *taint;
};
/* A block never has more: labels that do not fit are not known, then taints. */
#define PLACE_BLOCK_MAX 16384
/* Only what counts is packed: no label of tpguard, no taint but NoSchedule and NoExecute, not the
 * cordon. The bytes used; the same input in another order gives the same labels. */
unsigned place_pack(const struct node_place_in *in, unsigned char out[static PLACE_BLOCK_MAX]);
/* A block as place_pack made it, aligned as from malloc; *out points into it. NULL: nothing is
 * known. */
void place_unpack(const void *block, struct node_place *out);

/* ---- the question ---- */

enum place_answer { PLACE_YES = 0, PLACE_NO, PLACE_UNTOLD };
enum place_rule {
    PLACE_BY_NOTHING = 0,
    PLACE_BY_NAME,
    PLACE_BY_SELECTOR,
    PLACE_BY_AFFINITY,
    PLACE_BY_TAINT,
    PLACE_BY_STATE, /* a taint that Kubernetes sets and takes off itself: not ready, no memory left
                     */
    PLACE_RULES
};
struct place_ruling {
    uint8_t answer; /* enum place_answer */
    uint8_t rule;   /* enum place_rule: what says no */
    uint16_t at;    /* BY_SELECTOR: index in the pod's, BY_TAINT, BY_STATE: in the node's */
};

/* A pod without uid is not made yet: tolerations that Kubernetes itself may still add to it
 * (DefaultTolerationSeconds, ExtendedResourceToleration, the DaemonSet controller) cannot be told.
 */
void place_judge(const struct pod *p, struct span node, const struct node_place *n,
                 struct place_ruling *out);
/* Does it ask for labels, a name or a field of the node at all? Otherwise only taints matter. */
bool place_asks(const struct pod *p);

/* A whole number as Go's strconv.ParseInt reads it in base 10, which is what Gt and Lt compare.
 * false leaves *out untouched. */
bool place_int(struct span s, int64_t *out);

/* Bytes that identify all of the pod that place_judge reads; 0: longer than that. */
#define PLACE_KEY_MAX 4096
unsigned place_key(const struct pod *p, unsigned char out[static PLACE_KEY_MAX]);

/* "nodeSelector wants disk=ssd", "taint a=b:NoSchedule is not tolerated": ASCII, at most 160
 * bytes. Nothing where the ruling is not no. */
#define PLACE_WORDS_TEXT 160
void place_words(const struct pod *p, const struct node_place *n, const struct place_ruling *r,
                 struct buf *out);

#endif
