# tpguard. `make` builds, `make demo` shows it, `make test` checks it; `make help` lists the rest.
# V picks the variant: release (default), asan, tsan, fuzz. Everything built lands in build/$(V).

V     ?= release
CC    := gcc
B     ?= build/$(V)

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wvla -Walloca \
        -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wcast-qual -Wformat=2 -Wundef \
        -Wnull-dereference -Wimplicit-fallthrough -Wdouble-promotion -Wswitch-enum \
        -Wframe-larger-than=65536 -Werror
GCCW := -Wduplicated-cond -Wlogical-op -Wjump-misses-init
HARD := -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
        -fno-delete-null-pointer-checks -fno-strict-overflow -fPIE
LDHARD := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,-z,defs,--as-needed

ifeq ($(V),release)
OPT := -O2 -g $(HARD) -ftrivial-auto-var-init=zero $(GCCW)
LDOPT := $(LDHARD)
else ifeq ($(V),clang)
CC := clang-14
OPT := -O2 -g $(HARD)
LDOPT := $(LDHARD)
else ifeq ($(V),asan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all $(GCCW) \
       -Wno-null-dereference
LDOPT := -fsanitize=address,undefined
else ifeq ($(V),tsan)
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=thread $(GCCW) -Wno-null-dereference
LDOPT := -fsanitize=thread
else ifeq ($(V),fuzz)
CC := clang-14
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all
LDOPT := -fsanitize=address,undefined
else
$(error V=$(V): one of release, clang, asan, tsan, fuzz)
endif

CFLAGS   := -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -MMD -MP -I. -include topology/banned.h
# Rooms, lowest first; each is one archive, and a room may call only those before it (README, "Rooms").
ROOMS    := topology webhook/sys webhook/core webhook/codec webhook/cluster webhook/http
SRC_CMD  := $(wildcard webhook/*.c)
LIBS     := -lmicrohttpd -lgnutls -lcjson -lcrypto -lyaml -lpthread

objs      = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)/*.c))
ar        = $(B)/$(1)/lib.a
ARCHIVES := $(foreach r,$(ROOMS),$(call ar,$(r)))
# Archives for the linker: highest room first.
rev       = $(if $(1),$(call rev,$(wordlist 2,$(words $(1)),$(1))) $(firstword $(1)))
LINK     := $(call rev,$(ARCHIVES))

.DEFAULT_GOAL := all
.PHONY: all
all: $(B)/tpguard

$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c $< -o $@

define room
$(call ar,$(1)): $(call objs,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	ar rcs $$@ $$^
endef
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(B)/tpguard: $(patsubst %.c,$(B)/%.o,$(SRC_CMD)) $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $(patsubst %.c,$(B)/%.o,$(SRC_CMD)) $(LINK) $(LIBS)

# One test program per tests/unit/ROOM/X_test.c; it links its own room and those below, so that an upward call
# does not link.
UNIT := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*/*_test.c))
upto  = $(if $(filter $(1),$(firstword $(2))),$(firstword $(2)),$(firstword $(2)) $(call upto,$(1),$(wordlist 2,$(words $(2)),$(2))))
room_of = $(if $(filter topology,$(1)),topology,webhook/$(1))

$(UNIT): $(B)/tests/unit/%: $(B)/tests/unit/%.o $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $< $(call rev,$(foreach r,$(call upto,$(call room_of,$(firstword $(subst /, ,$*))),$(ROOMS)),$(call ar,$(r)))) $(LIBS)

.PHONY: flags
flags:
	@echo $(CFLAGS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
