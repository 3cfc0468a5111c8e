#!/bin/sh
# Take a Primary Server offline for maintenance without a failover (manual, "Taking a CT Server
# Offline for Maintenance").
. "$(dirname "$0")/common.sh"

parse "$0 begin|end NAME [--yes] [--wait SECONDS]" "$@"
# shellcheck disable=SC2086 # words
set -- $WORDS
[ $# = 2 ] || usage
server "$2"

begin() {
  step "1. Is $NAME well, and watched?"
  require_monitor
  require_no_stand_in
  shown=$(look servers "$NAME" status)
  case $shown in
    OK | SUSPENDED) ;;
    *) halt 3 "$NAME is $shown" 'ipfx-failover status' ;;
  esac

  step '2. No pings and no file sync from now on; the database goes on being replicated'
  ask "While $NAME is suspended it is not failed over. Suspend it?"
  ipfx suspend "$NAME"
  mode=$(look servers "$NAME" mode)
  [ "$mode" = suspended ] || halt 1 "$NAME is $mode" "$0 begin $NAME"

  step "Now do the maintenance. When $NAME and its application run again: $0 end $NAME"
}

end() {
  step "1. Is $NAME back?"
  require_monitor
  ipfx server test "$NAME"

  step '2. Watch it again; files that changed meanwhile are copied at once'
  ask "Resume $NAME?"
  ipfx resume "$NAME"
  await "$NAME is OK" 'ipfx-failover status' is_ok "$NAME"

  step 'The maintenance is over.'
}

case $1 in
  begin) begin ;;
  end) end ;;
  *) usage ;;
esac
