#!/bin/sh
# Give the role back to the Primary Server, with all that was recorded (manual, "Failback").
. "$(dirname "$0")/common.sh"

parse "$0 NAME [--yes] [--wait SECONDS]" "$@"
# shellcheck disable=SC2086 # words
set -- $WORDS
[ $# = 1 ] || usage
server "$1"
RESULT=0

# Exit code 4: it cannot be reached yet. 6: given back, but for what is listed.
# shellcheck disable=SC2317 # called by await
given_back() {
  code=0
  "$IPFX" replicate-to-live "$NAME" --yes || code=$?
  case $code in
    0) ;;
    4) return 1 ;;
    6) RESULT=6 ;;
    *) halt "$code" "replicate-to-live ended with exit code $code" "do what it says above; $0 $NAME" ;;
  esac
}

whom=$(look standing_in_for)
if [ "$whom" = "$NAME" ]; then
  step "1. Stop standing in for $NAME"
  ask "Is what made $NAME fail resolved? Its clients have no service until it is given back."
  ipfx stop-failover "$NAME" --yes
fi

ahead=$(look servers "$NAME" authority)
if [ "$ahead" = standby ]; then
  step "2. Restart $NAME quickly: the machine, not its application"
  ask "Is $NAME started?"

  step '3. Database and files to the Primary'
  say "ipfx-failover replicate-to-live $NAME --yes"
  await "$NAME has everything" "start $NAME, and run the same again" given_back

  step "4. Start the application on $NAME"
  ask 'Is it started?'
fi

step "5. Is $NAME watched again?"
require_monitor
await "$NAME is OK" 'ipfx-failover status' is_ok "$NAME"
exit "$RESULT"
