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
	@.ci/timed "fuzzing of the resolver" $(MAKE) fuzz FUZZED="$(FUZZED_DNS)" FUZZ_SECONDS=60

bench: build ## figures beside a peer, printed as RESULT lines
	@.ci/deps keepalived
	$(RELEASE) --product bench-outage
	$(RELEASE) --product lab-relay
	$(RELEASE) --product bench-kernel
	$(RELEASE) --product bench-verdict
	$(RELEASE) --product bench-probing
	Tests/Benchmarks/dns-local-record.sh $(BIN)
	PNETD_ALLOCATIONS=1 swift build -c release -Xswiftc -enable-testing --product bench-hostile
	.build/release/bench-hostile
	$(BIN)/bench-outage
	$(BIN)/bench-kernel
	$(BIN)/bench-verdict
	$(BIN)/bench-probing
	Tests/Lab/Guest/measure $(BIN)/bench-kernel peers

# The compiler takes the last of several -sanitize= only: named together they instrument for both.
FUZZ         := swift build -c release --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer,address \
                -Xswiftc -enable-testing --scratch-path .build-fuzz
FUZZ_SECONDS ?= 300
# What strangers can send to the resolver, and the files that it reads: CI throws at these as well.
FUZZED_DNS   := Answer Frames Memory Names Patch Proofs Query Relay ZoneFile
FUZZED       ?= BFD DBus ICMP Journal Messages Netlink STAMP Userspace VICI $(FUZZED_DNS)
# The longest input of each, in octets.
longest_Answer    := 4096
longest_BFD       := 512
longest_DBus      := 1024
longest_Frames    := 1024
longest_ICMP      := 128
longest_Journal   := 4096
longest_Memory    := 2048
longest_Messages  := 4096
longest_Names     := 512
longest_Netlink   := 8192
longest_Patch     := 4096
longest_Proofs    := 4096
longest_Query     := 1024
longest_Relay     := 1024
longest_STAMP     := 1024
longest_Userspace := 4096
longest_VICI      := 4096
longest_ZoneFile  := 4096
more_Netlink      := Tests/Lab/Guest/Captured
# libldns forgets a few octets of some records that it refuses.
asan_ZoneFile     := detect_leaks=0
# Its words and its seeds, where it has some: the folder and the file have its name in small letters.
small = $(shell echo $* | tr A-Z a-z)
seeds = $(wildcard Tests/Fuzz/Seeds/$(small)) $(more_$*) $(patsubst %,-dict=%,$(wildcard Tests/Fuzz/$(small).dict))

fuzz: deps ## throw at each parser what libFuzzer thinks of, for FUZZ_SECONDS each; what it learns is kept
	@for name in $(FUZZED); do PNETD_FUZZ=1 $(FUZZ) --product Fuzz$$name || exit 1; done
	@# Two cores, and each of them needs one.
	@$(MAKE) --no-print-directory -j2 -Otarget $(FUZZED:%=fuzz-%)

fuzz-%:
	mkdir -p .build-fuzz/corpus/$(small)
	ASAN_OPTIONS=$(asan_$*) SWIFT_BACKTRACE=enable=no .build-fuzz/release/Fuzz$* -max_total_time=$(FUZZ_SECONDS) \
	    -max_len=$(longest_$*) -print_final_stats=1 -artifact_prefix=.build-fuzz/ .build-fuzz/corpus/$(small) $(seeds)

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
