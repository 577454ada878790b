# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Rust peers: `make ... rust`.  Not one of `all`: it needs cargo, and the
# network where the crates are not yet in cargo's cache.
crate = $(OUT)/rust.build
peers = $(crate)/release/libpeers.a

rust: $(OUT)/rust
.PHONY: rust FORCE

$(OUT)/rust: $(objects)/peers/rust/layout.o $(driver) $(peers)
	$(CC) $^ -o $@ -pthread -ldl -lm

# In a copy, as cargo writes beside its sources.  It knows by their times what must
# be built again.
$(peers): FORCE
	@mkdir -p $(crate)
	cp -Rp peers/rust/Cargo.toml peers/rust/src $(crate)
	cargo build --quiet --release --manifest-path $(crate)/Cargo.toml \
	  --target-dir $(crate)
