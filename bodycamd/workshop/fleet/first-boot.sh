#!/bin/sh
# The first boot of a camera's card. Everything that it needs is on the boot partition; no network.
#
#   sh /boot/firmware/bodycamd/first-boot prepare    by cloud-init (bootcmd), at every boot until it is done: has systemd start the rest
#   sh /usr/local/sbin/bodycamd-first-boot           by its unit; after a cut at any point, again: each step looks at what is there
#
# It ends with 0 and the line "enrolment: ready".
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
umask 022

boot=/boot/firmware
card=$boot/bodycamd
done_card=$boot/bodycamd.done
script=/usr/local/sbin/bodycamd-first-boot
unit=bodycamd-first-boot.service
own=/etc/bodycamd
data=/var/lib/bodycamd
label=bodycam-data
root_size=8GiB

say() { printf 'bodycamd first boot: %s\n' "$*"; }
fail() { say "$*" >&2; exit 1; }

# A copy of this script, and a unit that starts it at each boot until it has removed both.
prepare() {
  [ -d "$card" ] || return 0
  install -m 755 "$card/first-boot" "$script"
  printf '%s\n' '[Unit]' 'Description=First boot of a camera' 'After=local-fs.target cloud-config.service' \
    '[Service]' 'Type=oneshot' "ExecStart=/bin/sh $script" 'StandardOutput=journal+console' \
    '[Install]' 'WantedBy=multi-user.target' >"/etc/systemd/system/$unit"
  systemctl enable --quiet --no-reload "$unit"
  systemctl daemon-reload
  systemctl start --no-block "$unit"
}

# What was written onto the card is what is there now; the token is checked by who uses it.
check_files() {
  (cd "$card" && sha256sum --quiet --strict --check SHA256SUMS) || fail "the card is damaged: make it anew (bodycamd fleet card)"
}

# Nobody has a password: not root, not a user of the image. No console asks anybody to make a user. systemd reads its units anew at the end
# (finish): each time takes a second or two of a small computer.
lock_accounts() {
  awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow | while read -r name; do
    if passwd -q -l "$name"; then say "password of $name locked"; fi
  done
  left=$(awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow)
  [ -z "$left" ] || fail "accounts with a password: $left"
  systemctl mask --quiet --no-reload userconfig.service 2>/dev/null || true
  if grep -q 'ssh_authorized_keys' "$boot/user-data" 2>/dev/null; then
    printf 'PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n' >/etc/ssh/sshd_config.d/10-bodycamd.conf
    systemctl enable --quiet --no-reload ssh.service
  else
    systemctl disable --quiet --no-reload --now ssh.service ssh.socket 2>/dev/null || true
    systemctl mask --quiet --no-reload ssh.service ssh.socket 2>/dev/null || true
  fi
  rm -f /etc/sudoers.d/010_pi-nopasswd /etc/sudoers.d/90-cloud-init-users
}

# Root gets 8 GiB, the rest of the card is for footage, with a file system of its own.
prepare_disk() {
  if blkid -L "$label" >/dev/null; then return 0; fi
  root=$(findmnt -n -o SOURCE /)
  disk=/dev/$(lsblk -n -d -o PKNAME "$root")
  number=$(lsblk -n -d -o PARTN "$root" | tr -d ' ')
  add_partition "$disk" "$number"
  partx --update "$disk"
  udevadm settle
  resize2fs "$root"
  made=$(lsblk -n -l -o PATH,PARTN "$disk" | awk -v n="$((number + 1))" '$2 == n { print $1 }')
  [ -b "$made" ] || fail "the partition for footage did not appear on $disk"
  mkfs.ext4 -q -F -m 0 -L "$label" "$made"
}

# Grow partition $2 of $1 to root_size, and make one behind it of all that is left. Its start is computed: sfdisk would take the first gap
# that it finds, which on Raspberry Pi OS are the 8 MB before the boot partition.
add_partition() {
  if [ "$(sfdisk --dump "$1" | grep -c 'start=')" -gt "$2" ]; then return 0; fi
  printf ',%s\n' "$root_size" | sfdisk --quiet --force --no-reread -N "$2" "$1"
  start=$(sfdisk --dump "$1" | grep 'start=' | sed -n "$2p" | sed 's/.*start= *\([0-9]*\), *size= *\([0-9]*\).*/\1 \2/' |
    awk '{ printf "%d", int(($1 + $2 + 2047) / 2048) * 2048 }')
  printf '%s,+,L\n' "$start" | sfdisk --quiet --force --no-reread --append "$1"
}

mount_data() {
  mkdir -p "$data"
  grep -q "^LABEL=$label " /etc/fstab || printf 'LABEL=%s %s ext4 noatime,nodev,nosuid,noexec 0 2\n' "$label" "$data" >>/etc/fstab
  mountpoint -q "$data" || mount "$data"
}

put_configuration() {
  install -d -m 755 "$own"
  for file in bodycamd.yaml recipients.txt roster.txt root.json; do
    install -m 644 "$card/$file" "$own/$file"
  done
  [ -e "$card/cards.txt" ] || return 0
  # Officers' pseudonyms and the codes of their cards: for the recorder, and not for the process that reads cards.
  getent group bodycam >/dev/null || groupadd --system bodycam
  install -m 640 -g bodycam "$card/cards.txt" "$own/cards.txt"
}

# The installer comes out of the bundle, whose hash was checked above; it checks every byte against the release keys, and keeps those.
install_program() {
  bundle=$(find "$card" -name 'bodycamd-*.bundle' | head -n 1)
  if [ -z "$bundle" ]; then
    command -v bodycamd >/dev/null || fail "no bundle on this card, and no program on this system: make the card anew with --bundle"
    return 0
  fi
  tar -xOf "$bundle" install.pyz >/run/bodycamd-install.pyz
  python3 -I /run/bodycamd-install.pyz install "$bundle" --release-key "$card/release.pem" --docked
  rm -f /run/bodycamd-install.pyz
}

# The keys are made here, as the service's user; the application goes onto the boot partition, to be carried to the technician's computer.
enrol() {
  applied=$data/enrolment/application.txt
  if [ -e "$card/token" ]; then
    install -d -m 700 -o bodycam -g bodycam "$data" "$data/enrolment"
    install -m 600 -o bodycam -g bodycam "$card/token" "$data/enrolment/token"
    runuser -u bodycam -- bodycamd enrol --token "$data/enrolment/token" --out "$applied" >/run/bodycamd-fingerprint
    sed 's/^/bodycamd first boot: /' /run/bodycamd-fingerprint
  fi
  [ -s "$applied" ] || fail "there is no application, and no token to make one with: make the card anew"
  name=$(hostname)
  install -m 644 "$applied" "$boot/application-$name.txt"
  sync -f "$boot"
}

# From here on the boot partition says nothing any more, and cloud-init listens to it no more. The folder is renamed first: half of it would
# be taken for a damaged card.
clean_up() {
  [ ! -e "$card/token" ] || shred -u "$card/token"
  touch /etc/cloud/cloud-init.disabled
  sync -f /etc/cloud
  rm -f "$boot/user-data" "$boot/network-config" "$boot/meta-data"
  mv "$card" "$done_card"
  sync -f "$boot"
}

finish() {
  [ ! -e "$done_card/cards.txt" ] || shred -u "$done_card/cards.txt"
  rm -rf "$done_card"
  systemctl disable --quiet --no-reload "$unit"
  rm -f "/etc/systemd/system/$unit" "$script"
  systemctl daemon-reload
  sync
  systemctl restart --no-block bodycamd.service bodycamd-sensors.service bodycamd-cards.service bodycamd-uplink.service
  say "enrolment: ready"
}

# Tests read the functions above, and go no further.
[ "${BODYCAMD_FIRST_BOOT:-run}" = run ] || return 0
[ "$(id -u)" = 0 ] || fail "run me as root"
if [ "${1:-}" = prepare ]; then
  prepare
  exit 0
fi
if [ -d "$card" ]; then
  check_files
  lock_accounts
  prepare_disk
  mount_data
  put_configuration
  install_program
  enrol
  clean_up
fi
finish
