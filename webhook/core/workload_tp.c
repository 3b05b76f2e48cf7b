#include "topology/buf.h"
#include "webhook/core/workload_parts.h"

static void take_one(const struct size_ask *a, const char *why) {
    *a->out = (struct size){true, 1};
    workload_note_value(workload_note(a->w, EV_TP, FROM_DEFAULT, "", ""), span_of(why), false);
}

/* NUM_SHARD of a ConfigMap: where the environment is the usual place, envFrom may well hold it. */
static bool env_may_say(const struct size_ask *a) {
    return a->r->row->env_usual && a->r->c->env_from;
}

static bool sees_all(const struct reading *r) {
    char text[64];
    struct buf b = BUF_OVER(text);
    struct reading_place at;
    return reading_env(r, "NVIDIA_VISIBLE_DEVICES", &b, &at) == ENV_KNOWN &&
           (span_is(buf_view(&b), "all") || span_is(buf_view(&b), "void"));
}

/* Nobody said it. */
static void take_default(const struct size_ask *a, bool config) {
    const struct engine_row *row = a->r->row;
    if (row->absent == ABSENT_NO_TP) {
        take_one(a, "1: no tensor parallelism");
    } else if (row->absent == ABSENT_UNKNOWN) {
        size_take_unknown(a, "", row->why_unknown, "", FROM_DEFAULT);
    } else if (config) {
        size_take_unknown(a, "--config", "a config file may say it, and cannot be read here", "",
                          FROM_CONFIG);
    } else if (a->r->opaque) {
        size_take_unknown(a, "", "the script that starts the engine cannot be read here", "",
                          FROM_NOTHING);
    } else if (arg_open_ended(&a->r->argv, a->r->first)) {
        size_take_unknown(a, "", "flags come from a variable that is not in the pod", "",
                          FROM_NOTHING);
    } else if (env_may_say(a)) {
        size_take_unknown(a, "", "envFrom may say it, and cannot be read here", "", FROM_NOTHING);
    } else if (row->all_is_one && !a->w->visible_known && sees_all(a->r)) {
        take_one(a, "1: NVIDIA_VISIBLE_DEVICES is not counted");
    } else if (row->absent == ABSENT_VISIBLE) {
        size_take_visible(a, "all visible GPUs");
    } else {
        take_one(a, "1");
    }
}

bool workload_tp(const struct reading *r, struct workload *w, struct err *e) {
    const struct engine_row *row = r->row;
    const struct size_ask a = {r, w, EV_TP, &w->tp};
    struct arg config;
    bool done = false;
    if (r->differs) {
        size_take_unknown(&a, "", "the script starts engines of several sizes", "", FROM_NOTHING);
        return true;
    }
    if (!size_from_json(&a, &done, e)) {
        return false;
    }
    if (done) {
        return true;
    }
    arg_find(&r->argv, r->first, row, row->config, &config);
    if (!size_read(&a, &done, e) || (!done && !size_from_text(&a, &done, e))) {
        return false;
    }
    bool settled = done;
    if (!done) {
        size_by_mode(&a, &settled);
    }
    bool unsure = config.state != ARG_ABSENT;
    if (!settled) {
        take_default(&a, unsure);
    } else if (done && unsure && row->config_wins) {
        size_take_unknown(&a, "--config",
                          "the engine's config file wins over the flag, and cannot be read here",
                          "", FROM_CONFIG);
    } else if (row->env_beaten_by_count && workload_visible(w) > 1) {
        size_take_visible(&a, "all visible GPUs: this worker counts them itself");
    }
    return true;
}
