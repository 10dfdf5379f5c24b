#!/bin/sh
# Writes the part of NGINX's configuration that depends on the installation, then runs the command in
# its arguments. docs/deployment.md describes the variables.
set -eu

folder=${SETTINGS_FOLDER:-/tmp/settings}
keys=/etc/nginx/keys.txt
tls=/etc/nginx/tls

fail() {
    echo "NGINX cannot start: $1" >&2
    exit 1
}

require_readable() {
    [ -f "$1" ] || fail "$1 is not a file. Check the path in $2."
    [ -r "$1" ] || fail "user $(id -u) may not read $1. Run \`chown $(id -u)\` for the file in $2."
}

mkdir -p "$folder"

# The network's DNS server, queried every 2 s, so that replicas can be added and removed without a
# reload. Docker's is at 127.0.0.11, Podman's at the network's gateway.
server=$(awk '$1 == "nameserver" && $2 !~ /%/ { print $2 ~ /:/ ? "[" $2 "]" : $2; exit }' /etc/resolv.conf)
echo "resolver ${server:-127.0.0.11} valid=2s ipv6=off;" > "$folder/resolver"

# Proxies whose headers are believed: one list for the client's address, one for the other headers.
# X-Forwarded-For names the client first, then each proxy. If every address is trusted, a proxy has
# certainly written only the last address in X-Forwarded-For.
set -f # DLFLASK_TRUSTED_PROXIES may be *, which is not a pattern of files.
case ${DLFLASK_TRUSTED_PROXIES:-} in
    *"*"*) echo 'real_ip_recursive off;' > "$folder/real-ip" ;;
    *) echo 'real_ip_recursive on;' > "$folder/real-ip" ;;
esac
: > "$folder/proxies"
for proxy in $(echo "${DLFLASK_TRUSTED_PROXIES:-}" | tr ',' ' ' | sed 's|\*|0.0.0.0/0 ::/0|'); do
    case $proxy in
        *[!0-9A-Fa-f:./]*) fail "DLFLASK_TRUSTED_PROXIES contains $proxy; expected addresses and networks such as 10.0.0.7 or 10.0.0.0/8, separated by commas, or * for every address." ;;
    esac
    echo "set_real_ip_from $proxy;" >> "$folder/real-ip"
    echo "$proxy 1;" >> "$folder/proxies"
done

# The path of the service. A proxy may keep it in the requests that it forwards, or remove it.
prefix=${DLFLASK_PATH_PREFIX:-}
prefix=${prefix%/}
echo "default \"$prefix\";" > "$folder/prefix"
: > "$folder/server"
case $prefix in
    [!/]* | */ | *//* | *[!A-Za-z0-9._~/-]*) fail "DLFLASK_PATH_PREFIX is $prefix; expected a path such as /tools/digits. It may contain letters, digits and these characters: . _ ~ -" ;;
esac
if [ -n "$prefix" ]; then
    pattern=$(echo "$prefix" | sed 's/\./\\./g')
    echo "rewrite (?s)^$pattern(?:/(.*))?\\z /\$1;" >> "$folder/server"
fi

# Origins of other web pages, as browsers send them: lower case, without a default port.
: > "$folder/origins"
for origin in $(echo "${DLFLASK_ALLOWED_ORIGINS:-}" | tr ',A-Z' ' a-z'); do
    origin=$(echo "$origin" | sed -E 's|/$||; s|^(http://.*):80$|\1|; s|^(https://.*):443$|\1|')
    echo "$origin" | grep -Eqx '[a-z][a-z0-9+.-]*://([a-z0-9._~-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?' ||
        fail "DLFLASK_ALLOWED_ORIGINS contains $origin; expected origins in ASCII such as https://app.example.org, separated by commas."
    echo "\"$origin\" \$http_origin;" >> "$folder/origins"
done

if [ -e "$tls" ]; then
    require_readable "$tls/cert.pem" DLFLASK_TLS_FOLDER
    require_readable "$tls/key.pem" DLFLASK_TLS_FOLDER
    port=${DLFLASK_TLS_PORT:-443}
    [ "$port" = 443 ] && port= || port=:$port
    echo "set \$tls_port \"$port\"; include /etc/nginx/options/tls.conf;" >> "$folder/server"
fi

: > "$folder/keys"
: > "$folder/location"
if [ -e "$keys" ]; then
    require_readable "$keys" DLFLASK_API_KEYS
    echo "include $keys;" > "$folder/keys"
    echo "include /etc/nginx/options/keys.conf;" > "$folder/location"
fi

exec "$@"
