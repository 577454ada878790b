# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Go peers are an archive, which `go` makes together with the header of
# what it exports.
GO ?= go
go: $(OUT)/go
.PHONY: go

$(OUT)/go_peers.a: $(wildcard peers/go/peers/*.go) peers/go/go.mod $(headers)
	@mkdir -p $(@D)
	cd peers/go && CGO_ENABLED=1 CC='$(CC)' $(GO) build -buildvcs=false -buildmode=c-archive -o $(abspath $@) ./peers

$(objects)/peers/go/go.o: peers/go/go.c $(OUT)/go_peers.a $(headers)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) $(flags) $(CPPFLAGS) -I$(OUT) -c $< -o $@

$(OUT)/go: $(objects)/peers/go/go.o $(OUT)/go_peers.a $(driver)
	$(CC) $(filter %.o,$^) $(filter %.a,$^) -o $@ -pthread
