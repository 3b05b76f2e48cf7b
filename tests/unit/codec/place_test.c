/* May a pod be on a node by its own constraints: from the objects' JSON to the ruling. What is
 * refused, and what is odd, comes first. */
#include "webhook/core/place.h"

#include <stdlib.h>

#include "tests/unit/codec/fixture.h"
#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"

/* The node of most rows. */
#define GPU_A                                                                                      \
    "{'metadata':{'name':'gpu-a','labels':{'disk':'ssd','zone':'z1','gpus':'4','empty':'',"        \
    "'odd':'4x','neg':'-3','big':'9223372036854775807','tpguard.io/nvlink-set':'2',"               \
    "'tpguard.io/team':'red'}}}"
#define TAINTED(list) "{'metadata':{'name':'gpu-a'},'spec':{'taints':[" list "]}}"
#define GPU_TAINT     "{'key':'nvidia.com/gpu','value':'present','effect':'NoSchedule'}"

#define SELECT(map) "{'containers':[],'nodeSelector':" map "}"
#define TERMS(list)                                                                                \
    "{'containers':[],'affinity':{'nodeAffinity':{"                                                \
    "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[" list "]}}}}"
#define EXPR(list)     "{'matchExpressions':[" list "]}"
#define FIELDS(list)   "{'matchFields':[" list "]}"
#define ONE(k, op, v)  "{'key':'" k "','operator':'" op "','values':" v "}"
#define BARE(k, op)    "{'key':'" k "','operator':'" op "'}"
#define TOLERATE(list) "{'containers':[],'tolerations':[" list "]}"

struct row {
    const char *what, *spec, *node, *want;
};

static const struct row labels[] = {
    /* what keeps a pod off */
    {"a label that the node lacks", SELECT("{'gpu':'h100'}"), GPU_A, "no selector"},
    {"another value", SELECT("{'disk':'hdd'}"), GPU_A, "no selector"},
    {"one of two does not match", SELECT("{'disk':'ssd','zone':'z2'}"), GPU_A, "no selector"},
    {"an empty value is one", SELECT("{'disk':''}"), GPU_A, "no selector"},
    {"names are case-sensitive", SELECT("{'Disk':'ssd'}"), GPU_A, "no selector"},
    {"a beginning of a name is another name", SELECT("{'dis':'ssd'}"), GPU_A, "no selector"},
    {"no term at all", TERMS(""), GPU_A, "no affinity"},
    {"an empty term matches nothing", TERMS("{}"), GPU_A, "no affinity"},
    {"... nor does one of empty lists", TERMS("{'matchExpressions':[],'matchFields':[]}"), GPU_A,
     "no affinity"},
    {"In without the label", TERMS(EXPR(ONE("gpu", "In", "['a']"))), GPU_A, "no affinity"},
    {"In with other values", TERMS(EXPR(ONE("disk", "In", "['hdd','nvme']"))), GPU_A,
     "no affinity"},
    {"NotIn with the value", TERMS(EXPR(ONE("disk", "NotIn", "['hdd','ssd']"))), GPU_A,
     "no affinity"},
    {"Exists without the label", TERMS(EXPR(BARE("gpu", "Exists"))), GPU_A, "no affinity"},
    {"DoesNotExist with it", TERMS(EXPR(BARE("disk", "DoesNotExist"))), GPU_A, "no affinity"},
    {"Gt is not at least", TERMS(EXPR(ONE("gpus", "Gt", "['4']"))), GPU_A, "no affinity"},
    {"Lt is not at most", TERMS(EXPR(ONE("gpus", "Lt", "['4']"))), GPU_A, "no affinity"},
    {"Gt without the label", TERMS(EXPR(ONE("gpu", "Gt", "['0']"))), GPU_A, "no affinity"},
    {"Gt on a label that is no number", TERMS(EXPR(ONE("odd", "Gt", "['1']"))), GPU_A,
     "no affinity"},
    {"Lt on an empty label", TERMS(EXPR(ONE("empty", "Lt", "['1']"))), GPU_A, "no affinity"},
    {"expressions of a term are all wanted",
     TERMS(EXPR(BARE("disk", "Exists") "," BARE("gpu", "Exists"))), GPU_A, "no affinity"},
    {"selector and affinity are both wanted: the affinity",
     "{'containers':[],'nodeSelector':{'disk':'ssd'},'affinity':{'nodeAffinity':{"
     "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[" EXPR(
         BARE("gpu", "Exists")) "]}}}}",
     GPU_A, "no affinity"},
    {"a field names another node", TERMS(FIELDS(ONE("metadata.name", "In", "['gpu-b']"))), GPU_A,
     "no affinity"},
    {"a field leaves this one out", TERMS(FIELDS(ONE("metadata.name", "NotIn", "['gpu-a']"))),
     GPU_A, "no affinity"},
    {"expressions and fields of a term are all wanted",
     TERMS("{'matchExpressions':[" BARE("disk", "Exists") "],'matchFields':[" ONE(
         "metadata.name", "In", "['gpu-b']") "]}"),
     GPU_A, "no affinity"},
    {"another node is named", "{'containers':[],'nodeName':'gpu-b'}", GPU_A, "no name"},
    {"a label of tpguard.io that tpguard does not write", SELECT("{'tpguard.io/team':'blue'}"),
     GPU_A, "no selector"},
    {"beside one that it writes, another decides",
     TERMS(EXPR(ONE("tpguard.io/nvlink-set", "Gt", "['1']") "," BARE("gpu", "Exists"))), GPU_A,
     "no affinity"},
    /* what cannot be told keeps nobody off */
    {"an operator of a later Kubernetes", TERMS(EXPR(ONE("disk", "Like", "['s*']"))), GPU_A,
     "untold"},
    {"In without values", TERMS(EXPR(ONE("disk", "In", "[]"))), GPU_A, "untold"},
    {"Exists with values", TERMS(EXPR(ONE("disk", "Exists", "['ssd']"))), GPU_A, "untold"},
    {"Gt with two values", TERMS(EXPR(ONE("gpus", "Gt", "['1','2']"))), GPU_A, "untold"},
    {"Gt with no number", TERMS(EXPR(ONE("gpus", "Gt", "['two']"))), GPU_A, "untold"},
    {"Gt with a number beyond 64 bits", TERMS(EXPR(ONE("gpus", "Gt", "['9223372036854775808']"))),
     GPU_A, "untold"},
    {"a value that no label can have: below zero", TERMS(EXPR(ONE("gpus", "Gt", "['-1']"))), GPU_A,
     "untold"},
    {"... beyond 63 characters",
     TERMS(EXPR(
         ONE("gpu", "In", "['0123456789012345678901234567890123456789012345678901234567890123']"))),
     GPU_A, "untold"},
    {"a value that is no text", TERMS(EXPR(ONE("disk", "In", "[1]"))), GPU_A, "untold"},
    {"a selector's value that is a number", SELECT("{'gpus':4}"), GPU_A, "untold"},
    {"a field that nodes do not have", TERMS(FIELDS(ONE("metadata.uid", "In", "['u']"))), GPU_A,
     "untold"},
    {"a field with two values", TERMS(FIELDS(ONE("metadata.name", "In", "['gpu-b','gpu-c']"))),
     GPU_A, "untold"},
    {"a field's Exists", TERMS(FIELDS(BARE("metadata.name", "Exists"))), GPU_A, "untold"},
    {"one term cannot be told, the other does not match",
     TERMS(EXPR(ONE("disk", "Like", "['s']")) "," EXPR(BARE("gpu", "Exists"))), GPU_A, "untold"},
    {"labels that are no texts", SELECT("{'disk':'ssd'}"),
     "{'metadata':{'name':'gpu-a','labels':{'disk':4}}}", "untold"},
    /* ... but what else is known decides */
    {"one cannot be told, another of the term says no",
     TERMS(EXPR(ONE("disk", "Like", "['s']") "," BARE("gpu", "Exists"))), GPU_A, "no affinity"},
    {"one term cannot be told, the other matches",
     TERMS(EXPR(ONE("disk", "Like", "['s']")) "," EXPR(BARE("disk", "Exists"))), GPU_A, "yes"},
    {"labels unknown, a field says no", TERMS(FIELDS(ONE("metadata.name", "In", "['gpu-b']"))),
     "{'metadata':{'name':'gpu-a','labels':{'disk':4}}}", "no affinity"},
    /* what lets it in */
    {"nothing asked", "{'containers':[]}", GPU_A, "yes"},
    {"nothing required", "{'containers':[],'affinity':{'nodeAffinity':{}}}", GPU_A, "yes"},
    {"a required affinity that is null",
     "{'containers':[],'affinity':{'nodeAffinity':{"
     "'requiredDuringSchedulingIgnoredDuringExecution':null}}}",
     GPU_A, "yes"},
    {"a preference is none",
     "{'containers':[],'affinity':{'nodeAffinity':{"
     "'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,'preference':" EXPR(
         BARE("gpu", "Exists")) "}]}}}",
     GPU_A, "yes"},
    {"labels as selected", SELECT("{'disk':'ssd','zone':'z1'}"), GPU_A, "yes"},
    {"an empty value as selected", SELECT("{'empty':''}"), GPU_A, "yes"},
    {"In", TERMS(EXPR(ONE("disk", "In", "['hdd','ssd']"))), GPU_A, "yes"},
    {"NotIn without the label", TERMS(EXPR(ONE("gpu", "NotIn", "['a']"))), GPU_A, "yes"},
    {"DoesNotExist without it", TERMS(EXPR(BARE("gpu", "DoesNotExist"))), GPU_A, "yes"},
    {"Exists of an empty label", TERMS(EXPR(BARE("empty", "Exists"))), GPU_A, "yes"},
    {"Gt", TERMS(EXPR(ONE("gpus", "Gt", "['3']"))), GPU_A, "yes"},
    {"Lt of a negative label", TERMS(EXPR(ONE("neg", "Lt", "['2']"))), GPU_A, "yes"},
    {"the largest number there is", TERMS(EXPR(ONE("big", "Gt", "['9223372036854775806']"))), GPU_A,
     "yes"},
    {"zeros before a number", TERMS(EXPR(ONE("gpus", "Gt", "['003']"))), GPU_A, "yes"},
    {"the second of two terms", TERMS(EXPR(BARE("gpu", "Exists")) "," EXPR(BARE("disk", "Exists"))),
     GPU_A, "yes"},
    {"an empty term beside one that matches", TERMS("{}," EXPR(BARE("disk", "Exists"))), GPU_A,
     "yes"},
    {"the node's name as a field", TERMS(FIELDS(ONE("metadata.name", "In", "['gpu-a']"))), GPU_A,
     "yes"},
    {"the node is named", "{'containers':[],'nodeName':'gpu-a'}", GPU_A, "yes"},
    {"tpguard's own label alone", TERMS(EXPR(ONE("tpguard.io/nvlink-set", "Gt", "['7']"))), GPU_A,
     "yes"},
    {"... beside another that matches",
     TERMS(EXPR(BARE("disk", "Exists") "," ONE("tpguard.io/nvlink-set", "Gt", "['7']"))), GPU_A,
     "yes"},
    {"... with an operator nobody knows", TERMS(EXPR(ONE("tpguard.io/stranded", "Like", "['7']"))),
     GPU_A, "yes"},
    {"... in a nodeSelector", SELECT("{'tpguard.io/nvlink':'healthy','disk':'ssd'}"), GPU_A, "yes"},
};

static const struct row taints[] = {
    {"no toleration", TOLERATE(""), TAINTED("{'key':'a','value':'b','effect':'NoSchedule'}"),
     "no taint"},
    {"another effect", TOLERATE("{'key':'a','operator':'Exists','effect':'NoExecute'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'}"), "no taint"},
    {"another value", TOLERATE("{'key':'a','value':'c'}"),
     TAINTED("{'key':'a','value':'b','effect':'NoSchedule'}"), "no taint"},
    {"Equal without a value", TOLERATE("{'key':'a','operator':'Equal'}"),
     TAINTED("{'key':'a','value':'b','effect':'NoSchedule'}"), "no taint"},
    {"another key", TOLERATE("{'key':'A','operator':'Exists'}"),
     TAINTED("{'key':'a','effect':'NoExecute'}"), "no taint"},
    {"one of two taints is not tolerated", TOLERATE("{'key':'a','operator':'Exists'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'},{'key':'b','effect':'NoExecute'}"), "no taint"},
    {"an effect nobody knows tolerates nothing",
     TOLERATE("{'key':'a','operator':'Exists','effect':'NoDrain'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'}"), "no taint"},
    {"who names its node minds NoExecute", "{'containers':[],'nodeName':'gpu-a'}",
     TAINTED("{'key':'a','effect':'NoExecute'}"), "no taint"},
    {"an operator of a later Kubernetes",
     TOLERATE("{'key':'a','operator':'Gt','value':'1','effect':'NoSchedule'}"),
     TAINTED("{'key':'a','value':'2','effect':'NoSchedule'}"), "untold"},
    {"... on another key is no help", TOLERATE("{'key':'b','operator':'Gt','value':'1'}"),
     TAINTED("{'key':'a','value':'2','effect':'NoSchedule'}"), "no taint"},
    {"tolerations that cannot be read", "{'containers':[],'tolerations':{}}",
     TAINTED("{'key':'a','effect':'NoSchedule'}"), "untold"},
    {"... where nothing is tainted", "{'containers':[],'tolerations':{}}", GPU_A, "yes"},
    {"taints that cannot be read", TOLERATE(""), TAINTED("'a'"), "untold"},
    {"key, value and effect", TOLERATE("{'key':'a','value':'b','effect':'NoSchedule'}"),
     TAINTED("{'key':'a','value':'b','effect':'NoSchedule'}"), "yes"},
    {"Equal is the default, and both values may be empty", TOLERATE("{'key':'a'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'}"), "yes"},
    {"no effect is every effect", TOLERATE("{'key':'a','operator':'Exists'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'},{'key':'a','effect':'NoExecute'}"), "yes"},
    {"no key with Exists is every key", TOLERATE("{'operator':'Exists'}"),
     TAINTED("{'key':'a','effect':'NoSchedule'},{'key':'b','value':'c','effect':'NoExecute'}"),
     "yes"},
    {"... of one effect", TOLERATE("{'operator':'Exists','effect':'NoExecute'}"),
     TAINTED("{'key':'b','value':'c','effect':'NoSchedule'}"), "no taint"},
    {"Exists minds no value", TOLERATE("{'key':'a','operator':'Exists','value':'x'}"),
     TAINTED("{'key':'a','value':'b','effect':'NoSchedule'}"), "yes"},
    {"PreferNoSchedule is only a wish", TOLERATE(""),
     TAINTED("{'key':'a','effect':'PreferNoSchedule'}"), "yes"},
    {"an effect nobody knows keeps nobody off", TOLERATE(""),
     TAINTED("{'key':'a','effect':'NoDrain'},{'key':'b'}"), "yes"},
    {"a taint that Kubernetes sets itself", TOLERATE(""),
     TAINTED("{'key':'node.kubernetes.io/disk-pressure','effect':'NoSchedule'}"), "no state"},
    {"... after one of an administrator's", TOLERATE(""),
     TAINTED("{'key':'a','effect':'NoSchedule'},"
             "{'key':'node.kubernetes.io/disk-pressure','effect':'NoSchedule'}"),
     "no taint"},
    {"the taint of kubectl cordon is said apart", TOLERATE(""),
     TAINTED("{'key':'node.kubernetes.io/unschedulable','effect':'NoSchedule'}"), "yes"},
    {"who names its node passes NoSchedule", "{'containers':[],'nodeName':'gpu-a'}",
     TAINTED("{'key':'a','effect':'NoSchedule'}"), "yes"},
};

/* Tolerations that Kubernetes adds when it makes the pod. */
static const struct row drafts[] = {
    {"a taint of GPU nodes, pod without a GPU", TOLERATE(""), TAINTED(GPU_TAINT), "no taint"},
    {"... with one: an admission plugin may tolerate it",
     "{'containers':[{'name':'m','resources':{'limits':{'nvidia.com/gpu':'2'}}}]}",
     TAINTED(GPU_TAINT), "untold"},
    {"... beside another taint",
     "{'containers':[{'name':'m','resources':{'limits':{'nvidia.com/gpu':'2'}}}]}",
     TAINTED(GPU_TAINT ",{'key':'team','value':'red','effect':'NoSchedule'}"), "no taint"},
    {"a node that is not ready", TOLERATE(""),
     TAINTED("{'key':'node.kubernetes.io/not-ready','effect':'NoSchedule'}"), "no state"},
    {"... that is left only after a while", TOLERATE(""),
     TAINTED("{'key':'node.kubernetes.io/unreachable','effect':'NoExecute'}"), "untold"},
    {"memory pressure, no DaemonSet", TOLERATE(""),
     TAINTED("{'key':'node.kubernetes.io/memory-pressure','effect':'NoSchedule'}"), "no state"},
};

static const char *ruled(struct arena *a, const struct row *r, const char *uid, const char *owner) {
    static const char *const rules[PLACE_RULES] = {"nothing",  "name",  "selector",
                                                   "affinity", "taint", "state"};
    static unsigned char block[PLACE_BLOCK_MAX];
    static char said[32];
    struct pod p = {0};
    struct node_object n = {0};
    struct node_place place;
    struct place_ruling got;
    struct err e = {0};
    if (!pod_spec_decode(parsed(a, r->spec), a, &p, &e) ||
        !node_decode(parsed(a, r->node), a, &n, &e)) {
        return "not read";
    }
    p.uid = span_of(uid);
    p.owner_kind = span_of(owner);
    unsigned bytes = place_pack(&n.place, block);
    void *heap = malloc(bytes); /* aligned, and its end is watched */
    if (!heap) {
        return "no memory";
    }
    memcpy(heap, block, bytes);
    place_unpack(heap, &place);
    place_judge(&p, n.name, &place, &got);
    free(heap);
    (void)snprintf(said, sizeof said, "%s%s%s",
                   got.answer == PLACE_YES  ? "yes"
                   : got.answer == PLACE_NO ? "no "
                                            : "untold",
                   got.answer == PLACE_NO ? rules[got.rule] : "",
                   got.answer != PLACE_NO && got.rule != PLACE_BY_NOTHING ? " and a rule" : "");
    return said;
}

static void tables(struct arena *a) {
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        is_str(ruled(a, &labels[i], "u-1", ""), labels[i].want, labels[i].what);
    }
    for (size_t i = 0; i < sizeof taints / sizeof taints[0]; i++) {
        is_str(ruled(a, &taints[i], "u-1", ""), taints[i].want, taints[i].what);
    }
    for (size_t i = 0; i < sizeof drafts / sizeof drafts[0]; i++) {
        is_str(ruled(a, &drafts[i], "", "Deployment"), drafts[i].want, drafts[i].what);
        is_str(ruled(a, &drafts[i], "u-1", "Deployment"), i < 3 ? "no taint" : "no state",
               "... when it is made: no");
    }
    is_str(ruled(a, &drafts[5], "", "DaemonSet"), "untold", "a DaemonSet's pods get that one");
}

/* A list of n numbered elements between two texts. */
static const struct json *many(struct arena *a, const char *before, const char *each, unsigned n,
                               const char *after) {
    struct buf b = buf_new((size_t)4 * 1024 * 1024);
    buf_str(&b, before);
    for (unsigned i = 0; i < n; i++) {
        struct span rest = span_of(each);
        buf_str(&b, i ? "," : "");
        buf_span(&b, span_cut(&rest, '#'));
        buf_u64(&b, i);
        buf_span(&b, rest);
    }
    buf_str(&b, after);
    const struct json *o = parsed(a, buf_cstr(&b));
    buf_done(&b);
    return o;
}

static struct pod pod_of(struct arena *a, const struct json *spec) {
    struct pod p = {0};
    struct err e = {0};
    ok(pod_spec_decode(spec, a, &p, &e), "too much of it is no reason to refuse a pod");
    return p;
}

static void limits(struct arena *a) {
    static unsigned char block[PLACE_BLOCK_MAX];
    struct node_object n = {0};
    struct err e = {0};
    struct pod p =
        pod_of(a, many(a, "{'containers':[],'nodeSelector':{", "'k#':''", POD_PLACE_MAX, "}}"));
    ok(p.place.n_selector == POD_PLACE_MAX && !p.place.selector_untold, "512 entries are read");
    p = pod_of(a, many(a, "{'containers':[],'nodeSelector':{", "'k#':''", POD_PLACE_MAX + 1, "}}"));
    ok(p.place.n_selector == 0 && p.place.selector_untold, "513 cannot be told");
    p = pod_of(a, many(a,
                       "{'containers':[],'affinity':{'nodeAffinity':{"
                       "'requiredDuringSchedulingIgnoredDuringExecution':{'nodeSelectorTerms':[{"
                       "'matchExpressions':[{'key':'k','operator':'In','values':[",
                       "'v#'", POD_PLACE_MAX, "]}]}]}}}}"));
    ok(p.place.terms_untold && !p.place.required && p.n_terms == 1,
       "as many values, with their expression, neither: only patches know of the term");
    p = pod_of(a, many(a, "{'containers':[],'tolerations':[", "{'key':'k#'}",
                       POD_TOLERATIONS_MAX + 1, "]}"));
    ok(p.place.tolerations_untold && !p.place.n_tolerations, "nor 257 tolerations");
    ok(node_decode(
           many(a, "{'metadata':{'name':'n','labels':{", "'k#':'v'", NODE_LABELS_MAX + 1, "}}}"), a,
           &n, &e) &&
           !n.place.labels_known && n.place.taints_known,
       "513 labels of a node are not known, its taints are");
    ok(node_decode(many(a, "{'metadata':{'name':'n'},'spec':{'taints':[",
                        "{'key':'k#','effect':'NoSchedule'}", NODE_TAINTS_MAX + 1, "]}}"),
                   a, &n, &e) &&
           n.place.labels_known && !n.place.taints_known,
       "nor 65 taints, its labels are");
    char value[64];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    char each[96];
    (void)snprintf(each, sizeof each, "'key-of-node-#':'%s'", value);
    ok(node_decode(many(a, "{'metadata':{'name':'n','labels':{", each, 300,
                        "}},'spec':{'taints':[{'key':'t','effect':'NoSchedule'}]}}"),
                   a, &n, &e),
       "300 long labels");
    unsigned bytes = place_pack(&n.place, block);
    struct node_place place;
    void *heap = malloc(bytes);
    if (heap) {
        memcpy(heap, block, bytes);
        place_unpack(heap, &place);
        ok(!place.labels_known && place.n_labels == 0 && place.n_taints == 1 && bytes < 64,
           "... do not fit in a block: they go, the taint stays (%u bytes)", bytes);
    }
    free(heap);
}

int main(void) {
    struct arena a = arena_new(FIXTURE_CAP);
    tables(&a);
    limits(&a);
    arena_done(&a);
    return tap_done();
}
