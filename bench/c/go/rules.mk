# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Go peers are an archive, which `go` makes together with the header of
# what it exports.
GO ?= go
go: $(OUT)/go
.PHONY: go

$(OUT)/go_peers.a: $(wildcard go/peers/*.go) go/go.mod $(headers)
	@mkdir -p $(@D)
	cd go && CGO_ENABLED=1 CC='$(CC)' $(GO) build -buildvcs=false -buildmode=c-archive -o $(abspath $@) ./peers

$(OUT)/go.o: go/go.c $(OUT)/go_peers.a $(headers)
	$(CC) -std=gnu11 $(CFLAGS) $(flags) $(CPPFLAGS) -I$(OUT) -c $< -o $@

$(OUT)/go: $(OUT)/go.o $(OUT)/go_peers.a $(driver)
	$(CC) $(filter %.o,$^) $(filter %.a,$^) -o $@ -pthread
