/* Log lines hold text of strangers: pod names, error texts. No value may look like a field or a
 * line of its own. Standard error is turned into a pipe and read back. */
#include "webhook/sys/log.h"

#include <unistd.h>

#include "tests/tap.h"
#include "topology/arena.h"
#include "topology/buf.h"
#include "topology/json.h"

static int out_of_pipe;

static void catch_stderr(void) {
    int ends[2];
    if (pipe(ends) == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        out_of_pipe = ends[0];
    }
}

/* What the call wrote. A mark behind it lets the read end where nothing was written. */
static const char *written(const struct log_line *l) {
    static char text[65536];
    log_write(l);
    ssize_t marked = write(STDERR_FILENO, "\x01", 1);
    size_t n = 0;
    while (marked == 1 && n < sizeof text - 1) {
        ssize_t got = read(out_of_pipe, text + n, sizeof text - 1 - n);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        if (text[n - 1] == '\x01') {
            n--;
            break;
        }
    }
    text[n] = '\0';
    return text;
}

static unsigned lines_in(const char *text) {
    unsigned n = 0;
    for (; *text; text++) {
        n += *text == '\n';
    }
    return n;
}

/* The string member `key` of the line, as a JSON reader sees it; "" when the line is no JSON. */
static const char *member(const char *line, const char *key) {
    static char text[16384];
    struct arena a = arena_new(1024 * 1024);
    const struct json *root = NULL;
    struct span value = {0};
    struct err e = {0};
    struct buf b = BUF_OVER(text);
    if (json_parse(span_of(line), &a, &root, &e) && json_req_str(root, key, &value, &e)) {
        buf_span(&b, value);
    }
    arena_done(&a);
    return text;
}

static void test_json(void) {
    struct log_line l = log_new(LOG_INFO, "decision");
    log_str(&l, "pod", "chat-0");
    log_num(&l, "nodes", -7);
    log_bool(&l, "allowed", false);
    const char *got = written(&l);
    ok(strncmp(got, "{\"ts\":\"20", 9) == 0, "a line begins with its time");
    ok(strstr(got, "Z\",\"level\":\"info\",\"msg\":\"decision\",\"pod\":\"chat-0\",\"nodes\":-7,"
                   "\"allowed\":false}\n"),
       "then level, message and fields in the order of the calls");
    const char *dot = strchr(got, '.');
    ok(dot && strspn(dot + 1, "0123456789") == 3 && dot[4] == 'Z', "the time has milliseconds");
}

static void test_hostile_values(void) {
    static const struct {
        const char *value;
        const char *what;
    } rows[] = {
        {"x\",\"level\":\"error", "quotes do not end the value"},
        {"a\nb\r\n{\"level\":\"error\"}", "line ends do not begin a line"},
        {"\x1b[31m\x07", "escape codes do not reach the terminal"},
        {"\\", "a backslash at the end does not eat the quote"},
        {"{}[],:", "brackets are text"},
        {"", "an empty value is a value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct log_line l = log_new(LOG_WARN, "m");
        log_str(&l, "pod", rows[i].value);
        const char *got = written(&l);
        is_str(member(got, "pod"), rows[i].value, rows[i].what);
        is_int(lines_in(got), 1, "it is one line");
        is_str(member(got, "level"), "warn", "the level is ours");
    }
    struct log_line l = log_new(LOG_WARN, "m");
    log_str(&l, "pod", "a\xff\xc0z");
    is_str(member(written(&l), "pod"), "a\xEF\xBF\xBD\xEF\xBF\xBDz",
           "bytes that are not UTF-8 are replaced");
}

static void test_long(void) {
    static char big[100000];
    memset(big, 'a', sizeof big - 1);
    struct log_line l = log_new(LOG_INFO, "m");
    log_str(&l, "pod", big);
    log_str(&l, "after", "here");
    const char *got = written(&l);
    ok(strlen(got) < 1200, "a long value is cut");
    is_str(member(got, "after"), "here", "what follows it is still there");
    memset(big, '\x01', sizeof big - 1);
    struct log_line many = log_new(LOG_INFO, "m");
    for (unsigned i = 0; i < LOG_FIELDS_MAX + 3; i++) {
        log_str(&many, "k", big);
    }
    got = written(&many);
    ok(strlen(got) <= 8224 && lines_in(got) == 1 && strstr(got, ",\"cut\":true}\n"),
       "a line that would be too long loses its last fields and says so");
    struct log_line wide = log_new(LOG_INFO, "m");
    char runes[1001];
    for (unsigned i = 0; i < 1000; i += 2) {
        memcpy(runes + i, "\xC3\xA9", 2);
    }
    runes[1000] = '\0';
    log_span(&wide, "pod", (struct span){runes, 1000});
    ok(strstr(written(&wide), "\xEF\xBF\xBD") == NULL, "the cut is between characters");
}

static void test_levels(void) {
    enum log_level level = LOG_ERROR;
    ok(!log_level_parse(SPAN("loud"), &level) && level == LOG_ERROR,
       "another word is no level, and nothing is set");
    ok(log_level_parse(SPAN("debug"), &level) && level == LOG_DEBUG, "debug is one");
    struct log_line l = log_new(LOG_DEBUG, "m");
    is_str(written(&l), "", "debug is silent at first");
    log_setup(LOG_ERROR, false);
    l = log_new(LOG_WARN, "m");
    is_str(written(&l), "", "what is below the level is silent");
    l = log_new(LOG_ERROR, "m");
    ok(strstr(written(&l), "\"level\":\"error\""), "what is at the level is not");
}

static void test_text(void) {
    log_setup(LOG_INFO, true);
    struct log_line l = log_new(LOG_INFO, "serving");
    log_str(&l, "address", "127.0.0.1:9443");
    log_num(&l, "n", 3);
    log_bool(&l, "ready", true);
    is_str(written(&l), "info  serving address=127.0.0.1:9443 n=3 ready=true\n",
           "text form: level, message, key=value");
    l = log_new(LOG_INFO, "m");
    log_str(&l, "pod", "x level=error");
    is_str(written(&l), "info  m pod=\"x level=error\"\n", "a value with a space is quoted");
    l = log_new(LOG_INFO, "m");
    log_str(&l, "pod", "x\ny");
    is_str(written(&l), "info  m pod=\"x\\ny\"\n", "a line end is escaped");
    l = log_new(LOG_INFO, "m");
    log_str(&l, "pod", "");
    is_str(written(&l), "info  m pod=\"\"\n", "an empty value shows");
}

int main(void) {
    catch_stderr();
    test_json();
    test_hostile_values();
    test_long();
    test_levels();
    test_text();
    return tap_done();
}
