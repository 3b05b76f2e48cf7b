#include "webhook/http/body.h"

#include "webhook/http/limits.h"

static void refuse(struct intake *in, unsigned status, enum err_code code, const char *why) {
    in->refuse = status;
    err_set(&in->why, code, "%s", why);
}

/* Two ways to tell where a body ends are two answers to the question which bytes are the next
 * request: whoever stands in front of us may have chosen the other one. */
static bool framing(struct intake *in, const struct head *h, uint64_t *length) {
    const char *why = NULL;
    if (h->lengths && h->codings) {
        why = "wants Content-Length or Transfer-Encoding, found both";
    } else if (h->lengths > 1) {
        why = "wants one Content-Length, found several";
    } else if (h->codings > 1 || (h->codings && !span_ieq(h->coding, SPAN("chunked")))) {
        why = "wants Transfer-Encoding: chunked, found another";
    } else if (h->lengths && !span_u64(h->length, UINT64_MAX / 2, length)) {
        why = "wants a number as Content-Length";
    }
    if (!why) {
        return true;
    }
    refuse(in, 400, ERR_INPUT, why);
    in->hang_up = true;
    return false;
}

static bool is_json_type(struct span type) {
    struct span media = span_trim(span_cut(&type, ';'));
    return span_ieq(media, SPAN("application/json"));
}

static void check_route(struct intake *in, const struct head *h, unsigned route) {
    if (route == ROUTES) {
        refuse(in, 404, ERR_INPUT, "no such path");
        return;
    }
    const struct route *r = &routes[route];
    bool read = span_is(h->method, "GET") || span_is(h->method, "HEAD");
    if (r->post ? !span_is(h->method, "POST") : !read) {
        refuse(in, 405, ERR_INPUT, r->post ? "wants POST" : "wants GET");
        in->allow = r->allow;
        return;
    }
    if (r->post && h->content_type.p && !is_json_type(h->content_type)) {
        refuse(in, 415, ERR_INPUT, "wants Content-Type: application/json");
    }
}

static void too_large(struct intake *in) {
    in->refuse = 413;
    err_set(&in->why, ERR_TOO_LARGE, "wants a body of at most %zu bytes", in->limit);
}

static size_t limit_of(const struct service *s, unsigned route) {
    if (route == ROUTES || !routes[route].post) {
        return HTTP_REFUSED_DRAIN;
    }
    bool admission = !routes[route].scheduler;
    return admission && s->max_body > HTTP_ADMIT_BODY_MAX ? HTTP_ADMIT_BODY_MAX : s->max_body;
}

void intake_begin(struct intake *in, struct service *s, const struct head *h, unsigned route) {
    uint64_t length = 0;
    *in = (struct intake){.service = s, .limit = limit_of(s, route)};
    in->body = buf_new(in->limit);
    in->drain = HTTP_REFUSED_DRAIN;
    if (!framing(in, h, &length)) {
        return;
    }
    check_route(in, h, route);
    if (!in->refuse && length > in->limit) {
        too_large(in);
    }
    if (in->refuse) {
        in->hang_up = length > HTTP_REFUSED_DRAIN;
        return;
    }
    /* Without a length it shows only at the end that the body is too long; by then the answer may
     * not be given before the rest was read. */
    in->drain = in->limit;
    if (length && !buf_room(&in->body, length < HTTP_BODY_RESERVE ? length : HTTP_BODY_RESERVE)) {
        refuse(in, 503, ERR_INTERNAL, "no memory");
    }
}

static bool count(struct intake *in, size_t n) {
    size_t before = atomic_fetch_add(&in->service->bytes_in_flight, n);
    in->counted += n;
    return before + n <= in->service->max_body * HTTP_BODIES_AT_ONCE;
}

static void drop(struct intake *in) {
    in->dropped = in->body.n;
    buf_done(&in->body);
    atomic_fetch_sub(&in->service->bytes_in_flight, in->counted);
    in->counted = 0;
}

bool intake_take(struct intake *in, const char *bytes, size_t n) {
    if (!in->refuse && n > in->limit - in->body.n) {
        too_large(in);
        drop(in);
    } else if (!in->refuse && !count(in, n)) {
        refuse(in, 503, ERR_TOO_LARGE, "too many requests at once: try again");
        drop(in);
    }
    if (in->refuse) {
        in->dropped += n;
        return in->dropped <= in->limit + in->drain;
    }
    buf_put(&in->body, bytes, n);
    if (!buf_ok(&in->body)) {
        refuse(in, 503, ERR_INTERNAL, "no memory");
        drop(in);
    }
    return true;
}

void intake_done(struct intake *in) {
    drop(in);
}
