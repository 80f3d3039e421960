# The door to the Meson build. Nothing here knows how things are built, only in what order.
B ?= build

.PHONY: all deps demo test asan bench clean

all: deps
	@test -f $(B)/build.ninja || meson setup $(B) >/dev/null
	@ninja -C $(B)

deps:
	@tools/deps
