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

# In a copy, as cargo writes beside its sources.  It knows by their times what must
# be built again.
$(peers): FORCE
	@mkdir -p $(crate)
	cp -Rp rust/Cargo.toml rust/src $(crate)
	cargo build --quiet --release --manifest-path $(crate)/Cargo.toml \
	  --target-dir $(crate)
