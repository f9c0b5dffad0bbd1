#!/usr/bin/env bash
# Builds one variant: tools/build.sh DIR [meson options]; with TARGETS='NAME…', only those. Quiet
# unless something is wrong or a person watches.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$1
shift

tools/deps.sh sources

if [ ! -f "$dir/build.ninja" ]; then
    # A set-up that was cut off leaves a directory that Meson takes for a finished one.
    rm -rf "$dir"
    mkdir -p build
    if ! meson setup "$dir" "$@" >build/setup.log 2>&1; then
        tail -n 25 build/setup.log >&2
        echo "headgate: Meson could not set up $dir; the lines above say why" >&2
        exit 1
    fi
fi

read -ra targets <<<"${TARGETS:-}"
if [ -t 1 ]; then
    exec ninja -C "$dir" "${targets[@]}"
fi
exec ninja --quiet -C "$dir" "${targets[@]}"
