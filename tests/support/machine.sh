#!/usr/bin/env bash
# Becomes a systemd that starts in namespaces of its own (tests/support/machine.py makes them), as
# on a small machine: this one's files below a layer that is thrown away, nothing enabled but
# Headgate.
# Arguments: an empty folder, the packaging folder, the binary. Exits with 77 where that cannot be.
set -euo pipefail
folder=$1 packaging=$2 binary=$3
root=$folder/root

layer() {
    mount -t tmpfs tmpfs "$folder"
    mkdir "$folder/upper" "$folder/work" "$root"
    mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"
}

# Nothing of the kernel's that is not in a namespace can be changed.
kernel_files() {
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
}

devices() {
    local name
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm"
    for name in null zero full random urandom tty; do
        touch "$root/dev/$name"
        mount --bind "/dev/$name" "$root/dev/$name"
    done
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    mount -t tmpfs tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
}

# As docs/operations.md says.
install_headgate() {
    rm -rf "$root"/etc/systemd/system/*.wants "$root/var/lib/headgate" "$root/etc/headgate"
    install -m 755 "$binary" "$root/usr/bin/headgate"
    install -m 644 "$packaging"/*.service "$packaging"/*.socket "$root/etc/systemd/system/"
    install -m 644 "$packaging/headgate.sysusers.conf" "$root/usr/lib/sysusers.d/headgate.conf"
    mkdir "$root/etc/headgate"
    echo HEADGATE_SANDBOX=true >"$root/etc/headgate/environment"
    chroot "$root" systemd-sysusers
    chroot "$root" systemctl enable headgate.service headgate.socket headgate-operations.socket
}

{ layer && kernel_files && devices; } || exit 77
install_headgate
cd "$root"
mkdir -p old
pivot_root . old
umount -l /old
exec env -i container=test setpriv --bounding-set=-sys_time,-sys_module,-sys_boot,-sys_rawio \
    /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=console \
    --show-status=no </dev/null
