/* The node affinity that steers a pod: read by affinity.c, written by patch.c. */
#ifndef TPGUARD_CODEC_AFFINITY_H
#define TPGUARD_CODEC_AFFINITY_H

#define AFFINITY_REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define AFFINITY_PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"
#define AFFINITY_WEIGHT    100 /* the highest; people's own preferences are weighed beside it */

/* Of one node selector term, and preferred terms; Kubernetes has no maximum. */
#define AFFINITY_EXPRESSIONS_MAX 1024
#define AFFINITY_PREFERRED_MAX   1024

#endif
