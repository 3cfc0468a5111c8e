# Sets up what ./examples/lab/run and ./tests/run need; sourced by both, from any directory.
#
#   . examples/lab/bootstrap.sh
#   bootstrap COMMAND:PACKAGE...   besides the lab's own needs; or FILE-PATTERN:PACKAGE
#
# Afterwards $checkout and $venv are absolute paths, and `as_root` runs a command as root.
# Under the hood this is `python3 -m venv .venv` and `pip install -e . --group dev`.

checkout=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd -P)
venv=$checkout/.venv
unfinished=$venv/.unfinished
made_for=$venv/.made-for

PATH=$PATH:/usr/sbin:/sbin                # where ip and sshd are for a plain Debian user
PATH=${PATH//"$venv/bin:"/}               # an activated .venv must not be made by itself
unset PYTHONHOME

lab_needs=(
  ip:iproute2 mount:mount unshare:util-linux nsenter:util-linux flock:util-linux
  sshd:openssh-server ssh-keygen:openssh-client
)
sqlserver_needs=(  # of Microsoft's ODBC driver, which pip installs, and of pyodbc
  '/usr/lib/*/libodbc.so.2:unixodbc' '/usr/lib/*/libltdl.so.7:libltdl7'
  '/usr/lib/*/libkrb5.so.3:libkrb5-3' '/usr/lib/*/libgssapi_krb5.so.2:libgssapi-krb5-2'
)

say() { printf '%s\n' "$*" >&2; }

die() {  # WHAT-HAPPENED WHAT-TO-DO-NEXT
  say "$1"
  say "  $2"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -E "$@"; fi
}

require_root_or_sudo() {
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    die 'The lab network needs root, and there is no sudo here.' \
      'Run this as root, or install sudo and allow yourself to use it.'
}

install_packages() {
  command -v apt-get >/dev/null ||
    die "These are missing: $*. There is no apt-get here to install them." \
      'Install them with the package manager of this system, then try again.'
  say "Installing $*"
  as_root "$BASH" "$checkout/examples/lab/install-packages.sh" "$@" ||
    die "Could not install $*; what apt-get said is above." \
      "Install them by hand: apt-get install $*"
}

install_missing() {  # COMMAND:PACKAGE or FILE-PATTERN:PACKAGE...
  local need missing=()
  for need in "$@"; do
    command -v "${need%%:*}" >/dev/null || compgen -G "${need%%:*}" >/dev/null ||
      missing+=("${need#*:}")
  done
  if ((${#missing[@]})); then
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    install_packages "${missing[@]}"
  fi
}

# Prints the first Python that is new enough; a pyenv shim may exist and yet not run.
find_python() {
  local candidate
  for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# Sets $python; installs one where there is none (Ubuntu 22.04 has 3.11 beside its older python3).
require_python() {
  python=$(find_python) || {
    install_packages python3 python3-venv
    python=$(find_python)
  } || {
    install_packages python3.11 python3.11-venv
    python=$(find_python)
  } || die 'There is no Python 3.11 or newer here.' 'Install one, then try again.'
  "$python" -c 'import ensurepip, venv' 2>/dev/null || install_packages "python$(
    "$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
  )-venv"
}

require_namespaces() {
  local reason
  reason=$(as_root unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc sh -c '
      mount -t tmpfs tmpfs /run && mount -t sysfs sysfs /sys &&
      ip link add one type bridge && ip link add two type veth peer name three' 2>&1) ||
    die "Network namespaces cannot be made here: ${reason//$'\n'/ }" \
      'Use a machine of its own, or a container that may (docker run --privileged).'
}

python_identity() {
  "$1" -c 'import os, sys; print(sys.version.split()[0], os.path.realpath(sys.executable))'
}

wanted_stamp() {
  python_identity "$python" && echo "$venv" && sha256sum <"$checkout/pyproject.toml"
}

# A .venv that was made here by the same Python, and whose making nobody interrupted.
environment_is_usable() {
  [ ! -e "$unfinished" ] &&
    grep -q -- "^command = .* -m venv .*$venv\$" "$venv/pyvenv.cfg" 2>/dev/null &&
    [ "$(python_identity "$venv/bin/python" 2>/dev/null)" = "$(python_identity "$python")" ] &&
    "$venv/bin/python" -m pip --version >/dev/null 2>&1
}

fill_environment() {
  local pip=("$venv/bin/python" -m pip --disable-pip-version-check install --quiet)
  touch "$unfinished" &&
    "${pip[@]}" --upgrade 'pip>=25.1' &&  # the first that knows --group
    (cd "$checkout" && "${pip[@]}" --editable . --group dev)
}

# One set-up at a time: the lock is on the checkout's directory itself, so no file is left.
make_environment() (
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  trap 'say "Interrupted; the next run sets .venv up again."; exit 130' INT TERM
  exec 9<"$checkout"
  flock --nonblock 9 || {
    say 'Waiting for another set-up of this checkout.'
    flock 9
  }
  stamp=$(wanted_stamp)
  if [ ! -e "$unfinished" ] && [ "$(cat "$made_for" 2>/dev/null)" = "$stamp" ] &&
    "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
  fi
  [ ! -e "$venv" ] || [ -w "$venv" ] ||
    die "$venv must be set up again, but belongs to somebody else." \
      'Remove it as its owner, or run this with sudo.'
  say 'Setting up .venv (a minute the first time)'
  environment_is_usable || "$python" -m venv --clear "$venv" >"$log" 2>&1 || {
    cat "$log" >&2
    die "$python could not make $venv; its reason is above." 'Mend that, then try again.'
  }
  fill_environment >"$log" 2>&1 || {
    cat "$log" >&2
    die 'pip could not install this package and its tools; its reason is above.' \
      'It needs a package index (the network, or one in pip.conf). Then try again.'
  }
  printf '%s\n' "$stamp" >"$made_for"
  rm "$unfinished"
)

bootstrap() {
  require_root_or_sudo
  install_missing "${lab_needs[@]}" "$@"
  require_python
  require_namespaces
  make_environment || exit
}
