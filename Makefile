# SPDX-License-Identifier: Apache-2.0
# Everything that is done with this tree, on Debian 12 with a Swift toolchain.

PREFIX  ?= /usr
DESTDIR ?=
RELEASE := swift build -c release --static-swift-stdlib --scratch-path .build-release
BIN     := .build-release/release

.PHONY: all deps build demo test lint bench fuzz install clean

all: build

deps: ## install every Debian package that is missing
	@.ci/deps

build: deps ## release build, standard library linked in
	$(RELEASE) --product pnetd
	$(RELEASE) --product pnetctl
	$(RELEASE) --product pnetd-frontend

demo: build ## raise two sites, show a live failover; KEEP=1 leaves it running
	$(RELEASE) --product pnetd-demo
	@$(if $(KEEP),KEEP=1) $(BIN)/pnetd-demo

lint:
	swift format lint -s -r Sources Tests Package.swift

# A scenario that fails says where its logs and captures are; PNETD_LAB_RESULTS names a folder for them. The guests run
# those of the scenarios that a kernel has a say in: those about wireguard-go on the host only, those about ESP there only.
test: deps lint ## build everything, run all tests; as root, since the lab makes namespaces
	@.ci/timed "build" swift build --build-tests
	@.ci/timed "unit tests" swift test --skip-build --skip LabScenarios
	@.ci/timed "lab" swift test --skip-build --filter LabScenarios
	@.ci/timed "guests" Tests/Lab/Guest/all
	@.ci/timed "allocations of the DNS data path" \
	    env PNETD_ALLOCATIONS=1 swift test -c release -Xswiftc -enable-testing --filter AllocationTests

bench: build ## figures beside a peer, printed as RESULT lines
	@.ci/deps keepalived
	$(RELEASE) --product bench-outage
	$(RELEASE) --product lab-relay
	$(RELEASE) --product bench-kernel
	$(RELEASE) --product bench-verdict
	$(RELEASE) --product bench-probing
	Tests/Benchmarks/dns-local-record.sh $(BIN)
	$(BIN)/bench-outage
	$(BIN)/bench-kernel
	$(BIN)/bench-verdict
	$(BIN)/bench-probing
	Tests/Lab/Guest/measure $(BIN)/bench-kernel peers

# The compiler takes the last of several -sanitize= only: named together they instrument for both.
FUZZ         := swift build -c release --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address \
                -Xswiftc -enable-testing --scratch-path .build-fuzz
FUZZ_SECONDS ?= 300
# $(1) the program, $(2) its corpus, $(3) the longest input, $(4) more of its arguments
run_fuzz      = PNETD_FUZZ=1 $(FUZZ) --product $(1) && mkdir -p .build-fuzz/corpus/$(2) && \
                SWIFT_BACKTRACE=enable=no .build-fuzz/release/$(1) -max_total_time=$(FUZZ_SECONDS) -max_len=$(3) \
                -artifact_prefix=.build-fuzz/ .build-fuzz/corpus/$(2) $(4)

fuzz: deps ## throw at each parser what libFuzzer thinks of, for FUZZ_SECONDS each; what it learns is kept
	$(call run_fuzz,FuzzBFD,bfd,512)
	$(call run_fuzz,FuzzDBus,dbus,1024)
	$(call run_fuzz,FuzzICMP,icmp,128)
	$(call run_fuzz,FuzzJournal,journal,4096,-dict=Tests/Fuzz/journal.dict)
	$(call run_fuzz,FuzzMessages,messages,4096,-dict=Tests/Fuzz/messages.dict)
	$(call run_fuzz,FuzzNetlink,netlink,8192,Tests/Fuzz/Seeds/netlink Tests/Lab/Guest/Captured)
	$(call run_fuzz,FuzzSTAMP,stamp,1024)
	$(call run_fuzz,FuzzUserspace,userspace,4096,-dict=Tests/Fuzz/userspace.dict)
	$(call run_fuzz,FuzzVICI,vici,4096,-dict=Tests/Fuzz/vici.dict)
	@# libldns forgets a few octets of some records that it refuses.
	export ASAN_OPTIONS=detect_leaks=0; $(call run_fuzz,FuzzZoneFile,zonefile,4096,-dict=Tests/Fuzz/zonefile.dict)

install: build
	install -D -m 755 $(BIN)/pnetd $(DESTDIR)$(PREFIX)/sbin/pnetd
	install -D -m 755 $(BIN)/pnetd-frontend $(DESTDIR)$(PREFIX)/sbin/pnetd-frontend
	install -D -m 755 $(BIN)/pnetctl $(DESTDIR)$(PREFIX)/bin/pnetctl
	strip $(DESTDIR)$(PREFIX)/sbin/pnetd $(DESTDIR)$(PREFIX)/sbin/pnetd-frontend $(DESTDIR)$(PREFIX)/bin/pnetctl
	install -D -m 644 etc/pnetd.yaml $(DESTDIR)$(PREFIX)/share/doc/pnetd/pnetd.yaml
	install -D -m 644 etc/prometheus/pnetd.rules.yaml $(DESTDIR)$(PREFIX)/share/pnetd/prometheus/pnetd.rules.yaml
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system etc/systemd/*.service
	install -D -m 644 etc/sysusers.d/pnetd.conf $(DESTDIR)$(PREFIX)/lib/sysusers.d/pnetd.conf
	install -D -m 644 etc/tmpfiles.d/pnetd.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/pnetd.conf
	install -d -m 750 $(DESTDIR)/etc/pnetd $(DESTDIR)/etc/pnetd/keys

clean:
	-@test -x $(BIN)/pnetd-demo && $(BIN)/pnetd-demo sweep
	rm -rf .build .build-release .build-fuzz
