#!/bin/sh
# Upgrade the Failover Server and all its Primary Servers (manual, "Upgrading the Failover Server").
. "$(dirname "$0")/common.sh"

parse "$0 begin|end [--yes] [--wait SECONDS]" "$@"
# shellcheck disable=SC2086 # words
set -- $WORDS
[ $# = 1 ] || usage
NAMES=$(look servers)

begin() {
  step '1. Is everything given back?'
  require_no_stand_in
  for name in $NAMES; do
    ahead=$(look servers "$name" authority)
    [ "$ahead" = live ] ||
      halt 3 "the standby of $name holds data that exist nowhere else" "failback.sh $name"
  done

  step '2. No pings and no copies from now on, whoever starts them'
  ask "Nothing is watched until the upgrade is over. Stop $NAMES, and the monitor?"
  for name in $NAMES; do
    ipfx stop "$name"
  done

  step '3. Shut down the Failover Server'
  ipfx service stop
  running=$(look monitor running)
  [ "$running" = false ] || halt 1 'a monitor still runs' 'end it, and run this again'

  step "Now upgrade the Failover Server and all Primaries, and start the Primaries. Then: $0 end"
}

end() {
  step '1. Are the Primaries up? They come first.'
  for name in $NAMES; do
    ipfx server test "$name"
  done

  step '2. Start the Failover Server again'
  ask 'Is everything upgraded to the same version? Start the monitor?'
  ipfx service start
  for name in $NAMES; do
    ipfx resume "$name"
  done

  step '3. What was upgraded has to be replicated by hand'
  for name in $NAMES; do
    ipfx replicate-from-live "$name"
    await "$name is OK" 'ipfx-failover status' is_ok "$name"
  done

  step 'The upgrade is over.'
}

case $1 in
  begin) begin ;;
  end) end ;;
  *) usage ;;
esac
