#include "webhook/kube/handles.h"

#include <pthread.h>
#include <stdlib.h>

#include "webhook/sys/wait.h"

struct handles {
    pthread_mutex_t lock;
    pthread_cond_t back;
    CURL *idle[KUBE_CONNECTIONS];
    unsigned n_idle;
    unsigned n_made;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

static void init(void) {
    ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool handles_new(struct handles **out, struct err *e) {
    pthread_once(&once, init);
    struct handles *h = ready ? calloc(1, sizeof *h) : NULL;
    if (!h) {
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    }
    pthread_mutex_init(&h->lock, NULL);
    wait_init(&h->back);
    *out = h;
    return true;
}

void handles_free(struct handles *h) {
    if (!h) {
        return;
    }
    for (unsigned i = 0; i < h->n_idle; i++) {
        curl_easy_cleanup(h->idle[i]);
    }
    pthread_cond_destroy(&h->back);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* Under the lock. NULL: all are lent. */
static CURL *take_now(struct handles *h) {
    if (h->n_idle) {
        return h->idle[--h->n_idle];
    }
    CURL *made = h->n_made < KUBE_CONNECTIONS ? curl_easy_init() : NULL;
    h->n_made += made != NULL;
    return made;
}

bool handles_take(struct handles *h, int64_t deadline_us, CURL **out, struct err *e) {
    bool late = false;
    pthread_mutex_lock(&h->lock);
    CURL *got = take_now(h);
    while (!got && !late) {
        late = !wait_until(&h->back, &h->lock, deadline_us);
        got = take_now(h);
    }
    pthread_mutex_unlock(&h->lock);
    if (!got) {
        return err_set(e, ERR_IO, "all %d connections to the API server stayed busy",
                       KUBE_CONNECTIONS);
    }
    /* The connection, its TLS session and the resolved name stay. */
    curl_easy_reset(got);
    *out = got;
    return true;
}

void handles_give(struct handles *h, CURL *curl) {
    pthread_mutex_lock(&h->lock);
    h->idle[h->n_idle++] = curl;
    pthread_cond_signal(&h->back);
    pthread_mutex_unlock(&h->lock);
}
