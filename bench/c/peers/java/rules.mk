# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The Java peers: classes in a directory of their own, and a header that says
# which there are.
JAVAC ?= javac
java_home = $(patsubst %/bin/javac,%,$(shell readlink -f "$$(command -v $(JAVAC))"))

java: $(OUT)/java
.PHONY: java

$(OUT)/java_peers.h: peers/java/build.sh $(wildcard peers/java/peers/*.java)
	sh peers/java/build.sh $(java_home) $(abspath $(OUT))

$(objects)/peers/java/java.o: peers/java/java.c $(OUT)/java_peers.h $(headers)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(CFLAGS) $(flags) $(CPPFLAGS) -I$(OUT) \
	  -I$(java_home)/include -I$(java_home)/include/linux -c $< -o $@

$(OUT)/java: $(objects)/peers/java/java.o $(driver)
	$(CC) $^ -o $@ -pthread -L$(java_home)/lib/server -ljvm -Wl,-rpath,$(java_home)/lib/server
