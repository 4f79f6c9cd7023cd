# Finds the .NET SDK that builds Purser, or gets it. Sourced by ./run and ./test.

sdk_wanted=10
sdk_found=none

# find_sdk ROOT: puts `dotnet` on the path. It may lie in ROOT/.dotnet, or in ~/.dotnet, which is often not on the path.
find_sdk() {
  local root="$1" folder version
  for folder in "" "$root/.dotnet" "$HOME/.dotnet"; do
    if [[ -n "$folder" && ! -x "$folder/dotnet" ]]; then continue; fi
    # From the root, so that global.json decides which SDK is used.
    if ! version="$(cd -- "$root" && PATH="${folder:+$folder:}$PATH" dotnet --version 2>/dev/null)"; then
      if command -v dotnet >/dev/null; then sdk_found="an older one"; fi
      continue
    fi
    if [[ "${version%%.*}" =~ ^[0-9]+$ ]] && ((${version%%.*} >= sdk_wanted)); then
      if [[ -n "$folder" ]]; then PATH="$folder:$PATH"; fi
      find_runtime "$root"
      return 0
    fi
    sdk_found="$version"
  done
  return 1
}

# The programs look for their runtime in DOTNET_ROOT; needed where .NET is not in the place where they look by themselves.
find_runtime() {
  local root="$1" folder
  for folder in "$root/.dotnet" "$HOME/.dotnet"; do
    if ! command -v dotnet >/dev/null && [[ -x "$folder/dotnet" ]]; then PATH="$folder:$PATH"; fi
  done
  if [[ -z "${DOTNET_ROOT:-}" ]] && command -v dotnet >/dev/null; then
    DOTNET_ROOT="$(dirname -- "$(readlink -f -- "$(command -v dotnet)")")"
    export DOTNET_ROOT
  fi
}

# install_sdk ROOT: with Microsoft's script, into ROOT/.dotnet. Only who asks for it gets it: PURSER_INSTALL_SDK=yes, or a yes at the terminal.
install_sdk() {
  local root="$1" answer="${PURSER_INSTALL_SDK:-}" script="${PURSER_SDK_SCRIPT:-https://dot.net/v1/dotnet-install.sh}" download
  if [[ -z "$answer" && -t 0 && -t 2 ]]; then
    read -r -p "Get it from Microsoft ($script) into $root/.dotnet, about 250 MB? [y/N] " answer || answer=no
  fi
  if [[ ! "$answer" =~ ^([yY]|yes|YES|true|1)$ ]]; then
    echo "Get it at https://dot.net, or start again with PURSER_INSTALL_SDK=yes, which gets it into ./.dotnet." >&2
    return 1
  fi
  if ! command -v curl >/dev/null && ! command -v wget >/dev/null; then
    echo "Neither curl nor wget is here to get it with: install one of them, or the SDK." >&2
    return 1
  fi
  download="$(mktemp)"
  echo "getting the .NET SDK $sdk_wanted into $root/.dotnet…" >&2
  if ! { curl -fsSL --retry 2 "$script" || wget -qO- "$script"; } >"$download" 2>/dev/null || [[ ! -s "$download" ]]; then
    rm -f -- "$download"
    echo "$script could not be downloaded. Get the SDK at https://dot.net and start again." >&2
    return 1
  fi
  if ! bash "$download" --channel "$sdk_wanted.0" --install-dir "$root/.dotnet" --no-path >&2 || ! find_sdk "$root"; then
    rm -f -- "$download"
    echo "Microsoft's script did not install it. Get the SDK at https://dot.net and start again." >&2
    return 1
  fi
  rm -f -- "$download"
  echo "The .NET SDK is in $root/.dotnet." >&2
}
