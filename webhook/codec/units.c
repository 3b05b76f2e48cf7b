#include <stdio.h>

#include "webhook/codec/object.h"
#include "webhook/codec/parts.h"
#include "webhook/codec/units.h"

/* Where the built-in kinds keep their pod, and which number says how many of it. */
static const struct kind_row {
    const char *kind;
    const char *group;       /* apiVersion is this, or this + "/..." */
    const char *path;        /* of the pod template */
    const char *replicas;    /* path of the number; NULL: not fixed by the object */
    uint32_t replicas_unset; /* what Kubernetes takes when the number is missing */
} kinds[] = {
    {"Deployment", "apps", "spec.template", "spec.replicas", 1},
    {"ReplicaSet", "apps", "spec.template", "spec.replicas", 1},
    {"StatefulSet", "apps", "spec.template", "spec.replicas", 1},
    {"DaemonSet", "apps", "spec.template", NULL, 0},
    {"ReplicationController", "v1", "spec.template", "spec.replicas", 1},
    {"Job", "batch", "spec.template", "spec.parallelism", 1},
    {"CronJob", "batch", "spec.jobTemplate.spec.template", "spec.jobTemplate.spec.parallelism", 1},
    {"PodTemplate", "v1", "template", NULL, 0},
};

bool units_add(struct units *u, const struct json *pod, const struct unit_place *place,
               struct err *e) {
    if (u->n == u->max) {
        return err_at(e, ERR_TOO_LARGE, place->path, "wants at most %u pod templates in one object",
                      u->max);
    }
    struct unit *to = &u->out[u->n];
    *to = u->head;
    to->object = pod;
    to->bare_spec = place->bare_spec;
    if (!(place->bare        ? pod_decode
          : place->bare_spec ? pod_spec_decode
                             : pod_template_decode)(pod, u->arena, &to->pod, e)) {
        return place->bare ? false : err_in(e, "%s", place->path);
    }
    (void)snprintf(to->path, sizeof to->path, "%s", place->path);
    size_t n = place->role.n < sizeof to->role - 1 ? place->role.n : sizeof to->role - 1;
    memcpy(to->role, place->role.n ? place->role.p : "", n);
    to->role[n] = '\0';
    if (!place->bare) {
        to->pod.owner_kind = u->head.kind;
        to->pod.owner_name = u->head.name;
    }
    to->pod.ns = to->pod.ns.n ? to->pod.ns : u->head.ns;
    to->pod.replicas = place->replicas;
    to->pod.group_size = place->group_size ? place->group_size : to->pod.group_size;
    u->n++;
    return true;
}

/* The object that holds the last name of a dotted path ("spec.template": spec); *last is that name,
 * NULL in *out when one on the way is absent. */
static bool walk(const struct json *o, const char *path, const struct json **out, const char **last,
                 struct err *e) {
    const char *rest = path;
    for (const char *dot = strchr(rest, '.'); dot && o; dot = strchr(rest, '.')) {
        char key[32];
        (void)snprintf(key, sizeof key, "%.*s", (int)(dot - rest), rest);
        const struct json *next = NULL;
        if (!json_opt_object(o, key, &next, e)) {
            return rest == path ? false : err_in(e, "%.*s", (int)(rest - 1 - path), path);
        }
        o = next;
        rest = dot + 1;
    }
    *out = o;
    *last = rest;
    return true;
}

static bool replicas_at(const struct json *o, const char *path, uint32_t unset, uint32_t *out,
                        struct err *e) {
    const struct json *holder = NULL;
    const char *last = NULL;
    uint64_t n = unset;
    if (!walk(o, path, &holder, &last, e)) {
        return false;
    }
    if (holder && !json_opt_u64(holder, last, INT32_MAX, &n, e)) {
        return err_in(e, "%.*s", (int)(last - 1 - path), path);
    }
    *out = (uint32_t)n;
    return true;
}

static bool kind_decode(const struct kind_row *row, const struct json *o, struct units *u,
                        struct err *e) {
    const struct json *holder = NULL;
    const struct json *pod = NULL;
    const char *last = NULL;
    struct unit_place place = {.path = row->path};
    if (!walk(o, row->path, &holder, &last, e)) {
        return false;
    }
    if (!holder) {
        return err_at(e, ERR_INPUT, row->path, "wants a pod template, found nothing");
    }
    if (!json_req_object(holder, last, &pod, e)) {
        return last == row->path ? false
                                 : err_in(e, "%.*s", (int)(last - 1 - row->path), row->path);
    }
    if (row->replicas && !replicas_at(o, row->replicas, row->replicas_unset, &place.replicas, e)) {
        return false;
    }
    return units_add(u, pod, &place, e);
}

static bool lws_decode(const struct json *o, struct units *u, struct err *e) {
    const struct json *spec = NULL;
    const struct json *both = NULL;
    const struct json *leader = NULL;
    const struct json *worker = NULL;
    uint64_t replicas = 1;
    uint64_t size = 1;
    if (!json_req_object(o, "spec", &spec, e)) {
        return false;
    }
    if (!json_opt_u64(spec, "replicas", INT32_MAX, &replicas, e) ||
        !json_req_object(spec, "leaderWorkerTemplate", &both, e)) {
        return err_in(e, "spec");
    }
    if (!json_opt_u64(both, "size", COUNT_MAX, &size, e) ||
        !json_opt_object(both, "leaderTemplate", &leader, e) ||
        !json_req_object(both, "workerTemplate", &worker, e)) {
        return err_in(e, "spec.leaderWorkerTemplate");
    }
    struct unit_place place = {.path = "spec.leaderWorkerTemplate.leaderTemplate",
                               .role = SPAN("leader"),
                               .replicas = (uint32_t)replicas,
                               .group_size = (uint32_t)size};
    if (leader && !units_add(u, leader, &place, e)) {
        return false;
    }
    /* Without a template of its own the leader is made from the workers', so that one is both. */
    place.role = leader ? SPAN("worker") : SPAN("");
    place.path = "spec.leaderWorkerTemplate.workerTemplate";
    return units_add(u, worker, &place, e);
}

/* KServe fills in a predictor from one of its runtimes, unless it brings its own containers whole:
 * with their images. */
static bool predictor_add(const struct json *spec, const char *path, const char *role,
                          struct units *u, struct err *e) {
    const struct json *list = NULL;
    struct unit_place place = {.path = path, .role = span_of(role), .bare_spec = true};
    if (!json_opt_array(spec, "containers", &list, e)) {
        return err_in(e, "%s", path);
    }
    const struct json *first = list ? json_first(list) : NULL;
    bool whole = first && json_kind(first) == JSON_OBJECT && map_find(first, "image");
    return !whole || units_add(u, spec, &place, e);
}

static bool isvc_decode(const struct json *o, struct units *u, struct err *e) {
    const struct json *spec = NULL;
    const struct json *predictor = NULL;
    const struct json *worker = NULL;
    if (!json_opt_object(o, "spec", &spec, e)) {
        return false;
    }
    if (spec && !json_opt_object(spec, "predictor", &predictor, e)) {
        return err_in(e, "spec");
    }
    if (predictor && !json_opt_object(predictor, "workerSpec", &worker, e)) {
        return err_in(e, "spec.predictor");
    }
    return (!predictor || predictor_add(predictor, "spec.predictor", worker ? "head" : "", u, e)) &&
           (!worker || predictor_add(worker, "spec.predictor.workerSpec", "worker", u, e));
}

/* A hand-written object may lack its apiVersion; the kind alone then decides. */
static bool group_is(struct span api_version, const char *group) {
    size_t n = strlen(group);
    return api_version.n == 0 ||
           (span_starts(api_version, group) && (api_version.n == n || api_version.p[n] == '/'));
}

static bool dispatch(const struct json *o, struct span api_version, struct units *u,
                     struct err *e) {
    struct span kind = u->head.kind;
    if (span_is(kind, "Pod") && group_is(api_version, "v1")) {
        return units_add(u, o, &(struct unit_place){.path = "", .bare = true}, e);
    }
    if (span_is(kind, "LeaderWorkerSet") && group_is(api_version, "leaderworkerset.x-k8s.io")) {
        return lws_decode(o, u, e);
    }
    if (span_is(kind, "InferenceService") && group_is(api_version, "serving.kserve.io")) {
        return isvc_decode(o, u, e);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (span_is(kind, kinds[i].kind) && group_is(api_version, kinds[i].group)) {
            return kind_decode(&kinds[i], o, u, e);
        }
    }
    return units_search(o, u, e);
}

bool units_decode(const struct json *o, struct arena *a, struct unit *out, unsigned max,
                  unsigned *n, struct err *e) {
    struct units u = {.arena = a, .out = out, .max = max};
    const struct json *meta = NULL;
    struct span api_version = {0};
    if (!want_object(o, e) || !json_opt_str(o, "kind", &u.head.kind, e) ||
        !json_opt_str(o, "apiVersion", &api_version, e) ||
        !json_opt_object(o, "metadata", &meta, e)) {
        return false;
    }
    if (meta && (!json_opt_str(meta, "name", &u.head.name, e) ||
                 !json_opt_str(meta, "namespace", &u.head.ns, e))) {
        return err_in(e, "metadata");
    }
    if (meta && !u.head.name.n && !json_opt_str(meta, "generateName", &u.head.name, e)) {
        return err_in(e, "metadata");
    }
    if (!dispatch(o, api_version, &u, e)) {
        return false;
    }
    *n = u.n;
    return true;
}
