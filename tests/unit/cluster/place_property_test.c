/* What holds for a pod with constraints of its own, on many small random clusters: it is denied
 * exactly where it would be denied without them, and no node is named to it that it may not use. */
#include "tests/unit/cluster/fixture.h"
#include "webhook/codec/object.h"

#define ROUNDS    1500
#define NODES     5
#define ARENA_MAX ((size_t)64 * 1024 * 1024)

static uint32_t state = 20261125;

/* A fixed sequence (Numerical Recipes' constants): a failure can be repeated. */
static unsigned draw(unsigned below) {
    state = state * 1664525U + 1013904223U;
    return (state >> 8) % below;
}

static const char *pick(const char *const *list, unsigned n) {
    return list[draw(n)];
}
#define PICK(list) pick((list), sizeof(list) / sizeof *(list))

static const struct json *read_json(struct arena *a, struct buf *text) {
    const struct json *o = NULL;
    struct err e = {0};
    for (size_t i = 0; i < text->n; i++) {
        text->p[i] = text->p[i] == '\'' ? '"' : text->p[i];
    }
    if (!json_parse(buf_view(text), a, &o, &e)) {
        bail(buf_cstr(text), &e);
    }
    buf_reset(text);
    return o;
}

static void put_random_node(struct cluster *c, struct arena *a, struct buf *b, unsigned i) {
    static const char *const machines[] = {
        "4xH100-NVL", "4xH100-NVL down=0-1", "4xH100-NVL down=0-1,2-3", "4xL40S", "8xH100-SXM", ""};
    static const char *const taints[] = {"{'key':'team','value':'red','effect':'NoSchedule'}",
                                         "{'key':'drain','effect':'NoExecute'}",
                                         "{'key':'soft','effect':'PreferNoSchedule'}"};
    const char *machine = PICK(machines);
    struct node_object n = {0};
    struct err e = {0};
    buf_fmt(b, "{'metadata':{'name':'n%u','labels':{'pool':'%c','rank':'%u'}},'spec':{", i,
            'a' + (char)draw(3), i);
    if (draw(2)) {
        buf_fmt(b, "'taints':[%s]%s", PICK(taints), draw(6) ? "" : ",'unschedulable':true");
    }
    buf_fmt(b, "},'status':{'allocatable':{'nvidia.com/gpu':'%u'}}}",
            draw(8) ? (machine[0] == '8' ? 8U : 4U) : 0U);
    if (!node_decode(read_json(a, b), a, &n, &e)) {
        bail("node", &e);
    }
    if (machine[0]) {
        put_annotation(b, machine);
        if (!arena_span(a, buf_view(b), &n.topology)) {
            bail("arena", &e);
        }
        buf_reset(b);
    }
    if (!cluster_put_node(c, &n, &e)) {
        bail("cluster", &e);
    }
}

static void put_constraints(struct buf *b) {
    static const char *const terms[] = {
        "{'matchExpressions':[{'key':'pool','operator':'NotIn','values':['a']}]}",
        ("{'matchExpressions':[{'key':'rank','operator':'Gt','values':['2']},"
         "{'key':'tpguard.io/nvlink-set','operator':'Gt','values':['7']}]}"),
        "{'matchFields':[{'key':'metadata.name','operator':'In','values':['n1']}]}",
        "{'matchExpressions':[{'key':'pool','operator':'Like','values':['x']}]}",
        "{}",
    };
    static const char *const tolerations[] = {
        "{'key':'team','value':'red'}", "{'key':'drain','operator':'Exists'}",
        "{'operator':'Exists','effect':'NoSchedule'}", "{'key':'team','operator':'Odd'}"};
    if (draw(3) == 0) {
        buf_fmt(b, ",'nodeSelector':{'pool':'%c'}", 'a' + (char)draw(3));
    }
    if (draw(3) == 0) {
        buf_fmt(b,
                ",'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':"
                "{'nodeSelectorTerms':[%s,%s]}}}",
                PICK(terms), PICK(terms));
    }
    if (draw(2)) {
        buf_fmt(b, ",'tolerations':[%s]", PICK(tolerations));
    }
    if (draw(8) == 0) {
        buf_fmt(b, ",'nodeName':'n%u'", draw(NODES + 1));
    }
}

static void draw_pod(struct arena *a, struct buf *b, struct pod *out) {
    static const char *const pins[] = {"0,1", "2,3", "1,2", "8,9"};
    unsigned tp = 1U << draw(5);
    unsigned gpus = draw(6) ? tp : 2;
    struct err e = {0};
    buf_fmt(b,
            "{'metadata':{'name':'p','namespace':'llm'%s},'spec':{'containers':[{'name':'m',"
            "'image':'vllm/vllm-openai:v0.11.0','args':['--model','Qwen/Qwen3-32B-FP8',"
            "'--tensor-parallel-size','%u'],'resources':{'limits':{'nvidia.com/gpu':'%u'}}",
            draw(2) ? ",'uid':'u-1'" : "", tp, gpus);
    if (draw(3) == 0) {
        buf_fmt(b, ",'env':[{'name':'NVIDIA_VISIBLE_DEVICES','value':'%s'}]", PICK(pins));
    }
    buf_str(b, "}]");
    put_constraints(b);
    buf_str(b, "}}");
    if (!pod_decode(read_json(a, b), a, out, &e)) {
        bail("pod", &e);
    }
}

/* The same pod, welcome everywhere. */
static struct pod without_constraints(const struct pod *p) {
    static const struct toleration all = {.op = TOLERATE_EXISTS, .effect = EFFECT_ANY};
    struct pod q = *p;
    q.node_name = (struct span){0};
    q.place = (struct pod_place){.toleration = &all, .n_tolerations = 1};
    return q;
}

struct rows {
    unsigned n, off, fits;
    char allowed[NODES + 1][8]; /* names of nodes that the pod may use */
    unsigned n_allowed;
    bool bad_why;
};

static bool take_row(void *ctx, const struct cluster_node_info *info) {
    struct rows *r = ctx;
    bool off = info->answer->code == REASON_NODE_NOT_ALLOWED;
    r->n++;
    r->off += off;
    r->fits += info->answer->code == REASON_NONE;
    r->bad_why |= off != (info->why[0] != '\0') || strlen(info->why) > PLACE_WORDS_TEXT;
    if (!off && r->n_allowed <= NODES) {
        struct buf b = BUF_OVER(r->allowed[r->n_allowed++]);
        buf_reset(&b);
        buf_span(&b, info->view->name);
    }
    return true;
}

static bool is_allowed(const struct rows *r, const struct node_case *c) {
    for (unsigned i = 0; i < r->n_allowed; i++) {
        if (strcmp(r->allowed[i], c->name) == 0) {
            return true;
        }
    }
    return !c->set;
}

static struct {
    unsigned denied, off, waits; /* so that the scenes are worth something */
    unsigned denial, moved, fits, named, rows, again, silent;
} seen;

static void compare(struct cluster *c, const struct policy *policy, const struct pod *p) {
    static struct judgement own, all, again;
    struct pod q = without_constraints(p);
    struct rows rows = {0};
    judge_pod(c, policy, p, p->ns, NOW, &own);
    judge_pod(c, policy, &q, q.ns, NOW, &all);
    judge_pod(c, policy, p, p->ns, NOW, &again);
    cluster_each(c, &(struct cluster_ask){.shape = &own.shape, .pod = p, .now = NOW}, take_row,
                 &rows);
    const struct decision *d = &own.decision;
    bool waits = d->code == REASON_NODE_NOT_ALLOWED;
    seen.denied += d->verdict == VERDICT_DENY;
    seen.off += rows.off > 0;
    seen.waits += waits;
    seen.denial += (d->verdict == VERDICT_DENY) != (all.decision.verdict == VERDICT_DENY) ||
                   d->allowed != all.decision.allowed;
    bool moved = d->rewrites & REWRITE_REPIN;
    bool free = all.decision.rewrites & REWRITE_REPIN;
    seen.moved += (free && !moved) || (moved && !free && !is_allowed(&rows, &own.unpinned.best));
    seen.fits += own.asked.fits > all.asked.fits || own.asked.nodes != all.asked.nodes ||
                 memcmp(own.asked.by_code, all.asked.by_code, sizeof own.asked.by_code) != 0;
    seen.named += !is_allowed(&rows, &own.asked.best) || !is_allowed(&rows, &own.asked.nearest) ||
                  (own.asked.kept_off.node.set && is_allowed(&rows, &own.asked.kept_off.node));
    seen.rows += rows.n != own.asked.nodes || rows.off != own.asked.n_off ||
                 rows.fits != own.asked.fits || rows.bad_why;
    seen.again += memcmp(&own.asked, &again.asked, sizeof own.asked) != 0;
    seen.silent += waits && !span_has(span_of(d->reason[0].sentence), "nodes with GPUs") &&
                   !span_has(span_of(d->reason[0].sentence), "one node with GPUs");
}

int main(void) {
    static const enum unsatisfiable how[] = {UNSAT_AUTO, UNSAT_DENY, UNSAT_WAIT};
    struct arena a = arena_new(ARENA_MAX);
    struct buf b = buf_new((size_t)1024 * 1024);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct policy policy = policy_default();
        struct pod p;
        policy.unsatisfiable = how[draw(3)];
        policy.autoscaler = draw(4) == 0;
        policy.rewrites |= draw(2) ? REWRITE_REPIN : 0U;
        struct cluster *c = new_cluster(&policy);
        unsigned nodes = draw(NODES + 1);
        for (unsigned n = 0; n < nodes; n++) {
            put_random_node(c, &a, &b, n);
        }
        for (unsigned k = 0; k < 3; k++) {
            draw_pod(&a, &b, &p);
            compare(c, &policy, &p);
        }
        cluster_free(c);
        arena_reset(&a);
    }
    ok(seen.denied > ROUNDS / 10 && seen.off > ROUNDS / 4 && seen.waits > ROUNDS / 20,
       "scenes: %u denied, %u with nodes out of reach, %u that wait for that", seen.denied,
       seen.off, seen.waits);
    is_int(seen.denial, 0, "denied with constraints exactly where denied without");
    is_int(seen.moved, 0,
           "a pin is moved where it is moved without, else only on nodes that the pod may use");
    is_int(seen.fits, 0, "every node is counted as without them, and no more fit");
    is_int(seen.named, 0, "best and nearest are nodes that the pod may use");
    is_int(seen.rows, 0, "the list of nodes and the counts say the same");
    is_int(seen.again, 0, "counts that are kept are those that were made");
    is_int(seen.silent, 0, "who waits for a node that it may use is told so");
    buf_done(&b);
    arena_done(&a);
    return tap_done();
}
