#!/bin/sh
# A drill: the Primary Server is cut off, and the Failover Server takes over by itself.
. "$(dirname "$0")/common.sh"

parse "$0 NAME [--yes] [--wait SECONDS]" "$@"
# shellcheck disable=SC2086 # words
set -- $WORDS
[ $# = 1 ] || usage
server "$1"

stands_in() {
  whom=$(look standing_in_for) && phase=$(look stand_in_phase) || return 1
  [ "$whom: $phase" = "$NAME: standing in" ]
}

if ! stands_in; then
  step "1. Is $NAME well, watched, and nobody stood in for?"
  require_monitor
  require_no_stand_in
  is_ok "$NAME" || halt 3 "$NAME is not OK" 'ipfx-failover status'

  step '2. A copy of everything, so that nothing is lost'
  ask "Tell the users, and stop the application on $NAME. Is it stopped?"
  ipfx replicate-from-live "$NAME"
  ipfx sync-files "$NAME"

  step '3. Cut it off'
  ask "Pull the network cable of $NAME, or switch it off. Go on at once: it is waited for."
  await "the Failover Server stands in for $NAME" 'ipfx-failover log' stands_in
fi

step "The Failover Server stands in for $NAME. Try the application; then: failback.sh $NAME"
