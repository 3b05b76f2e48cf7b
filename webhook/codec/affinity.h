/* The node affinity that steers a pod: read by affinity.c, written by patch.c. */
#ifndef TPGUARD_CODEC_AFFINITY_H
#define TPGUARD_CODEC_AFFINITY_H

#define AFFINITY_LABEL    "tpguard.io/nvlink-set"
#define AFFINITY_REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"

/* Of one node selector term; Kubernetes has no maximum. */
#define AFFINITY_EXPRESSIONS_MAX 1024

#endif
