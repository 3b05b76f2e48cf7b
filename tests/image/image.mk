# IMAGE names it: make image IMAGE=registry.example.com/gpu/tpguard:1
IMAGE ?=

.PHONY: image image-test
image: build/.deps
	@$(MAKE) --no-print-directory -s $(PAR) V=release all
	@tests/image/build.sh build/release/tpguard build/image $(IMAGE)
image-test: build/.deps-test
	@$(MAKE) --no-print-directory -s $(PAR) V=release all
	@tests/run.sh tests/image/run.sh
