#!/usr/bin/env bash
# Installs Debian packages, as root, without starting or enabling any service that they bring:
# the lab runs its own sshd inside its namespaces, and nobody asked for one on this machine.
set -u

policy=/usr/sbin/policy-rc.d
mark='# ipfx-failover lab: no service is started while its packages are installed'
declare -A services=([openssh-server]='ssh.service ssh.socket' [keepalived]=keepalived.service)

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
  units=${services[$package]:-}
  [ -n "$units" ] || continue
  for unit in $units; do
    ! command -v systemctl >/dev/null || systemctl disable --quiet "$unit" 2>/dev/null
  done
  echo "$package was installed for the lab; its service is neither started nor enabled." >&2
done
