#include "webhook/http/server.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webhook/http/exchange.h"
#include "webhook/http/limits.h"
#include "webhook/http/listen.h"
#include "webhook/http/tls.h"
#include "webhook/http/watchdog.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/log.h"

enum side { MAIN, EXTENDER, SIDES };

static const struct side_limits {
    unsigned connections;
    size_t pool;
} side_limits[SIDES] = {
    [MAIN] = {HTTP_CONNECTIONS_MAIN, HTTP_POOL_MAIN},
    [EXTENDER] = {HTTP_CONNECTIONS_EXTENDER, HTTP_POOL_EXTENDER},
};

struct server {
    struct service *service;
    struct tls *tls;
    struct listener listener[SIDES];
    struct MHD_Daemon *daemon[SIDES];
    char shown[SIDES][LISTEN_SHOWN_MAX];
};

/* One connection; libmicrohttpd keeps it as the socket's context. */
struct connection {
    struct server *server;
    struct watched *watched;
    struct tls_credentials *credentials;
};

/* ---- callbacks of libmicrohttpd, on the connection's own thread but for the beginning ---- */

static void library_log(void *cls, const char *fmt, va_list ap) PRINTF(2, 0);
static void library_log(void *cls, const char *fmt, va_list ap) {
    (void)cls;
    char text[512];
    int n = vsnprintf(text, sizeof text, fmt, ap);
    /* Mostly clients that hang up in the middle: of interest only to who looks for it. */
    log_say(LOG_DEBUG, "libmicrohttpd", n > 0 ? text : fmt);
}

/* The client's part of the handshake is complete: from here on it may be idle. */
static int handshake_done(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                          const gnutls_datum_t *msg) {
    (void)type;
    (void)when;
    (void)msg;
    struct connection *c = gnutls_db_get_ptr(session);
    if (incoming && c) {
        watchdog_idle(c->server->service->watchdog, c->watched);
    }
    return 0;
}

static int socket_of(struct MHD_Connection *conn) {
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    return i ? i->connect_fd : -1;
}

static struct connection *connection_of(struct MHD_Connection *conn) {
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i ? i->socket_context : NULL;
}

static void connection_free(struct connection *c) {
    if (c) {
        watchdog_remove(c->server->service->watchdog, c->watched);
        tls_release(c->credentials);
        free(c);
    }
}

static struct connection *connection_new(struct server *s, struct MHD_Connection *conn) {
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = i ? i->tls_session : NULL;
    struct connection *c = calloc(1, sizeof *c);
    if (!session || !c) {
        free(c);
        return NULL;
    }
    c->server = s;
    c->credentials = tls_attach(s->tls, session);
    c->watched = c->credentials ? watchdog_add(s->service->watchdog, socket_of(conn)) : NULL;
    if (!c->watched) {
        tls_release(c->credentials);
        free(c);
        return NULL;
    }
    /* Without a session cache nobody else uses this pointer. */
    gnutls_db_set_ptr(session, c);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       handshake_done);
    return c;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_free(*context);
        *context = NULL;
        return;
    }
    *context = connection_new(cls, conn);
    if (!*context) {
        shutdown(socket_of(conn), SHUT_RDWR); /* nobody would watch it */
    }
}

/* The first line of a request is there. */
static void *on_line(void *cls, const char *uri, struct MHD_Connection *conn) {
    (void)uri;
    struct server *s = cls;
    struct connection *c = connection_of(conn);
    if (c) {
        watchdog_busy(s->service->watchdog, c->watched);
    }
    return NULL;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state,
                         enum MHD_RequestTerminationCode code) {
    struct server *s = cls;
    exchange_end(*state, code == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    *state = NULL;
    struct connection *c = connection_of(conn);
    if (c) {
        watchdog_idle(s->service->watchdog, c->watched);
    }
}

/* ---- life ---- */

static bool start_side(struct server *s, enum side side, const char *address,
                       const struct server_options *o, struct err *e) {
    int fd = -1;
    if (!listen_open(address, &fd, s->shown[side], e)) {
        return false;
    }
    s->listener[side] = (struct listener){s->service, side == EXTENDER};
    const unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
                           MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC | MHD_USE_TLS |
                           MHD_USE_ERROR_LOG;
    s->daemon[side] = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_step, &s->listener[side], /* the logger comes first */
        MHD_OPTION_EXTERNAL_LOGGER, library_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_HTTPS_MEM_CERT, o->cert.p, MHD_OPTION_HTTPS_MEM_KEY, o->key.p,
        MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)HTTP_IDLE_S, MHD_OPTION_CONNECTION_LIMIT, side_limits[side].connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, side_limits[side].pool, MHD_OPTION_THREAD_STACK_SIZE,
        HTTP_THREAD_STACK, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_URI_LOG_CALLBACK, on_line, s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!s->daemon[side]) {
        close(fd);
        return err_set(e, ERR_IO, "cannot serve on %.100s (with --log-level debug it says why)",
                       address);
    }
    return true;
}

static void server_free(struct server *s) {
    for (unsigned i = 0; i < SIDES; i++) {
        if (s->daemon[i]) {
            MHD_stop_daemon(s->daemon[i]);
        }
    }
    watchdog_free(s->service->watchdog);
    s->service->watchdog = NULL;
    tls_free(s->tls);
    free(s);
}

bool server_start(struct service *service, const struct server_options *o, struct server **out,
                  struct err *e) {
    struct server *s = calloc(1, sizeof *s);
    if (!s) {
        return err_set(e, ERR_INTERNAL, "no memory");
    }
    s->service = service;
    const unsigned crowd = HTTP_CONNECTIONS_MAIN / 8 * 7;
    bool extender = o->extender_listen && o->extender_listen[0];
    if (!tls_new(o->cert, o->key, &s->tls, e) ||
        !watchdog_new(o->deadline_s, crowd, &service->watchdog, e) ||
        !start_side(s, MAIN, o->listen, o, e) ||
        (extender && !start_side(s, EXTENDER, o->extender_listen, o, e))) {
        server_free(s);
        return false;
    }
    atomic_store(&service->certificate_expires, tls_expires(s->tls));
    *out = s;
    return true;
}

const char *server_address(const struct server *s, bool extender) {
    enum side side = extender ? EXTENDER : MAIN;
    return s->daemon[side] ? s->shown[side] : NULL;
}

bool server_use_certificate(struct server *s, struct span cert, struct span key, struct err *e) {
    if (!tls_replace(s->tls, cert, key, e)) {
        return false;
    }
    atomic_store(&s->service->certificate_expires, tls_expires(s->tls));
    return true;
}

static void pause_ms(long ms) {
    const struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

static bool is_quiet(struct server *s) {
    return watchdog_count(s->service->watchdog).busy == 0;
}
static bool is_empty(struct server *s) {
    return watchdog_count(s->service->watchdog).open == 0;
}

static bool wait_until(struct server *s, bool (*done)(struct server *), int64_t until_us) {
    while (!done(s) && clock_mono_us() < until_us) {
        pause_ms(10);
    }
    return done(s);
}

bool server_stop(struct server *s, unsigned drain_s) {
    int64_t until = clock_mono_us() + (int64_t)drain_s * 1000000;
    atomic_store(&s->service->stopping, true);
    for (unsigned i = 0; i < SIDES; i++) {
        int fd = s->daemon[i] ? MHD_quiesce_daemon(s->daemon[i]) : -1;
        if (fd >= 0) {
            close(fd);
        }
    }
    bool drained = wait_until(s, is_quiet, until);
    if (drained) {
        /* A request may be on its way into a connection that looks idle: one more look. */
        pause_ms(100);
        drained = wait_until(s, is_quiet, until);
    }
    watchdog_shut(s->service->watchdog, false);
    wait_until(s, is_empty, clock_mono_us() + (drained ? 1000000 : 0));
    watchdog_shut(s->service->watchdog, true);
    server_free(s);
    return drained;
}
