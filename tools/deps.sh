#!/usr/bin/env bash
# Installs what is missing for building, testing or benchmarking:
# tools/deps.sh build|test|peers|bench …
# `peers` is what the tests of clients need beside `test`; tests/run.py fetches it while it builds.
# `sources`, a part of build, fetches only the C libraries that are built with the program.
# Says nothing and needs no network when everything is there.
set -euo pipefail
cd "$(dirname "$0")/.."

# Entries are a Debian package, or COMMAND:PACKAGE where another source of the command will do.
build_packages=(
    gcc:gcc libc6-dev pkg-config:pkg-config python3:python3 meson:meson ninja:ninja-build
    libuv1-dev libssl-dev libcurl4-openssl-dev libpcre2-dev libsqlite3-dev zlib1g-dev
    libexpat1-dev libpq-dev libarchive-dev libseccomp-dev ca-certificates python3-venv
)
test_packages=(
    libcmocka-dev clang:clang libclang-rt-14-dev clang-format:clang-format clang-tidy:clang-tidy
    cppcheck:cppcheck shellcheck:shellcheck awscli node:nodejs npm:npm
    openssl:openssl systemd-analyze:systemd ps:procps
)
# Where these cannot be installed, the tests of that language's SDK are skipped, by name.
go_packages=(go:golang-go)
java_packages=(javac:default-jdk-headless mvn:maven)
# AWS's runtime client for JavaScript builds its native part from sources in its package.
javascript_ric_packages=(
    g++:g++ make:make cmake:cmake autoconf:autoconf automake:automake libtoolize:libtool
)
# As well; it is large, so it is installed while other things are fetched.
browser_packages=(chromium:chromium chromedriver:chromium-driver)
bench_packages=(wrk:wrk valgrind:valgrind)
# PROGRAM:PACKAGE. Installed, these would run a server on this machine from then on; so they are
# unpacked to build/programs and not installed.
test_programs=(postgres:postgresql-15 psql:postgresql-client-15)
bench_programs=(nginx:nginx postgres:postgresql-15 psql:postgresql-client-15)
# A test that needs one of these is skipped, by name, where it cannot be had.
wished_test_programs=(promtool:prometheus)

say() {
    echo "headgate: $*"
}

give_up() {
    echo "headgate: $*" >&2
    exit 1
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian keeps servers where an ordinary user's PATH does not lead. tests/support/programs.py looks
# in the same places.
there() {
    local path=$PATH:/usr/sbin:/sbin folder
    for folder in {,build/programs}/usr/lib/postgresql/*/bin build/programs/usr/{bin,sbin}; do
        path+=:$folder
    done
    PATH=$path command -v "$1" >/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

install_packages() {
    local what=$1 entry missing=() log
    shift
    for entry in "$@"; do
        case $entry in
        *:*) there "${entry%%:*}" || missing+=("${entry#*:}") ;;
        *) installed "$entry" || missing+=("$entry") ;;
        esac
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    command -v apt-get >/dev/null ||
        give_up "${what} needs these Debian packages, or what your system calls them: ${missing[*]}"
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        give_up "${what} needs packages that only root can install: apt-get install ${missing[*]}"
    fi
    say "installing for ${what}, once: ${missing[*]}"
    log=$(mktemp)
    # A list of packages that cannot be refreshed may still be good enough to install from.
    as_root apt-get update -qq >"$log" 2>&1 || true
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        "${missing[@]}" >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        give_up "apt-get could not install these packages; the lines above say why"
    fi
    rm -f "$log"
}

# Fetches packages, unpacks them, and installs the libraries that they name.
unpack_into() {
    local folder=$1 package
    shift
    as_root apt-get update -qq || true
    (cd "$folder" && apt-get download -qq "$@") || return 1
    for package in "$folder"/*.deb; do
        dpkg-deb -x "$package" build/programs || return 1
        dpkg-deb -f "$package" Depends | tr ',' '\n' | sed -nE 's/^ *(lib[^ :(|]+).*/\1/p'
    done >"$folder/libraries"
}

unpack_programs() {
    local what=$1 entry missing=() folder libraries
    shift
    for entry in "$@"; do
        there "${entry%%:*}" || missing+=("${entry#*:}")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null ||
        give_up "${what} needs programs of these Debian packages: ${missing[*]}"
    say "unpacking for ${what}, once: ${missing[*]}"
    mkdir -p build/programs
    folder=$(mktemp -d)
    if ! unpack_into "$folder" "${missing[@]}" >"$folder/log" 2>&1; then
        tail -n 15 "$folder/log" >&2
        rm -rf "$folder"
        give_up "these packages could not be unpacked; the lines above say why"
    fi
    mapfile -t libraries <"$folder/libraries"
    rm -rf "$folder"
    install_packages "$what" "${libraries[@]}"
}

# Runs a fetch only when the files that decide its result have changed since it last succeeded.
once_for() {
    local stamp=$1 what=$2 sum log
    shift 2
    local files=()
    while [ "$1" != -- ]; do
        files+=("$1")
        shift
    done
    shift
    sum=$(cat "${files[@]}" | sha256sum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$sum" ] && return 0
    say "fetching ${what}, once"
    log=build/fetch-${stamp//[\/.]/-}.log
    mkdir -p build
    if ! "$@" >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        give_up "fetching ${what} failed; the lines above say why"
    fi
    echo "$sum" >"$stamp"
}

# A link leads to what other trees use too: clearing it would empty theirs.
fetch_python() {
    if [ -L build/venv ]; then
        echo "build/venv is a link to $(readlink build/venv): run this there, or remove it" >&2
        return 1
    fi
    python3 -m venv --clear build/venv
    build/venv/bin/python -m pip install --quiet --no-input -r tests/requirements.txt
}

# Both lists, so that the versions of the first stay.
fetch_peers() {
    build/venv/bin/python -m pip install --quiet --no-input -r tests/requirements.txt \
        -r tests/requirements-peers.txt
}

# A Python of its own: dlt needs other versions than the tests.
fetch_dlt() {
    python3 -m venv --clear build/bench-dlt || return 1
    build/bench-dlt/bin/python -m pip install --quiet --no-input -r tests/requirements-dlt.txt
}

# A Python that is too new installs it but cannot run it, so the last line tries that.
fetch_old_boto3() {
    python3 -m venv --clear build/clients/old-boto3 || return 1
    build/clients/old-boto3/bin/python -m pip install --quiet --no-input \
        -r tests/requirements-old-boto3.txt || return 1
    build/clients/old-boto3/bin/python -c 'import boto3; boto3.client("sts", "us-east-1")'
}

# A program of tests/clients/NAME. The caches stay in build/, so that a changed program builds
# offline; Go's modules are read-only unless -modcacherw is set, and `make clean` could not remove
# them.
build_go() {
    local name=$1 program=$2 folder=$PWD/build/clients/$1
    rm -f "$folder"/{"$program",fetched}
    mkdir -p "$folder"
    env -C "tests/clients/$name" GOFLAGS='-modcacherw -buildvcs=false -mod=readonly' \
        CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
        GOMODCACHE="$folder/modules" GOCACHE="$folder/cache" \
        nice go build -o "$folder/$program" .
}

fetch_go() {
    build_go go appflow
}

fetch_versitygw() {
    build_go versitygw versitygw
}

fetch_java() {
    local folder=$PWD/build/clients/java authorities=build/clients/java/authorities trust=
    local bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    rm -rf "$folder"/{libraries,classes,example,fetched}
    mkdir -p "$folder/example"
    if [ -f "$bundle" ]; then
        java tests/clients/java/TrustStore.java "$bundle" "$authorities" public || return 1
        trust="-Djavax.net.ssl.trustStore=$authorities -Djavax.net.ssl.trustStorePassword=public"
    fi
    MAVEN_OPTS="${MAVEN_OPTS:-} $trust" mvn --batch-mode --quiet --file tests/clients/java/pom.xml \
        -Dmaven.repo.local="$folder/repository" dependency:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$folder/libraries" || return 1
    # It has older versions of the other libraries inside.
    mv "$folder"/libraries/custom-connector-example-*.jar "$folder/example" || return 1
    javac -Xlint:all,-path -Werror -proc:none -cp "$folder/libraries/*" -d "$folder/classes" \
        tests/clients/java/Appflow.java
}

# A Python of its own, since the connector SDK needs an older ANTLR than moto does. The last line
# tries what only fails when it is loaded.
fetch_python_connectors() {
    python3 -m venv --clear build/clients/python-connectors || return 1
    build/clients/python-connectors/bin/python -m pip install --quiet --no-input \
        -r tests/requirements-connectors.txt || return 1
    build/clients/python-connectors/bin/python -c \
        'import awslambdaric, custom_connector_example.handlers.lambda_handler'
}

# Where Node's own package, or libnode-dev, has its headers.
node_prefix() {
    dirname "$(dirname "$(readlink -f "$(command -v node)")")"
}

# Node's headers are those of the installed Node: node-gyp would fetch them from elsewhere.
fetch_javascript_connectors() {
    local folder=build/clients/javascript-connectors node
    node=$(node_prefix)
    rm -rf "$folder"
    mkdir -p "$folder"
    cp tests/connectors/javascript/{package.json,package-lock.json,.npmrc} "$folder" || return 1
    # It brings curl's sources along: without optimization they compile in half the time.
    CFLAGS=-O0 CXXFLAGS=-O0 npm_config_nodedir=$node MAKEFLAGS=-j$(nproc) npm ci \
        --prefix "$folder" --no-audit --no-fund --loglevel=error || return 1
    node -e 'import(process.argv[1]).catch((e) => { console.error(e); process.exit(1); })' \
        "$PWD/$folder/node_modules/aws-lambda-ric/dist/index.mjs"
}

# apt-get works alone, so this comes before the fetches, which work side by side.
install_languages() {
    (install_packages "tests with the AWS SDK for Go" "${go_packages[@]}") || true
    (install_packages "tests with the AWS SDK for Java" "${java_packages[@]}") || true
    (install_packages "tests of connectors in JavaScript" "${javascript_ric_packages[@]}"
    [ -f "$(node_prefix)/include/node/node_api.h" ] ||
        install_packages "tests of connectors in JavaScript" libnode-dev) || true
}

# Nothing else depends on one of these: its tests are skipped where it cannot be had.
fetch_or_skip() {
    (once_for "$@") || say "the tests of $2 will be skipped"
}

fetch_clients() {
    (install_packages "tests in a browser" "${browser_packages[@]}") || true &
    fetch_or_skip build/clients/javascript-connectors/fetched "connectors in JavaScript" \
        tests/connectors/javascript/package{,-lock}.json -- fetch_javascript_connectors &
    fetch_or_skip build/clients/go/fetched "the AWS SDK for Go" \
        tests/clients/go/{go.mod,go.sum,main.go} -- fetch_go &
    fetch_or_skip build/clients/versitygw/fetched "an S3 server that is not ours" \
        tests/clients/versitygw/{go.mod,go.sum,main.go} -- fetch_versitygw &
    fetch_or_skip build/clients/java/fetched "the AWS SDK for Java" \
        tests/clients/java/{pom.xml,Appflow.java,TrustStore.java} -- fetch_java &
    fetch_or_skip build/clients/python-connectors/fetched "AWS's SDK for connectors in Python" \
        tests/requirements-connectors.txt -- fetch_python_connectors &
    fetch_or_skip build/clients/old-boto3/fetched "an old boto3" \
        tests/requirements-old-boto3.txt -- fetch_old_boto3 &
}

# A Python of its own, which goes away again: only the archive's files stay.
fetch_sources() {
    local folder=build/sources/fetching
    rm -rf "$folder"
    python3 -m venv "$folder/venv" || return 1
    "$folder/venv/bin/python" -m pip install --quiet --no-input --require-hashes \
        --only-binary :all: -r tools/sources/tools.txt || return 1
    "$folder/venv/bin/python" -m pip download --quiet --no-input --require-hashes --no-deps \
        --no-build-isolation --no-binary :all: -d "$folder" -r tools/sources/libraries.txt ||
        return 1
    rm -rf build/sources/yyjson
    mkdir -p build/sources/yyjson
    tar -xzf "$folder"/yyjson-*.tar.gz -C build/sources/yyjson --strip-components=2 \
        --wildcards '*/yyjson/yyjson.[ch]' || return 1
    rm -rf "$folder"
}

fetch_sources_once() {
    once_for build/sources/fetched "the source of yyjson" \
        tools/sources/libraries.txt tools/sources/tools.txt -- fetch_sources
}

fetch_node() {
    npm ci --prefix tests --no-audit --no-fund --loglevel=error
}

[ $# -gt 0 ] || give_up "name a set: build, test, peers or bench"
for set in "$@"; do
    case $set in
    build)
        install_packages building "${build_packages[@]}"
        fetch_sources_once
        ;;
    sources) fetch_sources_once ;;
    test)
        install_packages testing "${test_packages[@]}"
        unpack_programs testing "${test_programs[@]}"
        (unpack_programs "more tests" "${wished_test_programs[@]}") || true
        once_for build/venv/fetched "Python packages for the tests" \
            tests/requirements.txt -- fetch_python
        ;;
    peers)
        install_languages
        trap wait EXIT # for the fetches below
        fetch_clients
        once_for tests/node_modules/.fetched "npm packages for the client tests" \
            tests/package.json tests/package-lock.json -- fetch_node
        fetch_or_skip build/venv/fetched-peers "Python packages that stand in for vendors" \
            tests/requirements-peers.txt -- fetch_peers
        ;;
    bench)
        install_packages benchmarking "${bench_packages[@]}"
        unpack_programs benchmarking "${bench_programs[@]}"
        once_for build/venv/fetched "Python packages for moto, which is measured beside" \
            tests/requirements.txt -- fetch_python
        once_for build/bench-dlt/fetched "dlt, which is measured beside" \
            tests/requirements-dlt.txt -- fetch_dlt
        ;;
    *) give_up "there is no set named $set: build, test, peers or bench" ;;
    esac
done
