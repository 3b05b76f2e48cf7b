# tpguard. `make` builds, `make demo` shows it, `make test` checks it; `make help` lists the rest.
# V picks the variant: release (default), asan, tsan, fuzz. Everything built lands in build/$(V).

V     ?= release
JOBS  ?= $(shell nproc)
# All cores, unless the caller said how many.
PAR    = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
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

# What protoc-c makes out of the .proto files; seen as a system header, so not held to our warnings.
GEN      := build/gen
CFLAGS   := -std=c17 -D_GNU_SOURCE $(WARN) $(OPT) -MMD -MP -I. -isystem $(GEN) -include topology/banned.h
# Rooms, lowest first; each is one archive, and a room may call only those before it (README, "Rooms").
# One without sources yet is left out.
ROOMS    := $(foreach r,topology webhook/sys webhook/core webhook/codec webhook/kube webhook/cluster webhook/live webhook/agent webhook/http,\
            $(if $(wildcard $(r)/*.c),$(r)))
SRC_CMD  := $(wildcard webhook/*.c)
LIBS     := -lcurl -lprotobuf-c -lmicrohttpd -lgnutls -lcjson -lcrypto -lyaml -lpthread

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

$(GEN)/podresources.pb-c.c $(GEN)/podresources.pb-c.h &: webhook/kube/podresources.proto
	@mkdir -p $(GEN)
	@protoc-c --c_out=$(GEN) -Iwebhook/kube $<
$(B)/gen/podresources.pb-c.o: $(GEN)/podresources.pb-c.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 -w $(OPT) -c $< -o $@
$(B)/webhook/kube/podresources_decode.o: $(GEN)/podresources.pb-c.h

define room
$(call ar,$(1)): $(call objs,$(1)) $(if $(filter webhook/kube,$(1)),$(B)/gen/podresources.pb-c.o)
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


# Fuzz targets: tests/fuzz/X_fuzz.c with a seed corpus in tests/fuzz/corpus/X. Replayed with every build (so that each
# past crash is a test), explored by libFuzzer with V=fuzz.
FUZZ     := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
REPLAY   := $(FUZZ:%=$(B)/tests/fuzz/%_replay)
FUZZERS  := $(FUZZ:%=$(B)/tests/fuzz/%_fuzzer)
FUZZ_SECONDS ?= 20

$(REPLAY): $(B)/tests/fuzz/%_replay: $(B)/tests/fuzz/%_fuzz.o $(B)/tests/fuzz/replay.o $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $< $(B)/tests/fuzz/replay.o $(LINK) $(LIBS)
$(FUZZERS): $(B)/tests/fuzz/%_fuzzer: $(B)/tests/fuzz/%_fuzz.o $(ARCHIVES)
	$(CC) $(LDOPT) -fsanitize=fuzzer -o $@ $< $(LINK) $(LIBS)

# The scripted API server of the tests (tests/fakeapi/).
FAKEAPI := $(if $(wildcard tests/fakeapi/*.c),$(B)/tests/fakeapi/fakeapi)
$(B)/tests/fakeapi/fakeapi: $(call objs,tests/fakeapi) $(call ar,topology)
	$(CC) $(LDOPT) -o $@ $^ $(LIBS)

# The clients of the API server and of the kubelet, for trying them by hand against a real cluster.
PROBES := $(B)/tests/kube/probe $(B)/tests/kube/podresources
$(PROBES): $(B)/tests/kube/%: $(B)/tests/kube/%.o $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $< $(LINK) $(LIBS)

# One replica of the leader election and the shared certificate, for tests/live/run.sh (a real cluster).
$(B)/tests/live/replica: $(B)/tests/live/replica.o $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $< $(LINK) $(LIBS)

# The stand-in for NVIDIA's library (tests/nvml/): the reader is tested without a GPU.
NVML := $(B)/tests/nvml/libnvidia-ml.so.1
$(call objs,tests/nvml): CFLAGS += -fPIC
$(NVML): $(call objs,tests/nvml)
	$(CC) $(filter-out -pie,$(LDOPT)) -shared -Wl,-soname,$(notdir $@) -o $@ $^

BENCHES := $(B)/tests/bench/bench $(B)/tests/bench/bind
$(BENCHES): %: %.o $(B)/tests/bench/link.o $(B)/tests/bench/times.o $(ARCHIVES)
	$(CC) $(LDOPT) -o $@ $< $(B)/tests/bench/link.o $(B)/tests/bench/times.o $(LINK) $(LIBS)

$(B)/webhook/demo_cluster.o: webhook/demo_cluster.yaml

# ---- what people call ----

.PHONY: help
help:
	@echo 'make            build build/release/tpguard'
	@echo 'make demo       the main job, shown: server, wires, verdicts (fetches missing packages itself)'
	@echo 'make test       unit, property, contract and server tests, fuzz corpora replayed'
	@echo 'make image      build/image/tpguard.tar: the image, without Docker (IMAGE=NAME:TAG)'
	@echo 'make chart-test the chart rendered, and refused, over all its values (needs helm)'
	@echo 'make lint       format, rooms, sizes, shellcheck, clang, clang-tidy, cppcheck'
	@echo 'make bench      latencies of the server, each beside a bare answer; a bind beside its two calls to the API server'
	@echo 'make cluster    a real Kubernetes cluster on this machine, with tpguard in it (root, Go 1.26); make cluster-down'
	@echo 'make e2e        end-to-end tests in such a cluster of their own; make e2e-tools builds Kubernetes for both (once)'
	@echo 'make fuzz       every fuzz target for FUZZ_SECONDS (20) with libFuzzer'
	@echo 'make format     clang-format over all C'
	@echo 'make deps       install what the build and the tests need (Debian, apt)'
	@echo 'make V=asan ... the same with ASan+UBSan; also V=tsan, V=clang, V=fuzz'
	@echo 'make install    DESTDIR and PREFIX (/usr/local) are honoured'

# Missing Debian packages are installed once a tree; nothing is asked of apt when all are there.
build/.deps: tests/deps.sh
	@tests/deps.sh build
	@mkdir -p build && touch $@
build/.deps-test: tests/deps.sh
	@tests/deps.sh build test
	@mkdir -p build && touch $@
build/.deps-lint: tests/deps.sh
	@tests/deps.sh build test lint
	@mkdir -p build && touch $@

.PHONY: deps
deps: build/.deps-lint

.PHONY: demo
demo: build/.deps build/.deps-test
	@[ -x build/release/tpguard ] || echo 'building tpguard (about a minute) ...'
	@$(MAKE) --no-print-directory -s $(PAR) all
	@tests/demo.sh build/release/tpguard

.PHONY: unit replay programs
unit: $(UNIT)
replay: $(REPLAY)
programs: all unit replay $(FAKEAPI) $(PROBES) $(B)/tests/live/replica $(NVML)

# Everything in the release build, then the C tests again under ASan+UBSan.
.PHONY: test
test: build/.deps-test
	@[ -x build/asan/tpguard ] || echo 'building the release and the sanitizer variant (about three minutes) ...'
	@$(MAKE) --no-print-directory -s $(PAR) programs
	@$(MAKE) --no-print-directory -s $(PAR) V=asan programs
	@tests/run.sh $(patsubst $(B)/%,build/release/%,$(sort $(UNIT) $(REPLAY))) \
	    $(patsubst $(B)/%,build/asan/%,$(sort $(UNIT) $(REPLAY))) \
	    $(sort $(wildcard tests/contract/run.sh tests/machines/run.sh tests/server/run.sh tests/cli/run.sh tests/nvml/run.sh tests/agent/run.sh))

.PHONY: fuzz
fuzz: build/.deps-lint
	@$(MAKE) --no-print-directory -s $(PAR) V=fuzz fuzzers
	@for f in $(FUZZ); do tests/fuzz/explore.sh build/fuzz/tests/fuzz/$${f}_fuzzer $$f $(FUZZ_SECONDS) || exit 1; done
.PHONY: fuzzers
fuzzers: $(FUZZERS)

.PHONY: bench
bench: build/.deps-test
	@$(MAKE) --no-print-directory -s $(PAR) all $(BENCHES) $(FAKEAPI)
	@tests/bench/bench.sh $(B)/tpguard $(B)/tests/bench/bench 5 300
	@echo
	@tests/bench/bind.sh $(B)/tpguard $(B)/tests/bench/bind $(FAKEAPI) 5 300

ALL_C := $(sort $(wildcard topology/*.[ch] webhook/*.[ch] webhook/*/*.[ch] tests/*.h tests/*/*.[ch] tests/*/*/*.[ch]))
.PHONY: format
format:
	clang-format-14 -i $(ALL_C)

.PHONY: lint lint-quick lint-tidy lint-cppcheck
lint: build/.deps-lint lint-quick
	@$(MAKE) --no-print-directory -s $(PAR) V=clang programs
	@$(MAKE) --no-print-directory -s $(PAR) lint-cppcheck lint-tidy
	@echo 'lint: clean'
lint-quick: build/.deps-lint
	@clang-format-14 --dry-run -Werror $(ALL_C)
	@$(MAKE) --no-print-directory -s all
	@tests/lint/rooms.sh build/release
	@tests/lint/sizes.sh
	@tests/lint/words.sh
	@shellcheck $$(git ls-files -co --exclude-standard '*.sh' .ci/run)
lint-cppcheck:
	@cppcheck --quiet --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
	    --error-exitcode=1 --suppress=missingIncludeSystem -I. -j2 topology webhook
# One stamp a file, so that only what changed is looked at again.
TIDY := $(patsubst %.c,build/tidy/%.ok,$(wildcard topology/*.c webhook/*.c webhook/*/*.c))
lint-tidy: $(TIDY)
build/tidy/webhook/kube/podresources_decode.ok: $(GEN)/podresources.pb-c.h
build/tidy/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy-14 --quiet --warnings-as-errors='*' $< -- -std=c17 -D_GNU_SOURCE -I. -isystem $(GEN) -include topology/banned.h 2>$@.log \
	    || { cat $@.log; exit 1; }
	@touch $@

include tests/image/image.mk
include tests/chart/chart.mk
include tests/e2e/e2e.mk

PREFIX ?= /usr/local
.PHONY: install
install: all
	install -D -m 0755 $(B)/tpguard $(DESTDIR)$(PREFIX)/bin/tpguard
	ln -sf tpguard $(DESTDIR)$(PREFIX)/bin/kubectl-tpguard

.PHONY: clean
clean:
	rm -rf build

.PHONY: flags
flags:
	@echo $(CFLAGS)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
