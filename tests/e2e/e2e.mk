# The real cluster (included by the Makefile): tests/e2e/cluster.sh says what it is and where things are.

CLUSTER ?= tpguard

build/.deps-e2e: tests/deps.sh
	@tests/deps.sh build test e2e
	@mkdir -p build && touch $@

# Kubernetes, etcd, kwok and helm from their Go modules, outside the tree: minutes the first time, nothing after.
.PHONY: e2e-tools
e2e-tools: build/.deps-e2e
	@tests/e2e/build.sh

.PHONY: cluster cluster-down
cluster: build/.deps-e2e image
	@tests/e2e/cluster.sh up $(CLUSTER)
	@tests/e2e/install.sh $(CLUSTER)
	@TPGUARD=$(B)/tpguard tests/e2e/nodes.sh $(CLUSTER)
cluster-down:
	@tests/e2e/cluster.sh down $(CLUSTER)

# E2E: more for tests/e2e/run.sh, such as E2E='--keep --cases 0*'.
.PHONY: e2e
e2e: build/.deps-e2e image
	@$(MAKE) --no-print-directory -s $(PAR) $(B)/tests/live/replica $(NVML)
	@TPGUARD=$(B)/tpguard tests/e2e/run.sh $(E2E)
