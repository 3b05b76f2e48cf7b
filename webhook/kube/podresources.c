#include "webhook/kube/podresources.h"

#include <errno.h>

#include "webhook/kube/client.h"
#include "webhook/kube/handles.h"
#include "webhook/kube/podresources_inner.h"
#include "webhook/sys/clock.h"
#include "webhook/sys/version.h"

#define SERVICE        "http://localhost/v1.PodResourcesLister/"
#define TIMEOUT_MAX_MS 60000
#define GRPC_NONE      UINT32_MAX
#define GRPC_UNKNOWN   2U
#define GRPC_DEADLINE  4U

/* An empty message in its frame: both requests have no fields. */
static const char empty_request[5];

struct call {
    const char *socket;
    unsigned timeout_ms;
    CURL *curl;
    struct curl_slist *heads;
    struct buf body;
    size_t headers; /* bytes */
    bool too_large;
    uint32_t grpc; /* grpc-status; GRPC_NONE: not come */
    char message[KUBE_MESSAGE_MAX];
    char text[CURL_ERROR_SIZE];
};

static const char *grpc_word(uint32_t status) {
    static const char *const words[] = {"",
                                        "cancelled",
                                        "unknown error",
                                        "invalid argument",
                                        "deadline exceeded",
                                        "not found",
                                        "already exists",
                                        "permission denied",
                                        "resource exhausted",
                                        "failed precondition",
                                        "aborted",
                                        "out of range",
                                        "unimplemented",
                                        "internal error",
                                        "unavailable",
                                        "data loss",
                                        "unauthenticated"};
    return status < sizeof words / sizeof words[0] ? words[status] : "no known status";
}

static int hex(char c) {
    c = span_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void podresources_message(struct span encoded, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < encoded.n && n + 1 < cap; i++) {
        int c = (unsigned char)encoded.p[i];
        if (c == '%' && i + 2 < encoded.n && hex(encoded.p[i + 1]) >= 0 &&
            hex(encoded.p[i + 2]) >= 0) {
            c = hex(encoded.p[i + 1]) * 16 + hex(encoded.p[i + 2]);
            i += 2;
        }
        out[n++] = (char)(c < ' ' ? ' ' : c > '~' ? '?' : c);
    }
    out[n] = '\0';
}

/* ---- callbacks ---- */

/* Headers and trailers alike: a refusal comes with its status in the headers. */
static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    struct call *c = arg;
    struct span value = {p, size * n};
    c->headers += value.n;
    if (c->headers > KUBE_HEADERS_MAX) {
        c->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    struct span name = span_cut(&value, ':');
    value = span_trim(value);
    if (span_ieq(name, SPAN("grpc-status"))) {
        if (!span_u32(value, 999, &c->grpc)) {
            c->grpc = GRPC_UNKNOWN;
        }
    } else if (span_ieq(name, SPAN("grpc-message"))) {
        podresources_message(value, c->message, sizeof c->message);
    }
    return size * n;
}

static size_t on_write(char *p, size_t size, size_t n, void *arg) {
    struct call *c = arg;
    buf_put(&c->body, p, size * n);
    c->too_large |= !buf_ok(&c->body);
    return c->too_large ? CURL_WRITEFUNC_ERROR : size * n;
}

/* ---- the exchange ---- */

#define SET(option, value) (bad |= curl_easy_setopt(c->curl, option, value) != CURLE_OK)

static bool add_head(struct call *c, const char *line) {
    struct curl_slist *more = curl_slist_append(c->heads, line);
    c->heads = more ? more : c->heads;
    return more != NULL;
}

static bool options(struct call *c, const char *method) {
    char url[128];
    char timeout[40];
    bool bad = false;
    (void)snprintf(url, sizeof url, SERVICE "%s", method);
    (void)snprintf(timeout, sizeof timeout, "grpc-timeout: %um", c->timeout_ms);
    bad |= !add_head(c, "Content-Type: application/grpc") || !add_head(c, "TE: trailers") ||
           !add_head(c, "Accept:") || !add_head(c, timeout);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_UNIX_SOCKET_PATH, c->socket);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE);
    SET(CURLOPT_PROTOCOLS_STR, "http");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_USERAGENT, "tpguard/" TPGUARD_VERSION);
    SET(CURLOPT_HTTPHEADER, c->heads);
    SET(CURLOPT_POSTFIELDS, empty_request);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)sizeof empty_request);
    SET(CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    SET(CURLOPT_FRESH_CONNECT, 1L);
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_ERRORBUFFER, c->text);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, c);
    SET(CURLOPT_WRITEFUNCTION, on_write);
    SET(CURLOPT_WRITEDATA, c);
    return !bad;
}

static enum podresources_fault fail(const struct call *c, enum podresources_fault fault,
                                    const char *why, struct err *e) {
    enum err_code code = fault == PODRESOURCES_TOO_LARGE    ? ERR_TOO_LARGE
                         : fault == PODRESOURCES_INTERNAL   ? ERR_INTERNAL
                         : fault == PODRESOURCES_UNREADABLE ? ERR_INPUT
                                                            : ERR_IO;
    (void)err_set(e, code, "%.120s: %.180s", c->socket, why);
    return fault;
}

static enum podresources_fault late(const struct call *c, struct err *e) {
    char why[64];
    (void)snprintf(why, sizeof why, "no whole answer within %u ms", c->timeout_ms);
    return fail(c, PODRESOURCES_DEADLINE, why, e);
}

static enum podresources_fault not_connected(const struct call *c, struct err *e) {
    long number = 0;
    (void)curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &number);
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return fail(c, PODRESOURCES_NO_SOCKET, "no such socket", e);
    case EACCES:
    case EPERM:
        return fail(c, PODRESOURCES_NO_SOCKET, "no leave to open it", e);
    case ECONNREFUSED:
        return fail(c, PODRESOURCES_REFUSED, "nobody listens there", e);
    default:
        return fail(c, PODRESOURCES_CUT, c->text[0] ? c->text : "cannot be connected to", e);
    }
}

static enum podresources_fault curl_failed(const struct call *c, CURLcode code, struct err *e) {
    if (code == CURLE_COULDNT_CONNECT) {
        return not_connected(c, e);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return late(c, e);
    }
    if (code == CURLE_UNSUPPORTED_PROTOCOL) {
        return fail(c, PODRESOURCES_INTERNAL, "libcurl without HTTP/2", e);
    }
    return fail(c, code == CURLE_OUT_OF_MEMORY ? PODRESOURCES_INTERNAL : PODRESOURCES_CUT,
                c->text[0] ? c->text : curl_easy_strerror(code), e);
}

/* What the exchange came to, before the answer is read. */
static enum podresources_fault outcome(const struct call *c, CURLcode code, struct err *e) {
    char why[KUBE_MESSAGE_MAX + 64];
    long http = 0;
    if (c->too_large) {
        (void)snprintf(why, sizeof why, "an answer of more than %zu bytes, or headers of %zu",
                       c->body.max, KUBE_HEADERS_MAX);
        return fail(c, PODRESOURCES_TOO_LARGE, why, e);
    }
    if (code != CURLE_OK) {
        return curl_failed(c, code, e);
    }
    if (curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &http) != CURLE_OK || http != 200) {
        (void)snprintf(why, sizeof why, "HTTP %ld", http);
        return fail(c, PODRESOURCES_CUT, why, e);
    }
    if (c->grpc == GRPC_NONE) {
        return fail(c, PODRESOURCES_CUT, "an answer without grpc-status", e);
    }
    if (c->grpc == GRPC_DEADLINE) {
        return late(c, e);
    }
    if (c->grpc != 0) {
        (void)snprintf(why, sizeof why, "grpc-status %u, %s%s%s", c->grpc, grpc_word(c->grpc),
                       c->message[0] ? ": " : "", c->message);
        return fail(c, PODRESOURCES_STATUS, why, e);
    }
    return PODRESOURCES_OK;
}

static enum podresources_fault exchange(struct call *c, const char *method, struct err *e) {
    struct handles *handles = NULL;
    enum podresources_fault fault = PODRESOURCES_INTERNAL;
    if (!handles_new(&handles, e)) {
        return fault;
    }
    if (handles_take(handles, clock_mono_us(), &c->curl, e)) {
        fault = options(c, method) ? outcome(c, curl_easy_perform(c->curl), e)
                                   : fail(c, fault, "libcurl does not take the request", e);
        handles_give(handles, c->curl);
    }
    curl_slist_free_all(c->heads);
    handles_free(handles);
    return fault;
}

enum podresources_fault podresources_call(const struct podresources_request *r, struct buf *body,
                                          struct err *e) {
    unsigned timeout_ms = r->timeout_ms ? r->timeout_ms : PODRESOURCES_TIMEOUT_MS;
    struct call c = {.socket = r->socket ? r->socket : PODRESOURCES_SOCKET,
                     .timeout_ms = timeout_ms < TIMEOUT_MAX_MS ? timeout_ms : TIMEOUT_MAX_MS,
                     .body = buf_new(r->max),
                     .grpc = GRPC_NONE};
    enum podresources_fault fault = exchange(&c, r->method, e);
    if (fault == PODRESOURCES_OK) {
        *body = c.body;
    } else {
        buf_done(&c.body);
    }
    return fault;
}

typedef bool decoder(struct span message, struct arena *a, struct held_list *out, struct err *e);

static enum podresources_fault ask(const struct podresources_request *r, decoder *decode,
                                   struct arena *a, struct held_list *out, struct err *e) {
    struct span message = {0};
    struct buf body = {0};
    struct err why = {0};
    enum podresources_fault fault = podresources_call(r, &body, &why);
    if (fault == PODRESOURCES_OK &&
        (!podresources_frame(buf_view(&body), &message, &why) || !decode(message, a, out, &why))) {
        fault = why.code == ERR_TOO_LARGE ? PODRESOURCES_TOO_LARGE : PODRESOURCES_UNREADABLE;
        (void)err_wrap(&why, "%.120s: ", r->socket ? r->socket : PODRESOURCES_SOCKET);
    }
    buf_done(&body);
    if (fault != PODRESOURCES_OK && e) {
        *e = why;
    }
    return fault;
}

static bool told(enum podresources_fault fault, enum podresources_fault *out) {
    if (out) {
        *out = fault;
    }
    return fault == PODRESOURCES_OK;
}

bool podresources_list(const char *socket, unsigned timeout_ms, struct arena *a,
                       struct held_list *out, enum podresources_fault *fault, struct err *e) {
    const struct podresources_request r = {socket, timeout_ms, "List", PODRESOURCES_ANSWER_MAX};
    return told(ask(&r, podresources_decode_list, a, out, e), fault);
}

bool podresources_allocatable(const char *socket, unsigned timeout_ms, struct arena *a,
                              struct held_list *out, enum podresources_fault *fault,
                              struct err *e) {
    const struct podresources_request r = {socket, timeout_ms, "GetAllocatableResources",
                                           PODRESOURCES_ANSWER_MAX};
    return told(ask(&r, podresources_decode_allocatable, a, out, e), fault);
}
