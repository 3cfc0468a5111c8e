# shellcheck shell=bash disable=SC2154  # bootstrap.sh sets what is not set here
# Makes a Windows CPython and the Wine prefix that it runs in; sourced by ../run-windows.
#
#   . examples/lab/bootstrap.sh; bootstrap
#   . tests/windows/make-python.sh
#   make_windows_python
#
# Afterwards $windows is the directory with all of it, in the cache of this user, and
# `windows_python ARGUMENTS...` runs the interpreter. Nobody offers CPython for Windows as a
# package, but a package that ships programs brings its parts: the interpreter's DLL and its
# extension modules come out of the wheel of panda3d, the modules in Python from this machine's own
# Python of the same version, the rest from shims/, by mingw.

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
windows=${XDG_CACHE_HOME:-$HOME/.cache}/ipfx-failover/windows
parts='panda3d==1.10.16'
packages=(
  'colorama' 'filelock>=3.16' 'hypothesis==6.140.3' 'paramiko>=3.5' 'psutil>=6.1'
  'pydantic>=2.11,<3' 'pytest==8.4.2' 'pytest-timeout==2.4.0' 'rich>=13.9' 'typer>=0.15,<0.29'
  'tzdata'
)

export WINEPREFIX=$windows/prefix WINEARCH=win64 WINEDEBUG=-all
export WINEDLLOVERRIDES='mscoree,mshtml='
PATH=$PATH:/usr/lib/wine  # where Debian's wine64 is
unset DISPLAY

# Pipes on all three: Wine gives CPython no usable handle of a file.
windows_python() {
  : | wine64 "$windows/python/python.exe" "$@" 2>&1 | cat
  return "${PIPESTATUS[1]}"
}

# For this version of Python, on which of ours the modules in Python are from.
fetch_wheels() {  # DIRECTORY pip-COMMAND PACKAGE...
  local directory=$1 command=$2
  shift 2
  local into=(--target "$directory")
  if [ "$command" = download ]; then into=(--no-deps --dest "$directory"); fi
  "$venv/bin/python" -m pip --disable-pip-version-check "$command" -qq "${into[@]}" \
    --only-binary=:all: --platform win_amd64 --implementation cp --python-version "$minor" \
    --abi "cp$tag" --abi abi3 --abi none "$@"
}

take_interpreter() {  # WORK-DIRECTORY
  fetch_wheels "$1" download "$parts" || return
  mkdir -p "$python/DLLs" "$python/Lib/site-packages"
  unzip -qoj "$1"/panda3d-*.whl 'deploy_libs/*' -d "$python/DLLs" &&
    # Wine has the api-ms-win parts itself; _wmi, which 3.12 has, ends the process there.
    rm -f "$python"/DLLs/{api-ms-win*,tcl*,tk*,_tkinter*,_wmi.pyd} &&
    mv "$python/DLLs/python$tag.dll" "$python"/DLLs/VCRUNTIME140*.dll "$python"
}

take_library() {
  local library
  library=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') || return
  tar --create --directory "$library" --exclude=__pycache__ --exclude=./site-packages \
    --exclude=./dist-packages --exclude=./lib-dynload --exclude='./config-*' --exclude=./test \
    --exclude='_sysconfigdata*' --exclude=./idlelib --exclude=./tkinter . |
    tar --extract --directory "$python/Lib"
}

# The stable interface, which extension modules for any version ask for by this name.
exports_of() {  # DLL-NAME-WITHOUT-SUFFIX
  echo 'LIBRARY python3'
  echo 'EXPORTS'
  x86_64-w64-mingw32-objdump --private-headers "$python/$1.dll" |
    awk -v dll="$1" '/^\[Ordinal\/Name Pointer\] Table/ { names = 1; next }
      names && NF == 0 { exit }
      names { print "  " $NF " = " dll "." $NF }'
}

build_shims() {  # WORK-DIRECTORY
  local compile=(x86_64-w64-mingw32-gcc -O2 -s)
  exports_of "python$tag" >"$1/python3.def"
  "${compile[@]}" -municode -o "$python/python.exe" "$here/shims/python.c" "$python/python$tag.dll" &&
    "${compile[@]}" -o "$python/test-service.exe" "$here/shims/service.c" -lws2_32 &&
    "${compile[@]}" -shared -o "$python/bcryptprimitives.dll" "$here/shims/bcryptprimitives.c" &&
    "${compile[@]}" -shared -nostdlib -Wl,-e,DllMain -o "$python/python3.dll" \
      "$here/shims/forwarder.c" "$1/python3.def"
}

make_prefix() {  # WORK-DIRECTORY
  local profiles='HKLM\Software\Microsoft\Windows NT\CurrentVersion\ProfileList'
  # There Wine finds the ProgramData of services.
  (wine64 wineboot --init && wine64 winecfg /v win10 &&
    wine64 reg add "$profiles" /v Public /d 'C:\ProgramData' /f && wineserver --wait) </dev/null 2>&1 |
    cat >"$1/wine.log"
  ((PIPESTATUS[0] == 0)) || {
    cat "$1/wine.log" >&2
    return 1
  }
}

fill_windows() {  # WORK-DIRECTORY
  local python=$windows/python
  wineserver --kill 2>/dev/null  # of a prefix that is about to go
  rm -rf "$windows" && mkdir -p "$python" &&
    take_interpreter "$1" && take_library && build_shims "$1" &&
    fetch_wheels "$python/Lib/site-packages" install "${packages[@]}" &&
    make_prefix "$1"
}

make_windows_python() {
  local minor tag wanted work made
  minor=$("$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  tag=${minor/./}
  wanted=$(echo "$minor" && cat "$here/make-python.sh" "$here"/shims/* | sha256sum)
  if [ "$(cat "$windows/made-for" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "Making a Windows Python in $windows (a minute the first time)"
  work=$(mktemp -d)
  fill_windows "$work"
  made=$?
  rm -rf "$work"
  ((made == 0)) && printf '%s\n' "$wanted" >"$windows/made-for"
}
