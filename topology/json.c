#include "topology/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "topology/buf.h"
#include "topology/json_path.h"

/* cJSON's allocator is one for the whole process, so it is ours for the whole process: it takes
 * from the arena of the parse that runs on the calling thread, and freeing is the arena's business.
 * Only this file knows cJSON, so nobody else can be hurt by it. (cJSON also writes a process-wide
 * "last error" on each parse; nothing reads it.) */
static _Thread_local struct arena *parsing;
static _Thread_local bool arena_full;
static pthread_once_t hooks_once = PTHREAD_ONCE_INIT;

static void *hook_take(size_t n) {
    /* cJSON clears its nodes itself, as it must over malloc. */
    void *p = parsing ? arena_take_raw(parsing, 1, n) : NULL;
    arena_full = arena_full || !p;
    return p;
}

static void hook_free(void *p) {
    (void)p;
}

static void hooks_install(void) {
    cJSON_Hooks hooks = {.malloc_fn = hook_take, .free_fn = hook_free};
    cJSON_InitHooks(&hooks);
}

static const cJSON *in(const struct json *v) {
    return (const cJSON *)(const void *)v;
}
static const struct json *out_of(const cJSON *v) {
    return (const struct json *)(const void *)v;
}

/* What cJSON_IsNumber and its sisters tell, without a call into the library for each of them. What
 * is not there is of no type, as with them. */
static int type_of(const cJSON *v) {
    return v ? v->type & 0xFF : cJSON_Invalid;
}

/* ---- what cJSON does not check: duplicate keys, exactness of numbers ---- */

/* valueint of a number node: written with digits alone and at most JSON_U64_MAX, so that
 * valuedouble is the number itself. */
enum { INEXACT = 0, EXACT = 1 };

struct finish {
    struct arena *arena;
    const char *p; /* the text behind the numbers that have been dealt with */
    const char *end;
    const char **keys; /* room to sort JSON_MEMBERS_MAX keys; NULL until needed */
};

static bool number_byte(char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static const char *behind_string(const char *p, const char *end) {
    p++;
    while (p < end && *p != '"') {
        p += *p == '\\' ? 2 : 1;
    }
    return p < end ? p + 1 : end;
}

/* The next number of the checked text. cJSON keeps only its double; its nodes come in the order of
 * the text. */
static struct span next_number(struct finish *f) {
    const char *p = f->p;
    while (p < f->end && *p != '-' && (*p < '0' || *p > '9')) {
        p = *p == '"' ? behind_string(p, f->end) : p + 1;
    }
    const char *from = p;
    while (p < f->end && number_byte(*p)) {
        p++;
    }
    f->p = p;
    return (struct span){from, (size_t)(p - from)};
}

static bool number_finish(struct finish *f, cJSON *v, struct err *e) {
    struct span text = next_number(f);
    uint64_t exact = 0;
    if (!isfinite(v->valuedouble)) {
        return err_set(e, ERR_INPUT, "the number " SPAN_FMT " is out of range", SPAN_ARG(text));
    }
    v->valueint = span_u64(text, JSON_U64_MAX, &exact) ? EXACT : INEXACT;
    return true;
}

static bool duplicate(const char *key, struct err *e) {
    return err_set(e, ERR_INPUT, "duplicate key \"%.128s\"", key);
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Objects of up to this many members are compared pair by pair. */
#define PAIRWISE_MAX 16

static bool members_differ_sorted(struct finish *f, const cJSON *o, struct err *e) {
    if (!f->keys) {
        f->keys = ARENA_NEW(f->arena, const char *, JSON_MEMBERS_MAX);
    }
    if (!f->keys) {
        return err_set(e, ERR_TOO_LARGE, "needs more than %zu bytes of memory", f->arena->cap);
    }
    size_t n = 0;
    for (const cJSON *v = o->child; v; v = v->next) {
        if (n == JSON_MEMBERS_MAX) {
            return err_set(e, ERR_TOO_LARGE, "an object of more than %d members", JSON_MEMBERS_MAX);
        }
        f->keys[n++] = v->string;
    }
    qsort(f->keys, n, sizeof *f->keys, by_text);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(f->keys[i - 1], f->keys[i]) == 0) {
            return duplicate(f->keys[i], e);
        }
    }
    return true;
}

/* cJSON has resolved the escapes, and a NUL was refused before: C strings are the keys. */
static bool members_differ(struct finish *f, const cJSON *o, struct err *e) {
    unsigned n = 0;
    for (const cJSON *v = o->child; v; v = v->next) {
        if (++n > PAIRWISE_MAX) {
            return members_differ_sorted(f, o, e);
        }
    }
    for (const cJSON *v = o->child; v; v = v->next) {
        for (const cJSON *w = v->next; w; w = w->next) {
            if (strcmp(v->string, w->string) == 0) {
                return duplicate(v->string, e);
            }
        }
    }
    return true;
}

/* Puts the name of child number i in front of the path; returns false. */
static bool in_child(const cJSON *v, unsigned i, struct err *e) {
    if (!v->string) {
        return err_in(e, "[%u]", i);
    }
    char element[ERR_PATH_MAX];
    struct buf key = BUF_OVER(element);
    json_path_key(span_upto(span_of(v->string), ERR_PATH_MAX - 8), &key);
    return err_in(e, "%s", element);
}

/* Recursion ends at JSON_DEPTH_MAX, which the scanner has seen to. */
static bool finish(struct finish *f, cJSON *v, struct err *e) {
    if (type_of(v) == cJSON_Number) {
        return number_finish(f, v, e);
    }
    if (type_of(v) == cJSON_Object && !members_differ(f, v, e)) {
        return false;
    }
    unsigned i = 0;
    for (cJSON *c = v->child; c; c = c->next, i++) {
        bool leaf = !c->child && type_of(c) != cJSON_Number;
        if (!leaf && !finish(f, c, e)) {
            return in_child(c, i, e);
        }
    }
    return true;
}

static bool check(struct span text, struct err *e) {
    struct json_scan s = json_scan_new(text);
    struct span all;
    return json_scan_skip(&s, &all, e) && json_scan_end(&s, e);
}

bool json_parse(struct span text, struct arena *a, const struct json **root, struct err *e) {
    if (!check(text, e)) {
        return false;
    }
    (void)pthread_once(&hooks_once, hooks_install);
    parsing = a;
    arena_full = false;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.p, text.n, NULL, false);
    parsing = NULL;
    if (!tree && arena_full) {
        return err_set(e, ERR_TOO_LARGE, "needs more than %zu bytes of memory", a->cap);
    }
    if (!tree) {
        return err_set(e, ERR_INTERNAL, "cJSON refused a text that was checked");
    }
    struct finish f = {.arena = a, .p = text.p, .end = text.p + text.n};
    if (!finish(&f, tree, e)) {
        return false;
    }
    *root = out_of(tree);
    return true;
}

/* ---- reading ---- */

enum json_kind json_kind(const struct json *v) {
    switch (type_of(in(v))) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const char *json_kind_name(enum json_kind k) {
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };
    return (unsigned)k < sizeof names / sizeof *names ? names[k] : "nothing";
}

void json_describe(const struct json *v, struct buf *out) {
    if (v && json_kind(v) == JSON_NUMBER) {
        buf_fmt(out, "the number %.15g", in(v)->valuedouble);
        return;
    }
    buf_str(out, v ? json_kind_name(json_kind(v)) : "nothing");
}

bool json_member(const struct json *o, const char *key, const struct json **out, struct err *e) {
    if (!o || json_kind(o) != JSON_OBJECT) {
        char what[64];
        struct buf found = BUF_OVER(what);
        json_describe(o, &found);
        return err_set(e, ERR_INPUT, "wants an object, found %s", what);
    }
    const struct span want = span_of(key);
    const cJSON *variant = NULL;
    for (const cJSON *v = in(o)->child; v; v = v->next) {
        struct span name = span_of(v->string);
        if (span_eq(name, want)) {
            *out = type_of(v) == cJSON_NULL ? NULL : out_of(v);
            return true;
        }
        if (span_ieq(name, want)) {
            variant = v;
        }
    }
    if (variant) {
        return err_set(e, ERR_INPUT, "key \"%s\" where \"%s\" was expected", variant->string, key);
    }
    *out = NULL;
    return true;
}

const struct json *json_first(const struct json *v) {
    return v ? out_of(in(v)->child) : NULL;
}

const struct json *json_next(const struct json *v) {
    return v ? out_of(in(v)->next) : NULL;
}

unsigned json_count(const struct json *v) {
    unsigned n = 0;
    for (const struct json *c = json_first(v); c; c = json_next(c)) {
        n++;
    }
    return n;
}

struct span json_key(const struct json *v) {
    return v && in(v)->string ? span_of(in(v)->string) : (struct span){"", 0};
}

bool json_as_str(const struct json *v, struct span *out) {
    if (!v || type_of(in(v)) != cJSON_String) {
        return false;
    }
    *out = span_of(in(v)->valuestring);
    return true;
}

bool json_as_u64(const struct json *v, uint64_t max, uint64_t *out) {
    const cJSON *c = in(v);
    if (!c || !cJSON_IsNumber(c) || c->valueint != EXACT || (uint64_t)c->valuedouble > max) {
        return false;
    }
    *out = (uint64_t)c->valuedouble;
    return true;
}

bool json_as_bool(const struct json *v, bool *out) {
    if (!v || !cJSON_IsBool(in(v))) {
        return false;
    }
    *out = cJSON_IsTrue(in(v));
    return true;
}

/* Recursion is bounded by JSON_DEPTH_MAX. */
bool json_equal(const struct json *a, const struct json *b) {
    if (!a || !b || json_kind(a) != json_kind(b)) {
        return a == b;
    }
    const cJSON *x = in(a);
    const cJSON *y = in(b);
    switch (json_kind(a)) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return !cJSON_IsTrue(x) == !cJSON_IsTrue(y);
    case JSON_NUMBER:
        return x->valuedouble == y->valuedouble; /* exact numbers, no NaN */
    case JSON_STRING:
        return strcmp(x->valuestring, y->valuestring) == 0;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    const cJSON *c = x->child;
    const cJSON *d = y->child;
    for (; c && d; c = c->next, d = d->next) {
        bool same_key = json_kind(a) == JSON_ARRAY || strcmp(c->string, d->string) == 0;
        if (!same_key || !json_equal(out_of(c), out_of(d))) {
            return false;
        }
    }
    return !c && !d;
}
