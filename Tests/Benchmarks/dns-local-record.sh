#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# CPU per query of `pnetd resolver` beside unbound, both with one thread and one local record, under the same load in
# the same run, in turns. Prints a RESULT line with the minimum, median and maximum of the ratio (below 1: pnetd
# needs less).
#
# usage: [LOAD="-c 32 -q 1000"] dns-local-record.sh DIRECTORY-OF-PNETD [ROUNDS] [SECONDS]
# LOAD is how dnsperf asks: clients and questions in flight by default, which is more than either server keeps up with;
# "-c 8 -q 200" lets both sleep between batches, and "-Q 30000" is a quiet site. Needs dnsperf, unbound, python3 and a
# release build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pnetd=${1:-$here/../../.build/release}/pnetd rounds=${2:-7} seconds=${3:-3}
work=$(mktemp -d)
chmod 755 "$work"
started=
trap 'for p in $started; do kill "$p" 2>/dev/null || true; done; rm -rf "$work"' EXIT INT TERM

cat > "$work/unbound.conf" <<CONF
server:
  interface: 127.0.0.1@5402
  port: 5402
  num-threads: 1
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  pidfile: ""
  directory: "$work"
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  local-zone: "plant.internal." static
  local-data: "historian.plant.internal. 60 IN A 10.20.0.10"
CONF
unbound -d -c "$work/unbound.conf" 2> "$work/unbound.log" &
unbound=$!
python3 "$here/stand_in_agent.py" "$work/agent.sock" 5401 1 plant.internal "historian A 10.20.0.10" > "$work/agent.log" &
agent=$!
started="$unbound $agent"
while [ ! -S "$work/agent.sock" ]; do sleep 0.1; done
"$pnetd" resolver --socket "$work/agent.sock" 2> "$work/pnetd.log" &
resolver=$!
started="$started $resolver"
tries=0
while ! grep -q inForce "$work/agent.log"; do
    sleep 0.1
    tries=$((tries + 1))
    if [ $tries -gt 50 ]; then cat "$work/pnetd.log"; echo "the resolver did not start"; exit 1; fi
done

echo "historian.plant.internal A" > "$work/queries"
# Nanoseconds on a CPU, of all threads; the ticks of /proc/PID/stat are too coarse for three seconds.
spent() { cat "/proc/$1"/task/*/schedstat | awk '{sum += $1} END {printf "%.0f", sum}'; }
# measure PORT PID: prints nanoseconds of CPU per query, and queries per second.
measure() {
    before=$(spent "$2")
    dnsperf -s 127.0.0.1 -p "$1" -d "$work/queries" -l "$seconds" -T 1 ${LOAD:--c 32 -q 1000} > "$work/out" 2>&1
    after=$(spent "$2")
    answered=$(awk '/Queries completed/ {print $3}' "$work/out")
    rate=$(awk '/Queries per second/ {printf "%d", $4}' "$work/out")
    echo "$(( (after - before) / answered )) $rate"
}
for server in "5401 $resolver" "5402 $unbound"; do measure $server > /dev/null; done
: > "$work/ratios"
for round in $(seq "$rounds"); do
    set -- $(measure 5401 "$resolver") $(measure 5402 "$unbound")
    echo "round $round: pnetd $1 ns/query $2 q/s, unbound $3 ns/query $4 q/s"
    awk "BEGIN {print $1 / $3}" >> "$work/ratios"
    echo "$1 $3" >> "$work/costs"
done
sort -n "$work/ratios" | awk '{v[NR] = $1} END {
    printf "RESULT dns-local-record rounds=%d ratio-min=%.2f ratio-median=%.2f ratio-max=%.2f\n",
        NR, v[1], v[int((NR + 1) / 2)], v[NR]}'
