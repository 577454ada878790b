# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Rust peers: `make ... rust`.  Not one of `all`: it needs cargo, and the
# network where the crates are not yet in its cache.
rust: $(OUT)/rust
.PHONY: rust build-crate

crate = $(OUT)/rust.build

# Cargo knows what must be built again.
$(crate)/release/libpeers.a: build-crate
build-crate:
	cargo build --quiet --release --locked --manifest-path rust/Cargo.toml \
	  --target-dir $(crate)

$(crate)/layout.o: rust/layout.c $(headers)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) $(flags) $(CPPFLAGS) -c $< -o $@

$(OUT)/rust: $(driver) $(crate)/layout.o $(crate)/release/libpeers.a
	$(CC) $^ -o $@ -pthread -ldl -lm
