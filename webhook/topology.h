/* What `tpguard topology` found out: gathered from files first, printed after (text or JSON), so
 * that both outputs show the same thing. Not everything has to be known: a refused text leaves its
 * part out and says why. */
#ifndef TPGUARD_WEBHOOK_TOPOLOGY_H
#define TPGUARD_WEBHOOK_TOPOLOGY_H

#include "topology/draw.h"
#include "topology/err.h"
#include "topology/health.h"
#include "topology/smi.h"

struct topology_live;

struct topology_ask {
    const char *file;       /* nvidia-smi text, or an annotation; "-" standard input; NULL none */
    const char *nvlink;     /* `nvidia-smi nvlink --status`; NULL none */
    const char *synthetic;  /* a machine in one line; NULL none */
    const char *annotation; /* a tpguard.io/topology annotation; NULL none */
    struct topology_live *live; /* this node's own GPUs; NULL none */
    const char *cordon;         /* "0,1"; NULL none */
    int64_t now;                /* stamps what is read from text; 0 leaves it unstamped */
};

struct topology_view {
    bool has_gpus;  /* topo and health are filled */
    bool has_wires; /* ... from a matrix; without one all wires are unknown */
    bool has_links; /* links is filled */
    struct topo topo;
    struct health health;
    struct smi_links links;
    struct gpuset cordoned;
    struct err err;   /* code ERR_NONE: nothing was refused; ERR_UNKNOWN: cannot be told */
    char where[256];  /* the file that err is about; "" none */
    char error[1024]; /* "FILE:LINE: what was wanted, what was found"; "" none */
};

/* Always fills *out; what was refused stands in out->err. */
void topology_gather(const struct topology_ask *ask, struct topology_view *out);

struct topology_style {
    bool colour;
    bool ascii;
};
void topology_text(const struct topology_view *v, const struct topology_style *s, struct buf *out);

struct topology_print {
    struct topology_style style;
    bool json;
    bool annotation;
};
/* Prints what was gathered, or says what was refused; returns the exit code. */
int topology_show(const struct topology_print *p, struct topology_view *v);
int topology_refuse(const struct topology_print *p, const struct err *e);

/* The versioned contract of README, "Machine-readable output". */
void topology_json(const struct topology_view *v, struct buf *out);

/* One row a product: the words of synthetic machines. */
void topology_products(struct buf *out);

#endif
