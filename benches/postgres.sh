# Sourced by the commands beside it: starts a PostgreSQL of its own in $dir, with fsync on, and sets $url. Needs Debian's package `postgresql`.
programs="$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)"
as_postgres=()
mkdir -p "$dir/postgres"
if [ "$(id -u)" = 0 ]; then
    as_postgres=(runuser -u postgres --)
    chmod 755 "$dir"
    chown postgres "$dir/postgres"
fi
(cd / && "${as_postgres[@]}" "$programs/initdb" -D "$dir/postgres/data" -U postgres -A trust -E UTF8 --locale=C >"$dir/initdb.log")
(cd / && "${as_postgres[@]}" "$programs/pg_ctl" -D "$dir/postgres/data" -l "$dir/postgres/log" -w \
    -o "-p 54339 -k $dir/postgres -c max_connections=400 -c listen_addresses=''" start >"$dir/start.log")
stop_postgres() { (cd / && "${as_postgres[@]}" "$programs/pg_ctl" -D "$dir/postgres/data" -m fast stop >/dev/null) || true; }
trap stop_postgres EXIT
encoded="$dir/postgres"
url="postgres://postgres@${encoded//\//%2F}:54339/postgres"
