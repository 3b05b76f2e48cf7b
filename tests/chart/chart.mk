# HELM names the helm to use; else the one of the end-to-end tests, else the one in PATH.
.PHONY: chart-test chart-test-cluster
chart-test: build/.deps-test
	@$(MAKE) --no-print-directory -s $(PAR) V=release all
	@tests/run.sh tests/chart/run.sh
# The same chart before a real API server; needs what the end-to-end tests need.
chart-test-cluster: build/.deps-test
	@$(MAKE) --no-print-directory -s $(PAR) V=release all
	@tests/run.sh tests/chart/cluster.sh
