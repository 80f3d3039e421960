# The door to the Meson build. Nothing here knows how things are built, only in what order.
B ?= build
MESON_ARGS ?= -Dlto=true

.PHONY: all deps demo test test-slow asan same bench ci clean

all: deps
	@test -f $(B)/build.ninja || meson setup $(B) $(MESON_ARGS) >$(B).setup.log 2>&1 || { cat $(B).setup.log; exit 1; }
	@rm -f $(B).setup.log
	@ninja -C $(B) --quiet
	@ln -sf src/irplab $(B)/irplab

# Installs what is missing from Debian's packages, and says what.
deps:
	@tools/deps

# Finds the camera driver's race in the real image and writes the report.
demo: all
	@tools/demo $(B)

test: all
	@tools/test $(B)

# What takes minutes: thousands of random programs, full model tables, all contract tests rebuilt with instrumentation.
test-slow: all
	@tools/test $(B) --suite slow

# The same tests with AddressSanitizer and UndefinedBehaviorSanitizer.
asan:
	@$(MAKE) --no-print-directory B=$(B)-asan MESON_ARGS="-Db_sanitize=address,undefined -Db_lundef=false" test

# Run hashes of the contract tests, programs and cases: the same with clang, and with sanitizers.
same: all
	@$(MAKE) --no-print-directory B=$(B)-clang MESON_ARGS="--native-file tools/clang.ini" all
	@tools/compare-hashes $(B) $(B)-clang
	@$(MAKE) --no-print-directory B=$(B)-asan MESON_ARGS="-Db_sanitize=address,undefined -Db_lundef=false" all
	@tools/compare-hashes $(B) $(B)-asan

bench: all
	@bench/run $(B)

ci: test

clean:
	rm -rf $(B) $(B)-asan $(B)-clang
