#!/usr/bin/env bash
# Measures hikeshi-proxy beside Debian's HAProxy, nginx and Caddy on this machine, and writes docs/benchmarks-proxy.md: what fails while versions are
# switched, and how fast each is (about six minutes; nothing else should be running). Load goes to loopback only.
#
#   benches/proxy.sh [DIR]
#
# Needs Debian's packages haproxy, nginx-light, caddy, wrk and python3. ROUNDS and SECONDS_EACH make it shorter or longer.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir="${1:-$(mktemp -d "${TMPDIR:-/var/tmp}/hikeshi-proxy.XXXXXX")}"
mkdir -p "$dir"
dir="$(cd "$dir" && pwd)"
rounds="${ROUNDS:-3}" each="${SECONDS_EACH:-5}"

cargo build --release --locked -p hikeshi-proxy
ours="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/hikeshi-proxy"

pids=()
ended() { kill "${pids[@]}" "$(cat "$dir/haproxy.pid" 2>/dev/null)" 2>/dev/null || true; }
trap ended EXIT
began() { "$@" >>"$dir/log" 2>&1 & pids+=($!); }

# Two versions of an application that costs next to nothing.
for at in 9101:blue 9102:green; do
    cat >"$dir/nginx-${at#*:}.conf" <<END
worker_processes 1; daemon off; pid $dir/nginx-${at#*:}.pid; error_log $dir/log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
  server { listen 127.0.0.1:${at%:*}; location / { return 200 "${at#*:}"; } } }
END
    began nginx -c "$dir/nginx-${at#*:}.conf"
done

# One thread for each of those that are compared.
haproxy_conf() { cat >"$dir/haproxy.cfg" <<END
global
  nbthread 1
  maxconn 4000
  stats socket $dir/haproxy.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:9202
  default_backend b
backend b
  server blue 127.0.0.1:9101 weight $1
  server green 127.0.0.1:9102 weight $2
END
}
haproxy_conf 100 0
haproxy -D -W -f "$dir/haproxy.cfg" -p "$dir/haproxy.pid" >>"$dir/log" 2>&1
proxy_conf() { cat >"$dir/nginx-proxy.conf" <<END
worker_processes 1; daemon off; pid $dir/nginx-proxy.pid; error_log $dir/log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; client_body_temp_path $dir/b; proxy_temp_path $dir/p; fastcgi_temp_path $dir/f; uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
  upstream app { server 127.0.0.1:$1; keepalive 64; }
  server { listen 127.0.0.1:9203; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; } } }
END
}
proxy_conf 9101
began nginx -c "$dir/nginx-proxy.conf"
cat >"$dir/caddy.json" <<END
{"admin":{"listen":"127.0.0.1:9299"},"logging":{"logs":{"default":{"level":"ERROR"}}},"apps":{"http":{"servers":{"s":{"listen":["127.0.0.1:9204"],
"routes":[{"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:9101"}]}]}]}}}}}
END
began env GOMAXPROCS=1 HOME="$dir" caddy run --config "$dir/caddy.json"
began "$ours" run --threads 1 --http 127.0.0.1:9201 --control "$dir/control.sock" --state "$dir/state.json"
sleep 2
tell() { "$ours" tell --control "$dir/control.sock" "$@" >>"$dir/log"; }
tell PUT v1/routes/app '{"health":{"path":"/"}}'
deploy() { tell POST v1/routes/app/deploy "{\"arm\":{\"version\":\"$1\",\"targets\":[\"127.0.0.1:$2\"]}}"; }
deploy blue 9101

runtime() { python3 -c 'import socket,sys
for line in sys.argv[2:]:
    s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall((line+"\n").encode()); s.recv(4096); s.close()' "$dir/haproxy.sock" "$@"; }

# switch <what> <turn>
switch() {
    local name=blue port=9101 b=100 g=0
    if (($2 % 2)); then name=green port=9102 b=0 g=100; fi
    case "$1" in
    ours) deploy "$name" "$port" ;;
    haproxy-runtime) runtime "set server b/$name weight 100" "set server b/$([[ $name == blue ]] && echo green || echo blue) weight 0" ;;
    haproxy-reload) haproxy_conf "$b" "$g"; kill -USR2 "$(cat "$dir/haproxy.pid")" ;;
    nginx-reload) proxy_conf "$port"; kill -HUP "$(cat "$dir/nginx-proxy.pid")" ;;
    caddy) curl -sS -o /dev/null -X PATCH -H 'content-type: application/json' -d "[{\"dial\":\"127.0.0.1:$port\"}]" http://127.0.0.1:9299/config/apps/http/servers/s/routes/0/handle/0/upstreams ;;
    esac
}

# One run of wrk as a line: requests, failed, p50, p99, requests each second. Failed are errors of the connection and answers that are none of 2xx.
measured() {
    python3 - "$1" <<'END'
import re, sys
text = open(sys.argv[1]).read()
def ms(pattern):
    number, unit = re.search(pattern + r"\s+([\d.]+)(us|ms|s)\b", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
requests = int(re.search(r"(\d+) requests in", text).group(1))
failed = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text)) + sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
print(requests, failed, f"{ms('50%'):.3f}", f"{ms('99%'):.3f}", re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
END
}
load() { wrk -t1 -c"$2" -d"$3"s --latency "http://127.0.0.1:$1/" >"$dir/wrk"; measured "$dir/wrk"; }

names=(ours haproxy-runtime haproxy-reload nginx-reload caddy)
declare -A port=([ours]=9201 [haproxy-runtime]=9202 [haproxy-reload]=9202 [nginx-reload]=9203 [caddy]=9204 [nothing]=9101)
declare -A called=([ours]="hikeshi-proxy, deploy" [haproxy-runtime]="HAProxy $(haproxy -v | sed -n '1s/.*version \([0-9.]*\).*/\1/p'), runtime API" [haproxy-reload]="HAProxy, reload"
    [nginx-reload]="nginx $(nginx -v 2>&1 | sed 's/.*\///'), reload" [caddy]="Caddy $(caddy version | sed 's/ .*//'), admin API" [nothing]="no proxy")

: >"$dir/switched"
for name in "${names[@]}"; do
    load "${port[$name]}" 32 20 >"$dir/line" & loading=$!
    sleep 0.5
    for turn in $(seq 1 20); do switch "$name" "$turn"; sleep 0.8; done
    wait "$loading"
    echo "$name $(cat "$dir/line")" | tee -a "$dir/switched"
done
: >"$dir/fast"
for _ in $(seq "$rounds"); do
    for name in nothing ours haproxy-runtime nginx-reload caddy; do
        echo "$name 32 $(load "${port[$name]}" 32 "$each")" | tee -a "$dir/fast"
        echo "$name 1 $(load "${port[$name]}" 1 "$each")" | tee -a "$dir/fast"
    done
done

for name in "${!called[@]}"; do echo "$name|${called[$name]}"; done >"$dir/names"
python3 - "$dir" "$(uname -sr)" "$(nproc) × $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" >docs/benchmarks-proxy.md <<'END'
import statistics, sys
folder, kernel, processor = sys.argv[1:4]
called = dict(line.rstrip("\n").split("|") for line in open(f"{folder}/names"))
switched = [line.split() for line in open(f"{folder}/switched")]
fast = [line.split() for line in open(f"{folder}/fast")]
print("# The proxy beside others\n")
print("Made by `benches/proxy.sh`, which anyone can run; never edited by hand. Trust the ratios, which come from one run; all share the machine's processors with")
print("the load (`wrk`, 32 keep-alive connections) and with the application (nginx, a fixed answer). Each proxy has one thread.\n")
print(f"Machine: {processor}, {kernel}\n")
print("## Twenty switches under load\n")
print("Failed: errors of a connection (with one that is closed while a request is sent) and answers that are none of 2xx and 3xx.\n")
print("| | requests | failed | p50 | p99 |\n|---|---:|---:|---:|---:|")
for name, requests, failed, p50, p99, _ in switched:
    shown = failed if failed == "0" else f"**{failed}**"
    print(f"| {called[name]} | {int(requests):,} | {shown} | {p50} ms | {p99} ms |")
print("\n## Without a switch\n")
print("Medians of the rounds, which were interleaved. Added: p99 of a single connection, less that of the application without a proxy.\n")
print("| | requests/s, 32 connections | × HAProxy | p99, 32 connections | p99, one connection | added |\n|---|---:|---:|---:|---:|---:|")
def median(name, connections, column):
    return statistics.median(float(line[column]) for line in fast if line[0] == name and line[1] == connections)
base, alone = median("haproxy-runtime", "32", 6), median("nothing", "1", 5)
for name in ["nothing", "ours", "haproxy-runtime", "nginx-reload", "caddy"]:
    rate, p99, one = median(name, "32", 6), median(name, "32", 5), median(name, "1", 5)
    label = called[name].split(",")[0]
    ratio, added = ("", "") if name == "nothing" else (f"{rate / base:.2f}", f"{one - alone:.2f} ms")
    print(f"| {label} | {rate:,.0f} | {ratio} | {p99:.2f} ms | {one:.3f} ms | {added} |")
ours = next(line for line in switched if line[0] == "ours")
print("\n## Goals\n")
ratio, added = median("ours", "32", 6) / base, median("ours", "1", 5) - alone
for goal, met in [("0 failed in 20 switches", ours[2] == "0"), ("≥ 0.8 × HAProxy's requests/s on one thread", ratio >= 0.8), ("added p99 < 1 ms", added < 1)]:
    print(f"- {goal}: {'met' if met else '**missed**'}")
print("\nNot measured here: `docker compose down` and `up`, TLS, HTTP/2, bodies.")
END
echo "docs/benchmarks-proxy.md is written; measured in $dir"
