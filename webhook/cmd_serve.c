/* tpguard serve: options -> cluster -> certificate -> server -> signals, and the way back. */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>

#include "webhook/cmd.h"
#include "webhook/codec/manifest.h"
#include "webhook/http/limits.h"
#include "webhook/http/stats.h"
#include "webhook/serve_certificate.h"
#include "webhook/serve_live.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/file.h"

#define LOOK_EVERY_S   2
#define COMPLAINTS_MAX ((size_t)64 * 1024)

/* Bodies and answers of some 100 KiB, one after the other: memory that goes back to the system and
 * comes anew costs more page faults than the whole decision. A few heaps for all the threads. */
static void tune_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 8 * 1024 * 1024);
    mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    mallopt(M_TOP_PAD, 1024 * 1024);
    mallopt(M_ARENA_MAX, 4);
}

static int complain(const struct err *e) {
    fprintf(stderr, "tpguard: serve: %s%s%s\n", e->path, e->path[0] ? ": " : "", e->msg);
    return EXIT_USAGE;
}

static void log_cluster(struct cluster *c, const char *file) {
    struct cluster_stats n = {0};
    cluster_stats_get(c, &n);
    struct log_line l = log_new(LOG_INFO, "cluster loaded");
    log_str(&l, "file", file);
    log_num(&l, "nodes", n.nodes);
    log_num(&l, "gpu_nodes", n.gpu_nodes);
    log_num(&l, "pods", n.pods);
    log_num(&l, "topology_missing", n.topo_missing);
    log_num(&l, "topology_invalid", n.topo_invalid);
    log_write(&l);
    struct buf lines = buf_new(COMPLAINTS_MAX);
    cluster_complaints(c, &lines);
    struct span rest = buf_view(&lines);
    while (rest.n) {
        struct log_line one = log_new(LOG_WARN, "wiring cannot be read");
        log_span(&one, "error", span_line(&rest));
        log_write(&one);
    }
    buf_done(&lines);
}

static bool load_cluster(struct cluster *c, const char *file, struct err *e) {
    struct buf text = buf_new(CLUSTER_FILE_MAX);
    bool done = file_read(file, CLUSTER_FILE_MAX, &text, e);
    if (done && !cluster_load(c, buf_view(&text), e)) {
        done = err_file(e, file);
    }
    buf_done(&text);
    stats_reload(true, done);
    if (done) {
        log_cluster(c, file);
    }
    return done;
}

/* "none": an empty cache that is not ready, as it is before a live cluster has been listed. */
static bool no_cluster(const struct serve_options *o) {
    return o->cluster_file && span_is(span_of(o->cluster_file), "none");
}

static bool first_cluster(struct cluster *c, const struct serve_options *o, struct err *e) {
    if (o->live || no_cluster(o)) {
        return true;
    }
    return o->cluster_file ? load_cluster(c, o->cluster_file, e)
                           : cluster_load(c, demo_cluster(), e);
}

static void reload_cluster(struct cluster *c, const char *file) {
    struct err e = {0};
    if (file && !load_cluster(c, file, &e)) {
        struct log_line l = log_new(LOG_ERROR, "the cluster file is not used, the old one stays");
        log_str(&l, "error", e.msg);
        log_str(&l, "path", e.path);
        log_write(&l);
    }
}

static const char *certificate_source(const struct serve_options *o) {
    if (o->issue_tls) {
        return "issued by tpguard";
    }
    return o->tls_cert ? o->tls_cert : "self-signed";
}

static void log_serving(const struct serve_options *o, const struct server *s) {
    struct log_line l = log_new(LOG_INFO, "serving");
    log_str(&l, "address", server_address(s, false));
    if (server_address(s, true)) {
        log_str(&l, "extender_address", server_address(s, true));
    }
    if (o->write_ca) {
        log_str(&l, "ca", o->write_ca);
    }
    log_str(&l, "certificate", certificate_source(o));
    log_str(&l, "mode", mode_name(o->policy.mode));
    log_str(&l, "version", TPGUARD_VERSION);
    log_write(&l);
    if (!o->cluster_file && !o->live) {
        log_say(LOG_WARN, "no --cluster: answering for the built-in example of one node", NULL);
    }
}

static sigset_t our_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

struct running {
    struct service *service;
    struct serve_certificate certificate;
    struct serve_live *live; /* NULL: a recorded cluster */
    struct server *server;
};

/* Until a signal says stop. */
static void attend(const struct serve_options *o, struct running *r) {
    const sigset_t set = our_signals();
    const struct timespec wait = {.tv_sec = LOOK_EVERY_S};
    for (;;) {
        int got = sigtimedwait(&set, NULL, &wait);
        if (got == SIGINT || got == SIGTERM) {
            log_say(LOG_INFO, "stopping", NULL);
            return;
        }
        if (got == SIGHUP) {
            reload_cluster(r->service->cluster, no_cluster(o) ? NULL : o->cluster_file);
        }
        serve_live_look(r->live);
        if (!o->issue_tls) {
            serve_certificate_refresh(&r->certificate, r->server, got == SIGHUP);
        }
    }
}

static bool first_certificate(struct running *r, const struct serve_options *o, struct certs *out,
                              struct err *e) {
    return o->issue_tls ? serve_live_certificate(r->live, out, e)
                        : serve_certificate_first(&r->certificate, o, out, e);
}

static bool start(struct running *r, const struct serve_options *o, struct err *e) {
    struct service *service = r->service;
    struct certs certs;
    if (!first_cluster(service->cluster, o, e)) {
        return false;
    }
    if (o->live && !serve_live_start(service, o, &r->live, e)) {
        return false;
    }
    if (!first_certificate(r, o, &certs, e)) {
        return false;
    }
    struct server_options so = {.listen = o->listen,
                                .extender_listen = o->extender_listen,
                                .cert = buf_view(&certs.cert),
                                .key = buf_view(&certs.key),
                                .deadline_s = o->deadline_s};
    bool done = server_start(service, &so, &r->server, e);
    done = done && (!o->issue_tls || serve_live_renew(r->live, r->server, &certs, e));
    certs_done(&certs);
    return done;
}

static int serve(const struct serve_options *o) {
    struct err e = {0};
    struct service service = {
        .policy = o->policy, .max_body = o->max_body, .bench_echo = o->bench_echo};
    service.cluster = cluster_new(&o->policy);
    if (!service.cluster) {
        err_set(&e, ERR_INTERNAL, "no memory");
        return complain(&e);
    }
    struct running r = {.service = &service};
    if (!start(&r, o, &e)) {
        if (r.server) {
            (void)server_stop(r.server, 0);
        }
        serve_live_stop(r.live);
        cluster_free(service.cluster);
        return complain(&e);
    }
    log_serving(o, r.server);
    attend(o, &r);
    serve_live_keep(r.live);
    bool drained = server_stop(r.server, HTTP_DRAIN_S);
    serve_live_stop(r.live);
    log_say(drained ? LOG_INFO : LOG_WARN, "stopped",
            drained ? NULL : "requests in flight were cut");
    cluster_free(service.cluster);
    return EXIT_OK;
}

static int help(void) {
    struct buf text = buf_new(HTTP_KIB * 64);
    serve_options_help(&text);
    fputs(buf_cstr(&text), stdout);
    buf_done(&text);
    return EXIT_OK;
}

int cmd_serve(int argc, char **argv) {
    struct err e = {0};
    struct serve_options o;
    if (!serve_options_read(argc, argv, &o, &e)) {
        return complain(&e);
    }
    if (o.help) {
        return help();
    }
    /* Blocked before there are threads, which inherit it: only attend() takes them. */
    const sigset_t set = our_signals();
    sigprocmask(SIG_BLOCK, &set, NULL);
    tune_memory();
    log_setup(o.log_level, o.log_text);
    stats_setup(TPGUARD_VERSION);
    return serve(&o);
}
