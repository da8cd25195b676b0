#!/bin/sh
# Slurm on this machine alone, to try a cluster run where there is no cluster:
#   profiles/slurm/one_node.sh start FOLDER [CPUS]
#   profiles/slurm/one_node.sh stop FOLDER
# Needs root and Debian's slurmd, slurmctld, slurm-client and munge. Everything it writes lies in FOLDER, but for the
# link /etc/slurm/slurm.conf, since the executor takes every SLURM_* variable away. It listens on 127.0.0.1 only.
set -eu

link=/etc/slurm/slurm.conf
fail() { echo "one_node.sh: $1" >&2; exit 1; }

[ $# -ge 2 ] || fail "usage: one_node.sh start|stop FOLDER [CPUS]"
mkdir -p "$2"
here=$(cd "$2" && pwd)
case $here in *[!A-Za-z0-9/._-]*) fail "$here: Slurm takes no such folder; name one of letters, digits, . _ -" ;; esac

start() {
    [ "$(id -u)" = 0 ] || fail "needs root"
    for program in munged slurmctld slurmd sinfo; do
        command -v $program >/dev/null || fail "no $program; apt-get install slurmd slurmctld slurm-client munge"
    done
    if [ -e $link ]; then fail "$link is there: a Slurm is configured, or runs from $(readlink -f $link)"; fi
    mkdir -p "$here/state" "$here/spool" "$here/log" /etc/slurm
    # munge does not trust a folder that others can write to
    chmod 755 "$here" "$here/log"
    [ -s "$here/munge.key" ] || (umask 277 && head -c 1024 /dev/urandom >"$here/munge.key")
    configure "$1" >"$here/slurm.conf"
    ln -sfn "$here/slurm.conf" $link
    daemon munged -F --force --socket="$here/munge.sock" --key-file="$here/munge.key" \
        --log-file="$here/log/munged.log" --pid-file="$here/munged.daemon.pid" --seed-file="$here/munge.seed"
    until_true "munged" test -S "$here/munge.sock"
    daemon slurmctld -D -c -f "$here/slurm.conf"
    daemon slurmd -D -N localhost -f "$here/slurm.conf"
    until_true "slurmd" ready
    echo "Slurm runs on this machine: $1 CPUs, $memory MB; stop it with: $0 stop $here"
}

ready() { sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle'; }

# a daemon in a session of its own, with its process id on file
daemon() {
    setsid sh -c 'echo $$ >"$0"; exec "$@"' "$here/$1.pid" "$@" >"$here/log/$1.out" 2>&1 </dev/null &
}

until_true() {
    what=$1
    shift
    for _ in $(seq 150); do
        if "$@"; then return; fi
        sleep 0.2
    done
    stop
    fail "$what did not start within 30 s; see $here/log"
}

stop() {
    for name in slurmd slurmctld munged; do
        [ -s "$here/$name.pid" ] || continue
        process=$(cat "$here/$name.pid")
        if [ "$(cat "/proc/$process/comm" 2>/dev/null)" = $name ]; then
            kill "$process"
            for _ in $(seq 50); do [ -d "/proc/$process" ] && sleep 0.2 || break; done
        fi
        rm -f "$here/$name.pid"
    done
    if [ "$(readlink $link)" = "$here/slurm.conf" ]; then rm $link; fi
}

configure() {
    ports=$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in held))')
    cat <<END
ClusterName=onenode
SlurmctldHost=localhost(127.0.0.1)
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=$here/munge.sock
SlurmUser=root
SlurmdUser=root
SlurmctldPort=${ports% *}
SlurmdPort=${ports#* }
StateSaveLocation=$here/state
SlurmdSpoolDir=$here/spool
SlurmctldPidFile=$here/slurmctld.daemon.pid
SlurmdPidFile=$here/slurmd.daemon.pid
SlurmctldLogFile=$here/log/slurmctld.log
SlurmdLogFile=$here/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=0
JobCompType=jobcomp/filetxt
JobCompLoc=$here/log/jobs.log
AccountingStorageType=accounting_storage/none
# no control groups needed: what holds more memory than it asked for is killed when that is looked at
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
MpiDefault=none
ReturnToService=2
MinJobAge=600
KillWait=5
SlurmdParameters=config_overrides
PropagateResourceLimits=NONE
NodeName=localhost NodeAddr=127.0.0.1 CPUs=$1 RealMemory=$memory State=UNKNOWN
PartitionName=debug Nodes=localhost Default=YES MaxTime=2880 State=UP
END
}

memory=$(awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
case $1 in
start) start "${3:-$(nproc)}" ;;
stop) stop ;;
*) fail "$1: start or stop" ;;
esac
