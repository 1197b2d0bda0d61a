d=$0 b=$1 z=$2;
if command -v base64 >/dev/null 2>&1; then
  h() { printf "__hk_depth=%s __hk_login=1 __hk_bash=%s __hk_zsh=%s\n" "$d" "$b" "$z"; };
  case "${SHELL-}" in
  */zsh)
    if command -v zsh >/dev/null 2>&1 && t=$(mktemp -d); then
      { h; printf "__hk_dir=%s\n" "$t"; printf %s "$z" | base64 -d; } >"$t/.zshenv";
      HIKESHI_ZDOTDIR=${ZDOTDIR-} ZDOTDIR=$t exec zsh -l -i;
    fi ;;
  esac;
  if command -v bash >/dev/null 2>&1; then
    exec bash -c "exec bash --rcfile <(printf \"__hk_depth=%s __hk_login=1 __hk_bash=%s __hk_zsh=%s\\n\" \"\$0\" \"\$1\" \"\$2\"; printf %s \"\$1\" | base64 -d) -i" "$d" "$b" "$z";
  fi;
fi;
echo "hikeshi: no bash or zsh with base64 here, so commands are not listed; every byte is recorded" >&2;
exec "${SHELL:-sh}" -i
