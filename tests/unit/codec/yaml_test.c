#include "tests/tap.h"
#include "tests/unit/codec/fixture.h"
#include "webhook/codec/manifest.h"

static struct arena arena;

/* One document: its JSON, or "error: ...". */
static const char *one(struct span text) {
    static char out[8192];
    struct buf b = BUF_OVER(out);
    struct yaml_doc *docs = NULL;
    unsigned n = 0;
    struct err e = {0};
    arena_reset(&arena);
    if (!yaml_read(text, &arena, &docs, &n, &e)) {
        buf_fmt(&b, "%s: %s", err_code_name(e.code), e.msg);
    } else if (n == 0) {
        buf_str(&b, "nothing");
    }
    for (unsigned i = 0; i < n; i++) {
        buf_str(&b, i ? "|" : "");
        buf_span(&b, docs[i].bad.code ? span_of(docs[i].bad.msg) : docs[i].json);
    }
    return buf_cstr(&b);
}

struct row {
    const char *what;
    const char *text;
    const char *want;
};

static void check(const struct row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        is_str(one(span_of(rows[i].text)), rows[i].want, rows[i].what);
    }
}
#define CHECK(rows) check((rows), sizeof(rows) / sizeof(rows)[0])

static void refusals(void) {
    static const struct row rows[] = {
        {"a tab as indent is named as such", "a:\n\tb: 1\n",
         "input: line 2: a tab where YAML wants spaces"},
        {"a key that is there twice is refused with both lines", "a: 1\nb: 2\na: 3\n",
         "input: line 3: key \"a\" is there twice (first in line 1)"},
        {"keys are compared as JSON will see them", "1: a\n\"1\": b\n",
         "input: line 2: key \"1\" is there twice (first in line 1)"},
        {"a list as key is refused", "? [a]\n: b\n",
         "input: line 1: a key is a list: JSON has no such key"},
        {"null as key is refused", "~: b\n", "input: line 1: a key is null"},
        {"infinity is no JSON", "a: .inf\n", "input: line 1: .inf is no number that JSON knows"},
        {"not-a-number is no JSON", "- 1\n- .NaN\n",
         "input: line 2: .NaN is no number that JSON knows"},
        {"an alias without its anchor is refused", "a: *x\n",
         "input: line 1: alias *x names no anchor"},
        {"an anchor that contains itself is refused", "a: &x [1, *x]\n",
         "input: line 1: alias *x contains itself"},
        {"anchors end with their document", "a: &x 1\nb: *x\n---\nc: *x\n",
         "{\"a\":1,\"b\":1}|line 4: alias *x names no anchor"},
        {"a merge of no map is refused", "<<: 1\n", "input: line 1: << wants a map to merge"},
        {"!!int on a word is refused", "a: !!int b\n", "input: line 1: \"b\" is no !!int"},
        {"!!bool on a number is refused", "a: !!bool 1\n", "input: line 1: \"1\" is no !!bool"},
        {"!!binary is refused", "a: !!binary aGk=\n",
         "input: line 1: !!binary is not read: write the text itself"},
        {"a NUL written as an escape is refused", "a: \"x\\0y\"\n",
         "input: line 1: a NUL character in a string"},
        {"a hexadecimal number beyond 64 bits is refused", "a: 0x10000000000000000\n",
         "input: line 1: 0x10000000000000000 has more than 64 bits"},
        {"an unclosed quote is refused", "a: \"x\n",
         "input: line 2: found unexpected end of stream while scanning a quoted scalar (from line "
         "1)"},
        {"a trailing comma in JSON is refused", "{\"a\": 1,}\n",
         "input: line 1: a comma with nothing behind it (byte 8)"},
        {"the line of a JSON fault is said", "{\"a\":\n  1\n  2}",
         "input: line 3: wants ',' or '}', found '2' (byte 12)"},
        {"JSON with words outside quotes is refused", "{\"a\": yes}",
         "input: line 1: wants a value, found 'y' (byte 6)"},
    };
    CHECK(rows);
    is_str(one((struct span){"a: 1\nb: \0\n", 10}),
           "input: line 2: a NUL byte: wants text in UTF-8", "a NUL byte is refused");
    is_str(one(SPAN("a: 1\nb: \xff\xfe\n")), "input: line 2: invalid leading UTF-8 octet",
           "bytes that are no UTF-8 are refused");
    is_str(one(SPAN("\xff\xfe"
                    "a:")),
           "input: line 1: invalid leading UTF-8 octet", "UTF-16 is refused");
}

static void scalars(void) {
    static const struct row rows[] = {
        {"words for null", "[~, null, Null, NULL, 'null', !!null '']",
         "[null,null,null,null,\"null\",null]"},
        {"words for true", "[y, Y, yes, Yes, on, ON, true, TRUE, tRue]",
         "[true,true,true,true,true,true,true,true,\"tRue\"]"},
        {"words for false", "[n, N, no, NO, off, Off, false, False, fAlse]",
         "[false,false,false,false,false,false,false,false,\"fAlse\"]"},
        {"quoted words are strings", "['yes', \"no\", '1', \"~\"]", "[\"yes\",\"no\",\"1\",\"~\"]"},
        {"block scalars are strings", "a: |\n  1\nb: >-\n  on\n", "{\"a\":\"1\\n\",\"b\":\"on\"}"},
        {"whole numbers", "[0, -0, 7, -7, +7, 1_000]", "[0,0,7,-7,7,1000]"},
        {"other bases", "[0x1F, 0o17, 017, 0b101, -0x10, 0_7]", "[31,15,15,5,-16,7]"},
        {"a leading zero with an 8 is decimal", "[08, 0089]", "[8,89]"},
        {"no digits behind the base is a string", "[0x, 0b2, 0xZ]", "[\"0x\",\"0b2\",\"0xZ\"]"},
        {"64 bits and more", "[18446744073709551615, -9223372036854775808, 18446744073709551616]",
         "[18446744073709551615,-9223372036854775808,18446744073709551616]"},
        {"fractions", "[1.50, .5, 5., -0.25, 0.0, 00.10]", "[1.5,0.5,5,-0.25,0,0.1]"},
        {"exponents", "[1e3, 1.5e2, 12e-1, 1E+2, 1e-7, 1e22, 1.5e-9]",
         "[1000,150,1.2,100,1e-7,1e+22,1.5e-9]"},
        {"beyond a float is a string", "[1e400, 1e-400]", "[\"1e400\",0]"},
        {"what only looks like a number", "[1.2.3, 1e, e1, '-', +, 1-2, 1:30, ., 0.9-beta]",
         "[\"1.2.3\",\"1e\",\"e1\",\"-\",\"+\",\"1-2\",\"1:30\",\".\",\"0.9-beta\"]"},
        {"dates stay strings", "[2026-11-24, 2026-11-24T09:14:00Z]",
         "[\"2026-11-24\",\"2026-11-24T09:14:00Z\"]"},
        {"tags decide", "[!!str 1, !!int '5', !!float 5, !foo 5, !!null ~]",
         "[\"1\",5,5,\"5\",null]"},
        {"keys become strings", "80: a\non: b\n1.50: c\n",
         "{\"80\":\"a\",\"true\":\"b\",\"1.5\":\"c\"}"},
        {"text is escaped", "a: \"q\\\" b\\\\ \\u00e9 \\x01\"",
         "{\"a\":\"q\\\" b\\\\ \xc3\xa9 \\u0001\"}"},
    };
    CHECK(rows);
    char digits[80];
    memset(digits, '9', sizeof digits);
    struct span s = {digits, sizeof digits};
    ok(one(s)[0] == '"', "a number of 80 digits is left a string");
}

static void structures(void) {
    static const struct row rows[] = {
        {"nesting", "a:\n- b: 1\n  c: []\n- {}\n", "{\"a\":[{\"b\":1,\"c\":[]},{}]}"},
        {"an alias is its anchor's value", "a: &x {b: [1]}\nc: *x\n",
         "{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]}}"},
        {"a later anchor of the same name wins", "- &x 1\n- *x\n- &x 2\n- *x\n", "[1,1,2,2]"},
        {"an alias as key", "? &k a\n: 1\nb: {*k : 2}\n", "{\"a\":1,\"b\":{\"a\":2}}"},
        {"a merge adds what is not there", "base: &b {x: 1, z: 2}\nuse:\n  <<: *b\n  z: 3\n",
         "{\"base\":{\"x\":1,\"z\":2},\"use\":{\"z\":3,\"x\":1}}"},
        {"of two merges the first wins", "<<: [{a: 1}, {a: 2, b: 2}]\nc: 3\n",
         "{\"c\":3,\"a\":1,\"b\":2}"},
        {"a merge may merge", "a: &a {x: 1}\nb: &b {<<: *a, z: 2}\nc: {<<: *b}\n",
         "{\"a\":{\"x\":1},\"b\":{\"z\":2,\"x\":1},\"c\":{\"z\":2,\"x\":1}}"},
        {"a quoted << is a plain key", "\"<<\": 1\n", "{\"<<\":1}"},
        {"a space before the colon", "limits:\n  nvidia.com/gpu : 8\n",
         "{\"limits\":{\"nvidia.com/gpu\":8}}"},
        {"a folded command", "args:\n- >-\n  --tp 2\n  --x\n", "{\"args\":[\"--tp 2 --x\"]}"},
        {"flow YAML is no JSON", "{a: 1, b: [x, 'y']}", "{\"a\":1,\"b\":[\"x\",\"y\"]}"},
        {"Windows line ends", "a: 1\r\n---\r\nb: 2\r\n", "{\"a\":1}|{\"b\":2}"},
        {"a byte order mark",
         "\xEF\xBB\xBF"
         "a: 1\n",
         "{\"a\":1}"},
        {"JSON passes as it is", " {\"a\": [1, 2.0]}\n", "{\"a\": [1, 2.0]}"},
        {"several JSON texts", "{\"a\":1}{\"b\":2}\n[3]", "{\"a\":1}|{\"b\":2}|[3]"},
        {"JSON texts between markers", "---\n{\"a\":1}\n---\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}"},
    };
    CHECK(rows);
}

static void documents(void) {
    static const struct row rows[] = {
        {"an empty text has no document", "", "nothing"},
        {"comments are no document", "# a\n---\n# b\n---\n\n...\n", "nothing"},
        {"null is no document", "---\n~\n---\nnull\n--- \n", "nothing"},
        {"markers and comments", "# c\n---\na: 1\n---\n# d\n---\nb: 2\n...\n",
         "{\"a\":1}|{\"b\":2}"},
        {"content on the marker's line", "--- {a: 1}\n--- |\n  text\n", "{\"a\":1}|\"text\\n\""},
        {"behind dots a document needs its marker", "a: 1\n...\nb: 2\n---\nc: 3\n",
         "{\"a\":1}|line 3: did not find expected <document start>|{\"c\":3}"},
        {"a directive belongs to its document", "%YAML 1.1\n---\na: 1\n", "{\"a\":1}"},
        {"dashes inside a value are no marker", "a: |\n  ---\n  x\nb: ----\n",
         "{\"a\":\"---\\nx\\n\",\"b\":\"----\"}"},
        {"a broken document hides neither the one before nor the one behind",
         "a: 1\n---\nb: {{X}}\n---\nc: 3\n",
         "{\"a\":1}|line 3: a key is a map: JSON has no such key (an unfilled "
         "template?)|{\"c\":3}"},
        {"a text that cannot be parsed is a broken document", "a: 1\n---\nb: [\n---\nc: 3\n",
         "{\"a\":1}|line 4: did not find expected node content while parsing a flow node (from "
         "line "
         "4)|{\"c\":3}"},
        {"a key twice harms its own document alone", "a: 1\n---\nb: 1\nb: 2\n---\nc: 3\n",
         "{\"a\":1}|line 4: key \"b\" is there twice (first in line 3)|{\"c\":3}"},
        {"without one good document the first fault is the error", "a: [\n---\nb: {\n",
         "input: line 2: did not find expected node content while parsing a flow node (from line "
         "2)"},
    };
    CHECK(rows);
}

static void bounds(void) {
    struct buf b = buf_new((size_t)16 * 1024 * 1024);
    buf_str(&b, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (unsigned i = 1; i < 9; i++) {
        buf_fmt(&b, "a%u: &a%u [", i, i);
        for (unsigned k = 0; k < 9; k++) {
            buf_fmt(&b, "*a%u,", i - 1);
        }
        buf_str(&b, "]\n");
    }
    is_str(one(buf_view(&b)), "too-large: line 3: more than 1000 aliases to expand",
           "a billion laughs are refused");

    buf_reset(&b);
    buf_str(&b, "big: &big \"");
    buf_fill(&b, 'x', 100000);
    buf_str(&b, "\"\nall: [");
    for (unsigned i = 0; i < 900; i++) {
        buf_str(&b, "*big,");
    }
    buf_str(&b, "]\n");
    ok(span_starts(span_of(one(buf_view(&b))), "too-large: "),
       "few aliases of a large text are refused by size");

    buf_reset(&b);
    buf_str(&b, "[x, ");
    buf_fill(&b, '[', 64);
    is_str(one(buf_view(&b)), "too-large: line 1: nested deeper than 64",
           "flow nesting has a bottom");
    buf_reset(&b);
    for (unsigned i = 0; i < 70; i++) {
        buf_fill(&b, ' ', i);
        buf_str(&b, "a:\n");
    }
    is_str(one(buf_view(&b)), "too-large: line 64: nested deeper than 64",
           "block nesting has a bottom");

    buf_reset(&b);
    for (unsigned i = 0; i <= YAML_DOCS_MAX; i++) {
        buf_str(&b, "---\na: 1\n");
    }
    is_str(one(buf_view(&b)), "too-large: line 2002: more than 1000 documents",
           "documents are counted");

    buf_reset(&b);
    for (unsigned i = 0; i < 2000000; i++) {
        buf_str(&b, "- a\n");
    }
    ok(span_starts(span_of(one(buf_view(&b))), "too-large: "),
       "a document of millions of values is refused");
    buf_done(&b);
}

static void lines(void) {
    static const char text[] = "# head\n"                  /* 1 */
                               "kind: A\n"                 /* 2 */
                               "---\n"                     /* 3 */
                               "kind: B\n"                 /* 4 */
                               "spec:\n"                   /* 5 */
                               "  containers:\n"           /* 6 */
                               "  - name: x\n"             /* 7 */
                               "    args: &args\n"         /* 8 */
                               "    - one\n"               /* 9 */
                               "    - two\n"               /* 10 */
                               "  - args: *args\n"         /* 11 */
                               "    limits:\n"             /* 12 */
                               "      nvidia.com/gpu: 2\n" /* 13 */
                               "---\n"                     /* 14 */
                               "{\"a\": {\n"               /* 15 */
                               "  \"b\": [1,\n"            /* 16 */
                               "  2]}}\n";                 /* 17 */
    static const struct {
        unsigned doc;
        const char *path;
        unsigned want;
        const char *what;
    } rows[] = {
        {0, "", 2, "the first document begins behind its comment"},
        {1, "", 4, "the second document"},
        {1, "kind", 4, "a member"},
        {1, "spec.containers[0].args[1]", 10, "an element"},
        {1, "spec.containers[0].args[7]", 8, "an element that is not there: the list"},
        {1, "spec.containers[9].args", 7, "... and of a list that is not there"},
        {1, "spec.containers[1].args[0]", 9, "through an alias"},
        {1, "spec.containers[1].limits['nvidia.com/gpu']", 13, "a quoted key"},
        {1, "spec.containers[1].limits.nvidia.com/gpu", 13, "a key with dots"},
        {1, "spec.nothing.more", 6, "a member that is not there: its parent"},
        {2, "a.b[1]", 17, "in JSON"},
        {3, "a", 0, "no such document"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        is_int(yaml_line(span_of(text), rows[i].doc, rows[i].path), rows[i].want, rows[i].what);
    }
    is_int(yaml_line(SPAN("a: [\n---\nb:\n  c: 1\n"), 1, "b.c"), 4,
           "a broken document counts as one");
    is_int(yaml_line(SPAN("a: \0"), 0, "a"), 0, "no line in what cannot be read");
}

int main(void) {
    arena = arena_new((size_t)32 * 1024 * 1024);
    refusals();
    scalars();
    structures();
    documents();
    bounds();
    lines();
    arena_done(&arena);
    return tap_done();
}
