/* Lists and watches resources of a real cluster and says once a second what it knows: for trying
 * the client by hand, against API servers that are stopped, restarted, or far away.
 *
 * Usage: probe [--kubeconfig FILE | --pod DIR HOST PORT] [--seconds N] [--page N] [--partial]
 * PATH... Each line: path objects=N synced=B lists=N events=N failures=N quiet_ms=N ("-" never)
 * error="..." objects is what a cache would hold that only forgets when it is told to; least=N is
 * the fewest it held since the first full list, so that a hole shows. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "webhook/kube/config_inner.h"
#include "webhook/kube/watch.h"
#include "webhook/kube/watch_text.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

#define WATCHES_MAX 8
#define SLOTS       65536 /* a power of two */

struct slot {
    char name[200];
    unsigned round; /* of the list that showed it last; 0 free or gone */
    bool used;
};
struct cache {
    const char *path;
    struct watch *watch;
    struct slot *slot;
    unsigned round;
    _Atomic long n, least;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "probe: %s: %s\n", what, why);
    exit(2);
}

static struct slot *find(struct cache *c, struct span object) {
    char name[200];
    uint64_t h = UINT64_C(1469598103934665603);
    watch_object_name(object, name, sizeof name);
    for (const char *p = name; *p; p++) {
        h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        struct slot *s = &c->slot[(h + i) & (SLOTS - 1)];
        if (!s->used) {
            s->used = true;
            memcpy(s->name, name, sizeof name);
            return s;
        }
        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    die(c->path, "more objects than the probe can hold");
    return NULL;
}

static void moved(struct cache *c, long by) {
    struct watch_status s;
    long n = atomic_fetch_add(&c->n, by) + by;
    watch_status(c->watch, &s);
    if (s.synced && n < c->least) {
        c->least = n;
    }
}

static void begin(void *ctx) {
    struct cache *c = ctx;
    c->round++;
}
static bool put(void *ctx, struct span object, struct err *e) {
    struct cache *c = ctx;
    struct slot *s = find(c, object);
    (void)e;
    if (!s->round) {
        moved(c, 1);
    }
    s->round = c->round;
    return true;
}
static bool drop(void *ctx, struct span object, struct err *e) {
    struct cache *c = ctx;
    struct slot *s = find(c, object);
    (void)e;
    if (s->round) {
        moved(c, -1);
    }
    s->round = 0;
    return true;
}
static void end(void *ctx) {
    struct cache *c = ctx;
    for (unsigned i = 0; i < SLOTS; i++) {
        if (c->slot[i].round && c->slot[i].round != c->round) {
            c->slot[i].round = 0;
            moved(c, -1);
        }
    }
    if (c->round == 1) {
        c->least = c->n;
    }
}

static void say(struct cache *c) {
    struct watch_status s;
    char quiet[32] = "-";
    watch_status(c->watch, &s);
    if (s.alive_us) {
        (void)snprintf(quiet, sizeof quiet, "%lld",
                       (long long)((clock_mono_us() - s.alive_us) / 1000));
    }
    printf("%s objects=%ld least=%ld synced=%d lists=%llu events=%llu failures=%llu quiet_ms=%s "
           "error=\"%s\"\n",
           c->path, c->n, c->least, s.synced, (unsigned long long)s.lists,
           (unsigned long long)s.events, (unsigned long long)s.failures, quiet, s.last_error);
    (void)fflush(stdout);
}

struct options {
    struct kube_config_ask ask;
    const char *dir, *host, *port;
    uint32_t seconds, page;
    bool partial;
    struct cache cache[WATCHES_MAX];
    unsigned n;
};

static bool number(int argc, char **argv, int *i, uint32_t *out) {
    return *i + 1 < argc && span_u32(span_of(argv[++*i]), 1000000, out);
}

static void read_options(int argc, char **argv, struct options *o) {
    for (int i = 1; i < argc; i++) {
        struct span a = span_of(argv[i]);
        if (span_is(a, "--kubeconfig") && i + 1 < argc) {
            o->ask.kubeconfig = argv[++i];
        } else if (span_is(a, "--pod") && i + 3 < argc) {
            o->dir = argv[++i];
            o->host = argv[++i];
            o->port = argv[++i];
        } else if (span_is(a, "--partial")) {
            o->partial = true;
        } else if ((span_is(a, "--seconds") && number(argc, argv, &i, &o->seconds)) ||
                   (span_is(a, "--page") && number(argc, argv, &i, &o->page))) {
            continue;
        } else if (span_starts(a, "/") && o->n < WATCHES_MAX) {
            o->cache[o->n++].path = argv[i];
        } else {
            die("usage", "probe [--kubeconfig FILE | --pod DIR HOST PORT] [--seconds N] [--page N] "
                         "[--partial] PATH...");
        }
    }
}

int main(int argc, char **argv) {
    static struct options o = {.seconds = 10};
    static struct kube_config config;
    struct kube_client *client = NULL;
    struct err e = {0};
    read_options(argc, argv, &o);
    bool loaded = o.dir ? kube_config_in_cluster(o.dir, o.host, o.port, &config, &e)
                        : kube_config_load(&o.ask, &config, &e);
    if (!loaded || !kube_client_new(&config, &client, &e)) {
        die(e.path, e.msg);
    }
    printf("server %s, %s\n", config.server, config.source);
    for (unsigned i = 0; i < o.n; i++) {
        struct cache *c = &o.cache[i];
        const struct watch_options w = {
            .name = c->path, .path = c->path, .query = "", .partial = o.partial, .page = o.page};
        const struct watch_sink sink = {c, begin, put, drop, end};
        c->slot = calloc(SLOTS, sizeof *c->slot);
        if (!c->slot || !watch_start(client, &w, &sink, &c->watch, &e)) {
            die(c->path, e.msg);
        }
    }
    for (unsigned t = 0; t < o.seconds; t++) {
        struct timespec second = {.tv_sec = 1};
        nanosleep(&second, NULL);
        for (unsigned i = 0; i < o.n; i++) {
            say(&o.cache[i]);
        }
    }
    for (unsigned i = 0; i < o.n; i++) {
        watch_stop(o.cache[i].watch);
        free(o.cache[i].slot);
    }
    kube_client_free(client);
    kube_config_done(&config);
    return 0;
}
