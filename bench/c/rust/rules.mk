# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Rust peers: `make ... rust`.  Not one of `all`: it needs cargo, and the
# network where the crates are not yet in cargo's cache.
crate = $(OUT)/rust.build
peers = $(crate)/release/libpeers.a

rust: $(OUT)/rust
.PHONY: rust FORCE

$(OUT)/rust: $(crate)/layout.o $(driver) $(peers)
	$(CC) $^ -o $@ -pthread -ldl -lm

$(crate)/layout.o: rust/layout.c $(headers)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) $(flags) $(CPPFLAGS) -c $< -o $@

# Cargo knows what must be built again.
$(peers): FORCE
	cargo build --quiet --release --locked --manifest-path rust/Cargo.toml \
	  --target-dir $(crate)
