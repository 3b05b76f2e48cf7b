/* The pieces of decide_admit, shared by its files only: amounts and cleaned text, what is said of a
 * reason (sentence.c), the denial (denial.c), what to do (advice.c), cost and weights
 * (cost_view.c).
 */
#ifndef TPGUARD_CORE_ADMIT_PARTS_H
#define TPGUARD_CORE_ADMIT_PARTS_H

#include "webhook/core/decide.h"

/* The most telling reason among those counted; REASON_NONE when nobody refused. */
enum reason census_reason(const struct census *c);

/* One node, with what its answer points at. */
void case_fill(struct node_case *c, const struct node_view *view, const struct node_answer *a);

/* Text of users, safe for one line of ASCII: other bytes become '?', cut at max with "...". */
void text_clean(struct buf *out, struct span s, size_t max);
/* "0.6 ms", "45 ms", "1.2 s". */
void text_us(struct buf *out, uint64_t us);
/* Weights as models are named: decimal GB, rounded. */
unsigned weights_gb(uint64_t mib);
/* GPU memory as GPUs are named: MiB / 1024, rounded (an H100 NVL reports 95830 MiB: 94 GB). */
unsigned gpu_gb(uint32_t mib);
/* "GPUs 0,1" of a pin. */
void text_pin(struct buf *out, const struct pin *pin);
/* "TP=2", "TP of unknown size". */
void text_tp(struct buf *out, const struct admit_in *in);
/* The size cannot be read, and it matters: several GPUs. */
bool is_tp_unknown(const struct workload *w);
/* "a healthy NVLink pair", "2 healthy NVLink sets of 4 GPUs". */
void text_set(struct buf *out, const struct shape *s);
/* Copies as much of the buf as fits into a fixed field; what does not fit is cut at a word. */
void text_take(const struct buf *from, char *out, size_t cap);

/* The group's size as the pod says it; for sizes that cannot be read, all its GPUs. */
unsigned asked_tp(const struct admit_in *in);
/* The node whose products and prices are talked about. */
const struct node_case *case_of(const struct admit_in *in);

void cost_view_fill(const struct admit_in *in, struct decision *out);
void weights_view_fill(const struct admit_in *in, struct decision *out);
/* Attention heads of the model where they are certain; 0 unknown. */
unsigned model_heads(const struct decision *d);

/* A line of kubectl. */
#define WARNING_MAX 120
/* body + " (Code)" in at most cap - 1 bytes; the body gives way. */
void line_close(struct buf *body, const char *code, char *out, size_t cap);
/* "0-1 down (0 of 12 lanes)". */
void text_pair(struct buf *out, const struct node_case *c);
/* "gpu-a: 2,3 in use by llm/chat-0, 0-1 down (0 of 12 lanes)". */
void text_node(struct buf *out, const struct node_case *c);
/* Reasons of a node, of a pod that waits. */
bool place_known(enum reason code);
void place_sentence(const struct admit_in *in, enum reason code, struct buf *out);
void place_line(const struct admit_in *in, enum reason code, struct buf *out);
/* What ends a wait for a node that the pod may use: "tolerate the taint, or take it off the node".
 */
void place_cure(const struct admit_in *in, struct buf *out);
/* ... which Kubernetes does by itself, when the node is well again. */
bool place_passes(const struct admit_in *in);
/* The pod has fewer GPUs than its own TP size. */
bool exceeds_pod(const struct admit_in *in);

/* One reason with its sentence, and (apart) its line for kubectl. */
void reason_push(const struct admit_in *in, struct decision *d, enum reason code);
void warning_push(const struct admit_in *in, struct decision *d, enum reason code);
void denial_write(const struct admit_in *in, struct decision *d);
void advice_fill(const struct admit_in *in, struct decision *d);

/* The remedy parts that message and advice share. */
bool can_repin(const struct admit_in *in);       /* a free healthy set elsewhere */
unsigned pipeline_tp(const struct admit_in *in); /* TP size of TP x PP; 0 does not apply */
const struct evidence *said_tp(const struct admit_in *in);

#endif
