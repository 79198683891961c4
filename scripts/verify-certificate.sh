#!/usr/bin/env bash
# Verifies a deletion certificate with stock tools only: jq, openssl, coreutils.
#
#   verify-certificate.sh CERTIFICATE.json device.pem
#
# device.pem is the camera's first public key, registered when it was provisioned. Every line of the certificate is a line of the camera's ledger,
# `base64(signature) SPACE json`: an Ed25519 signature over the json. The first start signs with the registered key, each later start with the key that
# the start before it named (next_public_key); within a start the lines are signed with ram_public_key, and after `key_changed` with the key named there.
set -euo pipefail
[ $# = 2 ] && [ -r "$1" ] && [ -r "$2" ] || { echo "usage: verify-certificate.sh CERTIFICATE.json device.pem" >&2; exit 2; }
certificate=$1 registered=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { printf 'NOT VERIFIED: %s\n' "$*"; exit 1; }
unhex() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }
pem_of() { { unhex 302a300506032b6570032100; unhex "$1"; } | openssl pkey -pubin -inform DER >"$work/key.pem"; }

recording=$(jq -er .recording "$certificate")
next=$(openssl pkey -pubin -in "$registered" -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
current='' start=0 deleting='' deleted='' count=0
while IFS= read -r line; do
  count=$((count + 1))
  printf '%s' "${line%% *}" | base64 -d >"$work/sig"
  printf '%s' "${line#* }" >"$work/json"
  IFS=$'\t' read -r type of key1 key2 key3 about wall < <(jq -r '[.type, .start, .detail.public_key // "-", .detail.next_public_key // "-",
    .detail.ram_public_key // "-", .detail.recording // "-", .wall] | @tsv' "$work/json")
  if [ "$type" = start ]; then
    [ "$of" -gt "$start" ] || fail "line $count: start $of is not in order"
    [ "$key1" = "$next" ] || fail "line $count: start $of does not sign with the key that was registered or named before it"
    signer=$next next=$key2 current=$key3 start=$of
  else
    [ "$of" = "$start" ] || fail "line $count: it is of start $of, not $start"
    signer=$current
    if [ "$type" = key_changed ]; then current=$key1; fi
  fi
  pem_of "$signer"
  openssl pkeyutl -verify -rawin -pubin -inkey "$work/key.pem" -in "$work/json" -sigfile "$work/sig" >/dev/null 2>&1 ||
    fail "line $count: the signature is wrong"
  if [ "$about" = "$recording" ] && [ "$type" = deleting ]; then deleting=$wall; fi
  if [ "$about" = "$recording" ] && [ "$type" = deleted ] && [ -n "$deleting" ]; then deleted=$wall; fi
done < <(jq -r '.lines[]' "$certificate")
[ -n "$deleted" ] || fail "no signed line states that $recording is deleted"
printf 'VERIFIED: %d lines; the camera began to delete %s at %s and states it deleted at %s\n' "$count" "$recording" "$deleting" "$deleted"
