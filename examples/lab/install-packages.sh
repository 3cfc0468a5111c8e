#!/usr/bin/env bash
# Installs Debian packages, as root, without starting or enabling any service that they bring:
# the lab runs its own sshd inside its namespaces, and nobody asked for one on this machine.
set -u

policy=/usr/sbin/policy-rc.d
mark='# ipfx-failover lab: no service is started while its packages are installed'
declare -A units=([openssh-server]='ssh.service ssh.socket' [keepalived]=keepalived.service)
units[cron]=cron.service
declare -A scripts=([openssh-server]=ssh [keepalived]=keepalived [cron]=cron)

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

release_services() {
  if grep -qxF "$mark" "$policy" 2>/dev/null; then rm -f "$policy"; fi
}

hold_services() {
  release_services  # one that a killed run left
  [ -e "$policy" ] && return
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy" && chmod 755 "$policy"
}

install() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get install --yes --quiet --no-install-recommends -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Fresh machines have no package lists, old ones stale lists, interrupted ones half a package.
install_with_fresh_lists() {
  dpkg --configure -a </dev/null
  apt-get update --quiet -o DPkg::Lock::Timeout=300 && install "$@"
}

# With Debian's own helper, which knows its links even where systemd is not running.
disable() {  # PACKAGE
  DPKG_MAINTSCRIPT_PACKAGE=$1 deb-systemd-helper disable ${units[$1]} >/dev/null 2>&1
  update-rc.d "${scripts[$1]}" disable >/dev/null 2>&1
  echo "$1 was installed for the lab; its service is neither started nor enabled." >&2
}

fresh=()
for package in "$@"; do
  is_installed "$package" || fresh+=("$package")
done
trap release_services EXIT
trap 'exit 130' INT TERM HUP
hold_services
said=$(install "$@" 2>&1) || install_with_fresh_lists "$@" || {
  printf '%s\n' "$said" >&2
  exit 1
}
for package in "${fresh[@]}"; do
  [ -n "${units[$package]:-}" ] && disable "$package"
done
exit 0
