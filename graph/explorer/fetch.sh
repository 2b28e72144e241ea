#!/usr/bin/env bash
# How the files in assets/ were obtained: they are the built files of these npm
# packages, as they are. Run it to get them anew; checksums.txt tells if one differs.
set -euo pipefail
cd "$(dirname "$0")/assets"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

take() { # package@version, then pairs of a file in it and its name here
  mkdir "$work/package"
  tar -xzf "$work/$(cd "$work" && npm pack --silent "$1")" -C "$work"
  local package=$1
  shift
  while [ $# -gt 0 ]; do
    cp "$work/package/$1" "$2"
    chmod 644 "$2"
    shift 2
  done
  rm -rf "$work/package"
  echo "$package"
}

take graphiql@3.9.0 graphiql.min.js graphiql.js graphiql.min.css graphiql.css LICENSE graphiql.LICENSE.txt
take react@18.3.1 umd/react.production.min.js react.js LICENSE react.LICENSE.txt
take react-dom@18.3.1 umd/react-dom.production.min.js react-dom.js LICENSE react-dom.LICENSE.txt
take graphql-ws@5.16.2 umd/graphql-ws.min.js graphql-ws.js LICENSE.md graphql-ws.LICENSE.txt

# Browsers would look for the maps, which are not here.
sed -i '/^\/\/# sourceMappingURL=/d' ./*.js
if [ "${1:-}" = pin ]; then
  sha256sum ./*.js ./*.css ./*.txt > ../checksums.txt
else
  sha256sum --check --quiet ../checksums.txt
fi
