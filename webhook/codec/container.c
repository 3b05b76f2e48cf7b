#include "webhook/codec/parts.h"

static bool words_decode(const struct json *o, const char *key, struct arena *a,
                         const struct span **out, uint16_t *n_out, struct err *e) {
    const struct json *list = NULL;
    if (!list_member(o, key, POD_WORDS_MAX, &list, e)) {
        return false;
    }
    if (!list) {
        return true;
    }
    struct span *words = ARENA_NEW(a, struct span, json_count(list));
    if (!words) {
        return err_at(e, ERR_TOO_LARGE, key, "the pod is too large");
    }
    uint16_t n = 0;
    for (const struct json *v = json_first(list); v; v = json_next(v), n++) {
        words[n] = SPAN("");
        /* The API server reads a null in a list of strings as "". */
        if (json_kind(v) != JSON_NULL && !json_as_str(v, &words[n])) {
            (void)err_set(e, ERR_INPUT, "wants a string, found %s", json_kind_name(json_kind(v)));
            return err_in(e, "%s[%u]", key, n);
        }
    }
    *out = words;
    *n_out = n;
    return true;
}

/* valueFrom: the value is elsewhere. Of its kinds only fieldRef tells where in words we use. */
static bool value_from_decode(const struct json *from, struct env_var *out, struct err *e) {
    const struct json *field = NULL;
    if (!json_opt_object(from, "fieldRef", &field, e)) {
        return false;
    }
    if (field && !json_opt_str(field, "fieldPath", &out->field, e)) {
        return err_in(e, "fieldRef");
    }
    out->ref = true;
    return true;
}

static bool env_var_decode(const struct json *v, struct env_var *out, struct err *e) {
    const struct json *from = NULL;
    if (!want_object(v, e) || !json_opt_str(v, "name", &out->name, e) ||
        !json_opt_str(v, "value", &out->value, e) || !json_opt_object(v, "valueFrom", &from, e)) {
        return false;
    }
    if (from && !value_from_decode(from, out, e)) {
        return err_in(e, "valueFrom");
    }
    return true;
}

static bool env_decode(const struct json *o, struct arena *a, struct container *c, struct err *e) {
    const struct json *list = NULL;
    const struct json *from = NULL;
    if (!list_member(o, "env", POD_ENV_MAX, &list, e) || !json_opt_array(o, "envFrom", &from, e)) {
        return false;
    }
    c->env_from = from && json_count(from) > 0;
    if (!list) {
        return true;
    }
    struct env_var *env = ARENA_NEW(a, struct env_var, json_count(list));
    if (!env) {
        return err_at(e, ERR_TOO_LARGE, "env", "the pod is too large");
    }
    uint16_t n = 0;
    for (const struct json *v = json_first(list); v; v = json_next(v), n++) {
        if (!env_var_decode(v, &env[n], e)) {
            return err_in(e, "env[%u]", n);
        }
    }
    c->env = env;
    c->n_env = n;
    return true;
}

static bool container_decode(const struct json *v, struct arena *a, struct container *c,
                             struct err *e) {
    const struct json *security = NULL;
    struct span restart = {0};
    if (!want_object(v, e) || !json_opt_str(v, "name", &c->name, e) ||
        !json_opt_str(v, "image", &c->image, e) || !json_opt_str(v, "restartPolicy", &restart, e) ||
        !json_opt_object(v, "securityContext", &security, e)) {
        return false;
    }
    if (security && !json_opt_bool(security, "privileged", &c->privileged, e)) {
        return err_in(e, "securityContext");
    }
    c->sidecar = c->init && span_is(restart, "Always");
    return words_decode(v, "command", a, &c->command, &c->n_command, e) &&
           words_decode(v, "args", a, &c->args, &c->n_args, e) && env_decode(v, a, c, e) &&
           resources_decode(v, c, e);
}

static bool list_decode(const struct json *list, bool init, struct arena *a, struct container *out,
                        struct err *e) {
    uint16_t at = 0;
    for (const struct json *v = list ? json_first(list) : NULL; v; v = json_next(v), at++) {
        out[at] = (struct container){.at = at, .init = init};
        if (!container_decode(v, a, &out[at], e)) {
            return err_in(e, "%s[%u]", init ? "initContainers" : "containers", at);
        }
    }
    return true;
}

bool containers_decode(const struct json *spec, struct arena *a, struct pod *p, struct err *e) {
    const struct json *init = NULL;
    const struct json *main = NULL;
    if (!list_member(spec, "initContainers", POD_CONTAINERS_MAX, &init, e) ||
        !list_member(spec, "containers", POD_CONTAINERS_MAX, &main, e)) {
        return false;
    }
    unsigned n_init = init ? json_count(init) : 0;
    unsigned n = n_init + (main ? json_count(main) : 0);
    if (n > POD_CONTAINERS_MAX) {
        return err_at(e, ERR_TOO_LARGE, "containers",
                      "wants at most %d containers, init containers included, found %u",
                      POD_CONTAINERS_MAX, n);
    }
    struct container *c = ARENA_NEW(a, struct container, n);
    if (!c) {
        return err_at(e, ERR_TOO_LARGE, "containers", "the pod is too large");
    }
    if (!list_decode(init, true, a, c, e) || !list_decode(main, false, a, c + n_init, e)) {
        return false;
    }
    p->containers = c;
    p->n_containers = (uint16_t)n;
    return true;
}
