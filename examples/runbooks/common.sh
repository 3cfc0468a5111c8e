# Read by the runbooks: how they speak, ask and look. POSIX sh; common.ps1 is the same.
# shellcheck shell=sh

set -eu
IPFX=${IPFX_FAILOVER:-ipfx-failover}
YES=no
WAIT_S=600

# parse USAGE ARGUMENT...: takes --yes and --wait SECONDS; the others become WORDS.
parse() {
  USAGE=$1
  shift
  WORDS=
  while [ $# -gt 0 ]; do
    case $1 in
      --yes) YES=yes ;;
      --wait) shift && WAIT_S=${1:-} ;;
      -*) usage ;;
      *) WORDS="$WORDS $1" ;;
    esac
    shift
  done
  case $WAIT_S in '' | *[!0-9]*) usage ;; esac
}

usage() {
  printf 'usage: %s\n' "$USAGE" >&2
  exit 2
}

step() { printf '\n== %s\n' "$*"; }

say() { printf '   %s\n' "$*"; }

# halt CODE WHAT NEXT: something is not as it should be.
halt() {
  printf '\nSTOPPED: %s\n   next: %s\n' "$2" "$3" >&2
  exit "$1"
}

# ask QUESTION: goes on with --yes, or after a y in a terminal.
ask() {
  printf '\n?? %s\n' "$1"
  [ "$YES" = no ] || return 0
  [ -t 0 ] || halt 3 'nobody is there to answer' 'run it in a terminal, or add --yes'
  printf '   Go on? [y/N] '
  read -r answer
  case $answer in y | Y | yes) ;; *) halt 3 'declined' 'run the same again when it suits' ;; esac
}

# ipfx ARGUMENT...: a command of ipfx-failover, which has to succeed.
ipfx() {
  say "ipfx-failover $*"
  code=0
  "$IPFX" "$@" || code=$?
  [ "$code" = 0 ] || halt "$code" "ipfx-failover $1 ended with exit code $code" \
    'do what it says above, and run the same again: what is done already is not done twice'
}

# look KEY...: a value of `status --json`: a list is entered by name, or shown as its names. Empty
# for null. Keep it in a variable first: in a test its failure would be no failure.
look() {
  document=$("$IPFX" status --json) || halt $? 'the status cannot be read' 'ipfx-failover status'
  printf '%s' "$document" | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    if isinstance(value, list):
        value = next((each for each in value if each["name"].lower() == key.lower()), {})
    else:
        value = value.get(key)
if isinstance(value, list):
    value = " ".join(each["name"] for each in value)
print("" if value is None else str(value).lower() if isinstance(value, bool) else value)
' "$@"
}

# server NAME: it becomes NAME, as the config spells it.
server() {
  NAME=$(look servers "$1" name)
  [ -n "$NAME" ] || halt 2 "there is no server $1" 'ipfx-failover status'
}

require_monitor() {
  running=$(look monitor running)
  [ "$running" = true ] || halt 3 'no monitor is running' 'ipfx-failover service start'
}

require_no_stand_in() {
  other=$(look standing_in_for)
  [ -z "$other" ] || halt 3 "the Failover Server stands in for $other" "failback.sh $other"
}

# await WHAT NEXT FUNCTION ARGUMENT...: until the function succeeds; WAIT_S seconds at most.
await() {
  what=$1 next=$2
  shift 2
  say "waiting until $what"
  until_s=$(($(date +%s) + WAIT_S))
  until "$@"; do
    [ "$(date +%s)" -lt "$until_s" ] || halt 1 "after $WAIT_S s: not $what" "$next"
    sleep 1
  done
  say "$what"
}

is_ok() {
  shown=$(look servers "$1" status) || return 1
  [ "$shown" = OK ]
}
