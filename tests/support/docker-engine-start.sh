# Runs dockerd inside mount and process namespaces of its own: docker-engine-start.sh FOLDER PROGRAMS BYTES
#
# What it writes outside FOLDER (/run/docker, /opt/containerd) and all it stores goes to memory that ends with the
# namespace, BYTES at most. It finds FOLDER in /mnt and PROGRAMS in /srv, wherever they are, and touches no network.
set -eu
mount --bind "$2" /srv
mount --bind "$1" /mnt
mount -t tmpfs -o "mode=755,size=$3" engine /run
mount -t tmpfs -o "mode=755,size=$3" engine /opt
cd /
# A configuration file of its own, because the default one is the system's. The storage driver is the one that needs
# nothing of the kernel.
exec dockerd --config-file /mnt/daemon.json --host unix:///mnt/docker.sock --pidfile /run/docker.pid \
    --data-root /run/data --exec-root /run/exec --storage-driver vfs \
    --iptables=false --ip6tables=false --ip-forward=false --bridge=none
