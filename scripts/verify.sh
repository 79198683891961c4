#!/usr/bin/env bash
# A second verifier, independent of bodycamd's own: bash, jq, openssl, sha256sum and the small tools that every system has.
#
#   verify.sh --store DIR --device-key device.pem [--anchor FILE] [--people FILE]
#
# It prints what it found and a line `VERDICT recording` for each recording, and ends like `bodycamd verify`: 0 intact (deleted as stated
# included), 3 incomplete by a stated cause, not yet received or still open, 4 altered or missing, deleted against the rules or contradictory,
# 5 unverifiable, 6 kept beyond its deletion, 2 wrong use; the worst wins: 4, 5, 6, 3.
# It reads only, and wants a store at rest (or a copy); `bodycamd verify` also takes that of a running camera. Slow: about 50 ms for each
# statement. Archives are read header by header and compared with the one form that is allowed, so any tar reads the same in them.
set -uo pipefail
export LC_ALL=C
shopt -s nullglob dotglob extglob

use() { printf '%s\n' "$1" >&2; exit 2; }
store='' device_key='' anchor_file='' people_file=''
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || use "usage: verify.sh --store DIR --device-key FILE [--anchor FILE] [--people FILE]"
  case $1 in
    --store) store=$2 ;;
    --device-key) device_key=$2 ;;
    --anchor) anchor_file=$2 ;;
    --people) people_file=$2 ;;
    *) use "unknown option $1" ;;
  esac
  shift 2
done
[ -d "$store" ] || use "$store: there is no such folder"
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
registered=$(openssl pkey -pubin -in "$device_key" -outform DER 2>/dev/null | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
[ ${#registered} = 64 ] || use "$device_key: not an Ed25519 public key in PEM"

# --- verdicts ---------------------------------------------------------------------------------------------------------------------------

declare -A rank=([intact]=0 [deleted]=1 [held]=2 [open]=3 [incomplete]=4 [not_received]=5 [kept]=6 [unverifiable]=7 [contradictory]=8
  [against_rules]=9 [altered]=10)
declare -A verdict=([store]=intact)
found() { # WHERE VERDICT TEXT
  printf '    %s: %s: %s\n' "$2" "$1" "${3//[^[:print:]]/?}"
  [ "${rank[$2]}" -le "${rank[${verdict[$1]:-intact}]}" ] || verdict[$1]=$2
}

# --- small things -----------------------------------------------------------------------------------------------------------------------

zeros=() && for ((i = 0; i < 512; i++)); do zeros+=(0); done
nul() { [ "$1" = 0 ] || printf '%.0s\0' "${zeros[@]:0:$1}"; }
nul 512 > "$tmp/zero"
hash_of() { local sum; sum=$(sha256sum < "$1"); printf %s "${sum%% *}"; }
pem_of() { # HEX > PEM; the 12 bytes before an Ed25519 key are always these
  local raw
  raw=$(sed 's/../\\x&/g' <<< "$1")
  # shellcheck disable=SC2059
  printf -- '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA%s\n-----END PUBLIC KEY-----\n' "$(printf "$raw" | base64)"
}
key_id() { local sum; sum=$(printf %b "$(sed 's/../\\x&/g' <<< "$1")" | sha256sum); printf %s "${sum%% *}"; }
use_key() { # HEX: the key in force, as file and as id
  [ "${key_hex:-}" = "$1" ] && return
  key_hex=$1 key=$(key_id "$1")
  pem_of "$1" > "$tmp/key.pem"
}
signed() { # JSON SIGNATURE
  openssl pkeyutl -verify -pubin -inkey "$tmp/key.pem" -rawin -in "$1" -sigfile "$2" > /dev/null 2>&1
}

# Strict JSON and the fields that must be there. Input: raw text; output: tab separated fields, or nothing.
read -r -d '' strict << 'JQ'
def depth: if type == "object" or type == "array" then 1 + ([.[] | depth] | max // 0) else 0 end;
def whole($low; $high): type == "number" and . == floor and . >= $low and . <= $high;
def count: whole(0; 9007199254740991);
def positive: whole(1; 9007199254740991);
def text($max): type == "string" and length <= $max;
def like($pattern): type == "string" and (contains("\n") | not) and test("^" + $pattern + "$");
def hex64: like("[0-9a-f]{64}");
def recording: like("[0-9]{6}-[0-9]{4}");
def wall_form: "(19[7-9]|2[0-2][0-9])[0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z";
def day: like(wall_form)
  and ((.[0:19] + "Z") as $t | try ($t == ($t | fromdateiso8601 | todateiso8601)) catch false);
def clock: type == "object" and (.source | text(200)) and (keys - ["error_ms", "source"] == []) and (has("error_ms") | not or true)
  and (if has("error_ms") then (.error_ms | count) else true end);
def strictly: . as $raw
  | if ($raw | (startswith("{") | not) or contains("\ufffd") or test("[\u0000-\u001f]") or utf8bytelength > 65536) then empty else . end
  | (try fromjson catch empty)
  | select(type == "object" and depth <= 8)
  | select(([.. | select(. == null)] | length) == 0)
  | select(all(.. | numbers; (isnan | not) and . < 9223372036854775808 and . >= -9223372036854775808))
  | select(all(.. | strings; contains("\ufffd") | not))
  | select(([$raw | scan("\"(?:[^\"\\\\]|\\\\.)*\"[ \t]*:?") | select(endswith(":"))] | length) == ([.. | objects | keys[]] | length));
def common: (.n | positive) and (.key | hex64) and (.device | like("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) and (.start | whole(1; 999999))
  and (.boot_id | like("[0-9A-Za-z-]{1,64}")) and (.boottime_ns | whole(0; 9223372036854775807)) and (.wall | day) and (.clock | clock);
def only($names): (keys - $names) == [];
def called($ways): type == "object" and only(["via", "uid"]) and (.via | IN($ways[])) and (if has("uid") then (.uid | whole(0; 4294967295)) else true end);
def caller: called(["button", "control_socket", "command"]);
def shift_caller: called(["button", "control_socket", "command", "card"]);
def some($max): text($max) and length > 0;
def ground: IN("complaint", "criminal-investigation", "access-request");
def hold_id: like("([0-9a-f]{12,64}|[0-9]{6}-[0-9]{4}\\.[a-z-]{1,40})");
def coded: "(?=[^0-9]*[0-9])[A-Za-z0-9][A-Za-z0-9._-]{0,31}";
def decider: like("(coordinator|evidence|privacy|technician|administrator|" + coded + ")");
def reference: like("(?=[^0-9]*[0-9])(?!.*[A-Za-z]{9})[A-Za-z0-9][A-Za-z0-9._/-]{0,39}");
def optional($name; f): if has($name) then (.[$name] | f) else true end;
def base: ["n", "key", "device", "start", "boot_id", "boottime_ns", "wall", "clock", "type"];
def detail_of($kind): .detail as $d | if $kind == "start" then
    ($d | (.format | IN("bodycam-ledger/1", "bodycam-ledger/2")) and (.public_key | hex64) and (.next_public_key | hex64) and (.ram_public_key | hex64)
      and optional("bundle"; hex64))
  elif $kind == "key_changed" then ($d.public_key | hex64)
  elif $kind == "recording_opened" then ($d | (.recording | recording) and (.keep_from_us | count) and (.warning | type == "string")
    and (if has("officer") then .officer | text(64) and length > 0 else true end) and (if has("caller") then .caller | caller else true end))
  elif $kind == "recording_closed" then ($d | (.recording | recording) and (.reason | text(200)) and (.segments | count) and (.duration_us | count)
    and optional("end_us"; count) and only(["recording", "reason", "segments", "duration_us", "end_us"]))
  elif $kind == "segment_sealed" then ($d | (.recording | recording) and (.segment | count) and (.file | text(200)) and (.last | hex64)
    and (.sha256 | hex64) and (.size | count) and (.fragments | count))
  elif $kind == "segment_recovered" then ($d | (.recording | recording) and (.segment | count) and (.file | text(200))
    and (.sha256 | hex64) and (.good_bytes | count) and (.torn_bytes | count) and (.fragments | count))
  elif $kind == "deleting" then ($d | (.recording | recording) and (.reason | text(200))
    and only(["recording", "reason", "days", "proof", "age_seconds", "ended_before", "segments", "bytes"])
    and (if has("days") then .days | positive else true end) and (if has("proof") then .proof | IN("wall_clock", "running_time", "receipt") else true end)
    and all(.age_seconds, .segments, .bytes; . == null or count) and (if has("ended_before") then .ended_before | like(wall_form) else true end))
  elif $kind == "deleted" then ($d | (.recording | recording) and only(["recording", "strays_left"]))
  elif $kind == "time" then ($d | (.trusted | type == "boolean") and (.confirmed | type == "boolean") and only(["trusted", "confirmed"]))
  elif $kind == "retention_rules" then ($d | (.days | positive) and (.keep_months | positive) and only(["days", "keep_months", "legal_basis"])
    and (if has("legal_basis") then .legal_basis | text(200) else true end))
  elif $kind == "hold_added" then ($d | only(["recording", "ground", "reference", "by", "review_on", "caller", "hold"]) and (.recording | recording)
    and (.ground | ground) and (.reference | some(200)) and (.by | some(200)) and (.review_on | like("[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    and optional("caller"; caller) and optional("hold"; like("[0-9a-f]{12,64}")))
  elif $kind == "hold_released" then ($d | only(["recording", "ground", "reason", "by", "caller", "hold"]) and (.recording | recording)
    and (.ground | ground) and (.reason | some(200)) and (.by | some(200)) and optional("caller"; caller) and optional("hold"; hold_id))
  elif $kind == "hold_review_due" then ($d | only(["recording", "ground", "review_on", "hold"]) and (.recording | recording) and (.ground | ground)
    and (.review_on | like("[0-9]{4}-[0-9]{2}-[0-9]{2}")) and optional("hold"; hold_id))
  elif $kind == "ledger_shortened" then ($d | (.first_kept | whole(1; 999999)) and (.file | text(200)) and (.sha256 | hex64) and (.lines | positive)
    and (.head | hex64) and (.next_key | hex64) and (.entries | count) and only(["first_kept", "file", "sha256", "lines", "head", "next_key", "entries"]))
  else true end;
# Which formats of the ledger an entry fits: 1, 2 or both. What format 2 adds: ids of holds, bounds for what is said of people, a bundle's name.
def fits: .type as $kind | .detail | [
    (if (($kind | IN("hold_added", "hold_released", "hold_review_due")) and has("hold")) or ($kind == "start" and has("bundle"))
      or ($kind == "deleting" and .proof == "receipt") then empty else "1" end),
    (if $kind == "hold_added" then has("hold") and (.reference | reference) and (.by | decider)
     elif $kind == "hold_released" then has("hold") and (.by | decider) and (.reason | IN("settled", "withdrawn", "handed-over", "not-needed", "mistake"))
     elif $kind == "hold_review_due" then has("hold")
     elif $kind == "recording_opened" then optional("officer"; like(coded))
     elif ($kind | IN("shift_begin", "shift_end")) then only(["officer", "caller"]) and (.officer | like(coded)) and optional("caller"; shift_caller)
     else true end | if . then "2" else empty end)] | join("");
def row: map(tostring | gsub("[\t\n]"; " ")) | join("\t");
JQ
entry_program=$strict'
  [strictly | select(common and (.prev | hex64) and (.type | like("[a-z][a-z0-9_]{0,63}"))
    and only(base + ["prev", "detail"]) and ((.detail // {}) | type == "object")) | .detail //= {} | select(detail_of(.type))
  | [.n, .prev, .key, .device, .start, .boot_id, .boottime_ns, .type, fits, (.detail | .recording // "-", .reason // "-", .segments // "-",
     .segment // "-", .file // "-", .public_key // "-", .next_public_key // "-", .ram_public_key // "-", .complete // "-", tojson)]
  | map(if . == "" then "-" else . end) | row] | .[0] // "bad"'
statement_program=$strict'
  strictly | select(common and (.prev | hex64) and (.recording | recording) and (.segment | whole(0; 999999)) and (.generation | positive)
    and (.size | whole(1; 33554432)) and (.sha256 | hex64) and (.index | whole(0; 999999)))
  | select(if .type == "init" then .index == 0 and .format == "bodycam-segment/1" and (.audio_track | type == "boolean")
      and (.recipients | type == "array" and length > 0 and all(.[]; text(500)))
      and (.video | (.encoder | text(200)) and (.width | whole(1; 4096)) and (.height | whole(1; 4096)) and (.frame_rate | type == "number"))
      and only(base + ["prev", "recording", "segment", "index", "generation", "size", "sha256", "format", "audio_track", "recipients", "video"])
    elif .type == "fragment" then .index > 0 and (.seq | positive) and (.pts_us | count) and (.duration_us | whole(1; 10000000)) and (.frames | whole(1; 10000))
      and (.audio | IN("live", "off", "lost")) and (.audio_samples | whole(0; 10000000)) and (.gap_us | count)
      and (if has("audio_pts_us") then (.audio_pts_us | count) else true end) and (if has("pre_start_us") then (.pre_start_us | count) else true end)
      and only(base + ["prev", "recording", "segment", "index", "generation", "size", "sha256", "seq", "pts_us", "duration_us", "frames", "audio",
        "audio_samples", "gap_us", "audio_pts_us", "pre_start_us"])
    else false end)
  | [.n, .prev, .key, .device, .start, .boot_id, .boottime_ns, .type, .recording, .segment, .index, .generation, .size, .sha256,
     .seq // 0, .pts_us // 0, .duration_us // 0, .gap_us // 0] | row'
judge_program=$strict'
  # Whether a deletion was right: the rules of docs/retention.md, applied to the entries before it. Input: the verified entries, in order;
  # output for each thing to say: recording, `against_rules` or `intact` (a note), and why.
  def term_day: 86400000000;
  def margin: 120000000;
  def us: (.[0:19] + "Z" | fromdateiso8601) * 1000000 + (.[20:26] | tonumber);
  def at: .boottime_ns / 1000 | floor;
  def start_of: .[0:6] | tonumber;
  def greatest($value): if . == null or $value > . then $value else . end;
  def hold_key: .hold // (.recording + "." + .ground);
  # How long ago $over was at $now, by these boots: {running, wall, before}.
  def positions: reduce .[] as $boot ([0]; . + [.[-1] + $boot.last]);
  def age($over; $now): . as $boots | positions as $at | length as $count
    | $at[[$now.boot, $count] | min] as $here
    | (if $now.offset == null then null else $now.offset - $here end) as $off
    | [range($count) | if $boots[.].offset == null or (. == $now.boot and $off != null) then null else $boots[.].offset - $at[.] end] as $claims
    | (reduce range($count) as $i ({ends: [], levels: []}; $claims[$i] as $claim | if $claim == null then . else
        (first((.ends | to_entries[] | select(.value > $claim) | .key), (.ends | length))) as $level
        | .ends[$level] = $claim | .levels[$level] += [$i] end)) as $long
    | ($off != null and (($long.ends | length) == 0 or $off >= $long.ends[-1])) as $fits
    | (if $fits then $off else null end) as $last
    | (reduce ($long.levels | reverse[]) as $places ({series: [], next: $last}; .next as $next
        | ([$places[] | select($next == null or $claims[.] <= $next)] | first) as $place
        | if $place == null then . else .series += [$place] | .next = $claims[$place] end)).series as $series
    | (reduce range($count - 1; -1; -1) as $i ({found: [$last], next: $last};
        .next = (if $fits and $i == $now.boot then $off elif ($series | index($i)) != null then $claims[$i] else .next end)
        | .found = [.next] + .found)).found as $found
    | ($at[[$over.boot, $count] | min] + $over.at) as $ended
    | $found[[$over.boot, $count] | min] as $off_then
    | ([0, $here + $now.at - $ended] | max) as $running
    | {running: $running, wall: (if $off_then != null and $fits then $running + ([0, $off - $off_then] | max) else null end),
       before: (if $off_then == null then null else $ended + $off_then end)};
  def most($over; $now): . as $boots | positions as $at | $at[[$now.boot, length] | min] as $here
    | ($here + $now.at - $at[$over.boot] - $over.at) as $running
    | if $now.offset == null then $running else ($now.offset - $here) as $off
      | $running + $off - ([$off, (range($over.boot; $boots | length) | select($boots[.].offset != null) | $boots[.].offset - $at[.])] | min) end;
  # The start from which on the ledger is read for a recording of start $oldest: 20 with a confirmed clock before it.
  def first_of($oldest): .starts as $starts
    | ([range($starts | length) | select($starts[.].number >= $oldest)] | first // ($starts | length) - 1) as $place
    | ([range($place - 1; -1; -1) | select($starts[.].offset != null)] | .[19] // 0);
  def from($first): .starts[$first].boot as $boot
    | ([.starts[$first:][] | select(.boot == $boot and .offset != null) | .offset] | max) as $offset
    | {boot: $boot, boots: ([.boots[$boot] | .offset = $offset] + .boots[$boot + 1:])};
  def failure($d; $age): ([$age.running, (if $d.proof == "wall_clock" then $age.wall // 0 else 0 end)] | max) as $passed
    | if $passed < $d.days * term_day then "the days that are stated have not passed"
      elif $d.age_seconds * 1000000 > ([$age.running, $age.wall // 0] | max) + margin then "the age that is stated is more than the ledger shows"
      elif $d.ended_before == null then empty
      elif $age.before == null or ((try ($d.ended_before | us) catch -1) < $age.before - margin) then "the end that is stated is earlier than shown"
      else empty end;
  # What made room: the station has all of it, keeps it until the days have passed, and has shown that it is there within the day before.
  def claims($d; $age): if $d.age_seconds * 1000000 > ([$age.running, $age.wall // 0] | max) + margin then "the age that is stated is more than the ledger shows"
    elif $d.ended_before == null then empty
    elif $age.before == null or ((try ($d.ended_before | us) catch -1) < $age.before - margin) then "the end that is stated is earlier than shown"
    else empty end;
  def too_short($kept; $d; $age): if $age.before == null then "no clock says when it ended"
    elif $age.before + $d.days * term_day - $kept > margin then "its receipts keep it too short" else claims($d; $age) end;
  def not_sent($e): ($e | at) as $at | .covered as $covered | .sent[$e.detail.recording] as $sent | ($sent.segments // {}) as $all
    | (if $sent.closed == null or $all == {} then "no entry closed it"
       elif $sent.closed > $covered then "no receipt is for the ledger up to the entry that closed it" else empty end),
      (if any($all[]; .kept == null) then "a segment has no receipt" else empty end),
      (if all($all[]; .shown != null and .shown.boot == $e.boot_id and $at - .shown.at <= term_day) then empty
       else "the station had not shown each of its segments within the day before" end),
      (if ($e.detail.segments // 0) == ($all | length) then empty else "other segments were found than are stated" end);
  # What the station has, by its receipts and answers; `place` is of the line that a receipt names, by the count of lines.
  def send($e): $e.detail as $d | .count += 1 | .count as $place
    | if ($e.type | IN("segment_sealed", "segment_recovered")) and ($d.recording | recording) then
        .sent[$d.recording].segments[$d.segment | tostring] |= (. // {size: ($d.size // ($d.good_bytes + ($d.torn_bytes // 0))),
          sha256: (if ($d.torn_bytes // 0) > 0 then null else $d.sha256 end)})
      elif $e.type == "recording_closed" then .sent[$d.recording].closed = $place
      elif $e.type == "deleted" then del(.sent[$d.recording])
      elif $e.said == null or $e.said.device != $e.device then .
      elif $e.type == "uploaded" and $e.place > 0 and $e.place >= .covered then .covered = $e.place
        | .sent[$d.recording // "-"].segments[$d.segment // "-" | tostring] as $known
        | if $known != null and $e.said.recording == $d.recording and $e.said.segment == $d.segment and $e.said.size == $known.size
            and ($known.sha256 == null or $known.sha256 == $e.said.sha256)
          then .sent[$d.recording].segments[$d.segment | tostring].kept = (try ($e.said.kept_until | us) catch 0) else . end
      elif $e.type == "copy_shown" and $e.said.recording == $d.recording and $e.said.segment == $d.segment
        and .sent[$d.recording].segments[$d.segment | tostring] != null
      then .sent[$d.recording].segments[$d.segment | tostring].shown = {boot: $e.boot_id, at: ($e | at)}
      else . end;
  def is_over($gone): (.boots | length - 1) as $last | .confirmed as $confirmed | .boots
    | {boot: $last, at: .[$last].last, offset: (if $confirmed then .[$last].offset else null end)} as $now | age($gone.end; $now) as $age
    | $age.running >= $gone.days * term_day or ($age.wall != null and $age.wall >= $gone.days * term_day + margin);
  def held($name): .holds[$name] // {} | if length > 0 then [$name, "against_rules", "it was held"] else empty end;
  def judge($e): . as $s | $e.detail as $d | ($d.recording | start_of) as $own | .known[$d.recording] as $known
    | (if $d.proof == null or $d.days == null or $d.age_seconds == null then ["against_rules", "no proof is stated"]
       elif $shortened and $own < .starts[0].number then ["intact", "its entries are no longer in the ledger: how old it was cannot be judged"]
       else
         (if .rules == null then (if $shortened then empty else ["against_rules", "no entry before it states how long footage is kept"] end)
          elif $d.days < .rules then ["against_rules", "fewer days than the rules in force say"] else empty end),
         (if $known == null then ["against_rules", "no entry before it mentions it"]
          elif $known.end == null then ["against_rules", "it had not ended"]
          else {boot: (.boots | length - 1), at: ($e | at), offset: (if .confirmed then ($e.wall | us) - ($e | at) else null end)} as $now
            | ([$own, .oldest // $own] | min) as $oldest
            | ([.sent[$d.recording].segments // {} | .[] | .kept // 0] | min // 0) as $kept
            | [([first_of($oldest), first_of($own), 0] | unique | reverse[]) as $first | from($first) as $view
               | ($view.boots | age({boot: ([0, $known.end.boot - $view.boot] | max), at: $known.end.at}; $now | .boot -= $view.boot)) as $age
               | {before: $age.before, why: [if $d.proof == "receipt" then too_short($kept; $d; $age) else failure($d; $age) end]}] as $ages
            | [$ages[].why] as $failures
            | if $d.proof == "receipt" then [not_sent($e)] as $wrong
                | if $wrong == [] and any($failures[]; . == []) then empty
                  elif $wrong == [] and $shortened and any($ages[]; .before == null) then ["intact", "how old it was can no longer be judged"]
                  else ($wrong[], (if any($failures[]; . == []) then empty else $failures[0][0] end)
                        | ["against_rules", "it went to make room, and " + .]) end
              elif any($failures[]; . == []) then empty
              elif $shortened and (.boots | most($known.end; $now)) >= $d.days * term_day then ["intact", "how old it was can no longer be judged"]
              else ["against_rules", $failures[0][0]] end
          end)
       end)
    | [$d.recording] + .;
  def fold($e): $e.detail as $d | ($e | at) as $at
    | (if (.boots | length) == 0 or .boots[-1].id != $e.boot_id then .boots += [{id: $e.boot_id, last: 0, offset: null}] else . end)
    | .boots[-1].last |= greatest($at)
    | {boot: (.boots | length - 1), at: $at} as $here
    | if $e.type == "start" then
        (if .boot_id != $e.boot_id then .boot_id = $e.boot_id | .officers = (if $shortened and .starts == [] then null else {} end) else . end)
        | .start = $e.start | .begun = $here | .confirmed = false | .starts += [{number: $e.start, boot: $here.boot, offset: null, confirmed: null}]
        | .known |= with_entries(if .value.end == null and (.key | start_of) < $e.start then .value.end = $here else . end)
        | .oldest = ([.known | to_entries[] | select(.value.segments > 0) | .key | start_of] | min)
      elif $e.type == "time" then
        .confirmed = ($d.confirmed == true)
        | if .confirmed then (($e.wall | us) - $at) as $offset | .boots[-1].offset |= greatest($offset) | .starts[-1].offset |= greatest($offset)
          | .starts[-1].confirmed |= (. // ($e.wall | us)) else . end
      elif $e.type == "retention_rules" then .rules = $d.days | .months = $d.keep_months
      elif $e.type == "shift_begin" and .officers != null and ($d.officer | type) == "string" then .officers[$d.officer] = true
      elif $e.type == "entries_lost" then .officers = null
      elif ($d.recording | recording) | not then .
      else $d.recording as $name
        | if .known[$name] == null and ($e.type | IN("recording_opened", "segment_sealed", "segment_recovered", "recording_closed", "deleting")) then
            .known[$name] = {end: (if ($name | start_of) < .start then .begun else null end), opened: null, segments: 0} else . end
        | if .known[$name] == null then .
          elif $e.type == "recording_opened" then .known[$name].opened = $here
          elif $e.type == "segment_sealed" or $e.type == "segment_recovered" then .known[$name].segments += 1
          elif $e.type == "recording_closed" then .known[$name].opened as $opened
            | if $opened != null and ($d.end_us | type) == "number" then
                {boot: $opened.boot, at: (if $opened.boot != $here.boot then $d.end_us else [$d.end_us, $at] | min end)} as $over
                | .known[$name].end = $over | .boots[$over.boot].last |= greatest($over.at)
              elif $opened != null and $opened.boot != $here.boot then .known[$name].end = {boot: ($opened.boot + 1), at: 0}
              else .known[$name].end |= (. // $here) end
          elif $e.type == "hold_added" then .holds[$name][$d | hold_key] = true
          elif $e.type == "hold_released" then .holds[$name] |= ((. // {}) | del(.[$d | hold_key]))
          elif $e.type == "deleting" and $d.proof == "receipt" and .known[$name].end != null and $d.days != null then
            .roomed[$name] = {end: .known[$name].end, days: $d.days}
          elif $e.type == "deleted" then del(.known[$name], .holds[$name])
          else . end
      end;
  # What an opening, and the entry of its warning, state against other entries.
  def opening($e): $e.detail as $d | .spoken[$d.recording] as $spoken
    | (select($d.resumes != null and .spoken[$d.resumes] == null and ($shortened and ($d.resumes | start_of) < .starts[0].number | not))
       | "it continues a recording that no entry before it mentions"),
      (select($d.officer != null and .officers != null and .officers[$d.officer] != true) | "the shift of its officer did not begin in this boot")
    | [$d.recording, "contradictory", .];
  def warned($name): .spoken[$name] // {} | select(.opened != null and .warned != null and .opened != .warned)
    | [$name, "contradictory", "its warning is stated as \(.opened) and as \(.warned)"];
  # The months of the ledger must have passed since a confirmed time in the first start that was kept.
  def dropped($e): select(.months != null and .starts[0].number == $e.detail.first_kept)
    | select((if .starts[0].confirmed == null or (.confirmed | not) then 0 else ($e.wall | us) - .starts[0].confirmed end)
        < .months * 31 * term_day - margin)
    | ["store", "contradictory", "the ledger was shortened before its months had passed"];
  def speak($e): $e.detail as $d | if ($d.recording | recording) and $e.type == "warning" and ($d.outcome | type) == "string"
      then .spoken[$d.recording].warned = $d.outcome
    elif $e.type == "recording_opened" then .spoken[$d.recording].opened = $d.warning
    elif ($d.recording | recording) and ($e.type | IN("segment_sealed", "segment_recovered", "recording_closed", "deleting", "deleted",
      "footage_not_written", "fragment_refused")) then .spoken[$d.recording] |= . // {} else . end;
  foreach (inputs, null) as $e ({boots: [], starts: [], known: {}, holds: {}, start: 0, said: [], count: 0, covered: 0, sent: {}};
      if $e == null then . as $all | .said = [(.spoken // {} | keys[] as $name | $all | warned($name)),
        (.roomed // {} | to_entries[] as $gone | $all | [$gone.key, "room", if is_over($gone.value) then "over" else "not over" end])] else
      .said = (if $e.type == "recording_opened" then [opening($e)] elif $e.type == "ledger_shortened" then [dropped($e)] elif $e.type == "deleting" then [held($e.detail.recording), judge($e)]
               elif $e.type == "deleted" then [held($e.detail.recording)] else [] end) | fold($e) | speak($e) | send($e) end;
      .said[] | row)'
# A line of `copy.jsonl`, in which people state what happens to a copy. Output: n, prev, key, head, type, recording, hold, segments.
copy_program=$strict'
  def copied: .type as $kind | .detail | if $kind == "inventory" then only(["recording", "segments"]) and (.recording | recording)
      and (.segments | type == "array" and length >= 1 and length <= 4000 and all(.[]; whole(0; 999999)))
    elif $kind == "deletion" then only(["recording", "line"]) and (.recording | recording) and (.line | hex64)
    elif $kind == "hold_added" then only(["hold", "recording", "ground", "reference", "by", "review_on"]) and (.hold | like("[0-9a-f]{12,64}"))
      and (.recording | recording) and (.ground | ground) and (.reference | reference) and (.by | decider)
      and (.review_on | like("[0-9]{4}-[0-9]{2}-[0-9]{2}"))
    elif $kind == "hold_released" then only(["hold", "recording", "ground", "reason", "by"]) and (.hold | like("[0-9a-f]{12,64}"))
      and (.recording | recording) and (.ground | ground) and (.by | decider)
      and (.reason | IN("settled", "withdrawn", "handed-over", "not-needed", "mistake"))
    elif $kind == "pruning" then only(["recording", "line", "segments", "bytes"]) and (.recording | recording) and (.line | hex64)
      and (.segments | count) and (.bytes | count)
    elif $kind == "pruned" then only(["recording", "strays_left"]) and (.recording | recording) and optional("strays_left"; count)
    else true end;
  [strictly | select(.format == "bodycam-copy/1" and (.n | positive) and (.prev | hex64) and (.key | hex64) and (.head | hex64) and (.wall | day)
    and (.type | like("[a-z][a-z0-9_]{0,63}")) and (.detail | type == "object")
    and only(["format", "n", "prev", "key", "head", "wall", "type", "detail"]) and copied)
  | [.n, .prev, .key, .head, .type, (.detail.recording // "-"), (.detail.hold // "-"),
     (.detail.segments | if type == "array" then map(tostring) | join(",") else "-" end)] | row] | .[0] // "bad"'
field() { jq -r --arg f "$1" '.[$f] // ""' <<< "$2"; }

# --- the store ----------------------------------------------------------------------------------------------------------------------------

for path in "$store"/*; do
  name=${path##*/}
  case $name in
    recordings | ledger) { [ -d "$path" ] && [ ! -L "$path" ]; } || found store altered "$name: not a folder" ;;
    copy.jsonl) { [ -f "$path" ] && [ ! -L "$path" ]; } || found store altered "$name: not a file" ;;
    copy.jsonl.part)
      if [ -f "$path" ] && [ ! -L "$path" ]; then found store open "$name: lines that were being written"
      else found store unverifiable "$name: nothing signed mentions it"; fi ;;
    .lock) { [ -f "$path" ] && [ ! -L "$path" ] && [ ! -s "$path" ]; } || found store unverifiable "$name: nothing signed mentions it" ;;
    *) found store unverifiable "$name: nothing signed mentions it" ;;
  esac
done

# --- the ledger -----------------------------------------------------------------------------------------------------------------------------

sound=1 ledger_files=() checkpoint_files=()
if [ ! -d "$store/ledger" ] || [ -L "$store/ledger" ]; then
  found store altered "there is no ledger"
  sound=0
else
  for path in "$store"/ledger/*; do
    name=${path##*/}
    if [[ ! $name =~ ^(checkpoint-)?[0-9]{6}\.jsonl$ ]]; then
      found store unverifiable "ledger/$name: nothing signed mentions it"
    elif [ -L "$path" ] || [ ! -f "$path" ]; then
      found store altered "ledger/$name: not a regular file"
      sound=0
    elif [ "$name" = "${name#checkpoint-}" ]; then
      ledger_files+=("$path")
    elif [ "$(stat -c %s "$path")" -gt 67108864 ]; then
      found store altered "ledger/$name: too large for a checkpoint"
      sound=0
    else
      checkpoint_files+=("$path")
    fi
  done
  [ ${#ledger_files[@]} -gt 0 ] || found store altered "the ledger is empty"
fi

head=$(printf '0%.0s' {1..64})
: > "$tmp/verified"
zero_hash=$head
failure='' next_key=$registered unstated='[]' recovered_before=0 entries=0
ended='{}' # by torn file whose broken line has its end, and that no start has stated so far: what is wrong
doubtful=() newest_start='' # files without a good line after the newest start that has one, and its number
epochs=0 # of each key: its start, hex, device, boot id, and the n that ends it
declare -a epoch_start epoch_key epoch_device epoch_boot epoch_until
declare -A start_device # by start: what the device was called
declare -A line_n line_epoch line_at                                        # by hash of a line; how many lines there are up to it
declare -A opened closed closed_by closed_span deleting deleted contradiction loss known # by recording
declare -A stated stated_file                                               # by recording/number: JSON, and the file's name

declare -A person person_hex # by id of a key: whose it is, and its raw bytes
declare -A ordered_hold ordered_release # by id of a hold by order: its recording, or any; whether an order releases it
if [ -n "$people_file" ]; then
  while read -r name hex rest || [ -n "$name" ]; do
    [[ -n $name && $name != \#* ]] || continue
    [ -z "$rest" ] && [[ $name =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$ && $name = *[0-9]* && $hex =~ ^[0-9a-f]{64}$ ]] ||
      use "$people_file: not lines of a pseudonym, a space and 64 hex digits"
    id=$(key_id "$hex")
    [ -z "${person[$id]:-}" ] || use "$people_file: a key stands twice"
    person[$id]=$name person_hex[$id]=$hex
  done < "$people_file"
  [ ${#person[@]} -gt 0 ] || use "$people_file: nobody is listed in it"
fi

take_order() { # DETAIL: an order that is stated as carried out; one that is not what it says counts for nothing
  local id name who sig hold
  jq -r '.document | strings' <<< "$1" | base64 -d > "$tmp/order" 2> /dev/null || return
  head -n 2 "$tmp/order" > "$tmp/ordered"
  id=$(hash_of "$tmp/ordered")
  [ "$(head -n 1 "$tmp/order")" = bodycam-order/1 ] && [ "$(jq -r '.order | strings' <<< "$1")" = "$id" ] || return
  sed -n 2p "$tmp/order" > "$tmp/order.json"
  jq -e 'type == "object" and (.person | type == "string") and (.body | type == "object")' "$tmp/order.json" > /dev/null 2>&1 || return
  while read -r name; do
    for who in "${!person[@]}"; do
      [ "${person[$who]}" = "$name" ] || continue
      sig=$(sed -n '3,$p' "$tmp/order" | awk -v id="$who" '$1 == id { print $2; exit }')
      use_key "${person_hex[$who]}"
      base64 -d <<< "$sig" > "$tmp/order.sig" 2> /dev/null && signed "$tmp/ordered" "$tmp/order.sig" || return
    done
  done < <(jq -r '.person, .second | strings' "$tmp/order.json")
  case $(jq -r '.body.type' "$tmp/order.json") in
    hold) ordered_hold[$id]=$(jq -r '.body.recording // "any"' "$tmp/order.json") ;;
    release) while read -r hold; do ordered_release[$hold]=1; done < <(jq -r '.body.holds[]' "$tmp/order.json") ;;
  esac
}
by_order() { # TYPE RECORDING DETAIL: is this hold none by order, or is there a good order for it?
  local id
  id=$(jq -r '.hold // ""' <<< "$3")
  [ ${#id} = 64 ] || return 0
  if [ "$1" = hold_released ]; then [ -n "${ordered_release[$id]:-}" ]
  else [ "${ordered_hold[$id]:-}" = any ] || [ "${ordered_hold[$id]:-}" = "$2" ]; fi
}

goes_with() { # RECORDING DETAIL: is this no receipt for a segment, or does it go with what the ledger states of that one?
  local segment
  jq -e '(keys - ["document", "receipt", "recording", "roster_sha256", "segment"] == [])
    and (.receipt, .roster_sha256 | strings | test("^[0-9a-f]{64}$")) and (.document | strings | length <= 8192)
    and (.segment | numbers | . >= 0 and . == floor)' <<< "$2" > "$tmp/form" 2> /dev/null && ! grep -q false "$tmp/form" || return 0
  printf -v segment %06d "$(jq -r .segment <<< "$2")"
  [ -n "${stated[$1/$segment]:-}" ] || return 1
  jq -r .document <<< "$2" | base64 -d > "$tmp/receipt" 2> /dev/null || return 1
  head -n 2 "$tmp/receipt" > "$tmp/received"
  [ "$(head -n 1 "$tmp/receipt")" = bodycam-receipt/1 ] && [ "$(jq -r .receipt <<< "$2")" = "$(hash_of "$tmp/received")" ] || return 1
  sed -n 2p "$tmp/receipt" | jq -e --arg recording "$1" --argjson stated "${stated[$1/$segment]}" '
    $stated.detail as $d | ($d.torn_bytes // 0) as $torn
    | .recording == $recording and .segment == $d.segment and .size == ($d.size // $d.good_bytes + $torn)
    and ($torn > 0 or .sha256 == $d.sha256)' > /dev/null 2>&1
}

with_document() { # TYPE DETAIL JSON: the entry, and beside it what the station's document says and the place of the line that it names
  local id=receipt of=bodycam-receipt/1 said place
  [ "$1" = uploaded ] || id=answer of=bodycam-answer/1
  jq -r '.document | strings' <<< "$2" | base64 -d > "$tmp/said" 2> /dev/null
  head -n 2 "$tmp/said" > "$tmp/said.signed"
  said=$(sed -n 2p "$tmp/said" | jq -c 'select(type == "object")' 2> /dev/null)
  if [ -z "$said" ] || [ "$(head -n 1 "$tmp/said")" != $of ] || [ "$(field $id "$2")" != "$(hash_of "$tmp/said.signed")" ]; then
    printf '%s\n' "$3"
  else
    place=$(field head "$said")
    jq -c --argjson said "$said" --argjson place "${line_at[${place:-none}]:-0}" '. + {said: $said, place: $place}' <<< "$3"
  fi
}

tell() { # one good entry: TYPE START N RECORDING REASON SEGMENTS SEGMENT FILE DETAIL
  local type=$1 start=$2 n=$3 recording=$4 reason=$5 segments=$6 segment file=$8 own
  [ "$type" != order ] || take_order "$9"
  [[ $recording =~ ^[0-9]{6}-[0-9]{4}$ ]] || return 0
  own=$((10#${recording%-*}))
  case $type in
    recording_opened)
      if [ -n "${opened[$recording]:-}" ] || [ $own != "$start" ]; then contradiction[$recording]="opened twice or in another start"; fi
      opened[$recording]=1 ;;
    recording_closed)
      if [ -n "${closed[$recording]:-}" ] || { [ $own != "$start" ] && [ "$reason" != interrupted ]; }; then
        contradiction[$recording]="closed twice or by another start"
      fi
      closed_span[$recording]=$(jq -r '"\(.end_us // "-") \(.duration_us)"' <<< "$9")
      closed[$recording]=$reason/$segments closed_by[$recording]=$start ;;
    segment_sealed | segment_recovered)
      printf -v segment %06d "$7"
      if [ "$type" = segment_sealed ]; then
        { [ $own = "$start" ] && [ "$file" = "$segment.tar" ]; } || contradiction[$recording]="sealed in another start or under another name"
      else
        { [ $own -lt "$start" ] && { [ "$file" = "$segment.tar" ] || [ "$file" = "$segment.cut.tar" ]; }; } ||
          contradiction[$recording]="recovered in its own start or under another name"
      fi
      if [ -d "$store/recordings/$recording" ]; then
        if [ -n "${stated[$recording/$segment]:-}" ]; then
          contradiction[$recording]="segment $segment is stated a second time"
          return
        fi
        stated[$recording/$segment]="{\"kind\":\"$type\",\"start\":$start,\"n\":$n,\"detail\":$9}" stated_file[$recording/$segment]=$file
      fi ;;
    deleting) deleting[$recording]=1 ;;
    deleted)
      [ -n "${deleting[$recording]:-}" ] || contradiction[$recording]="deleted, and nothing said that it would be"
      deleted[$recording]=1 ;;
    hold_added | hold_released)
      ! by_order "$type" "$recording" "$9" || return 0
      contradiction[$recording]="held or released by an order, and no good order before it says so" ;;
    uploaded)
      { [ -d "$store/recordings/$recording" ] && ! goes_with "$recording" "$9"; } || return 0
      contradiction[$recording]="a receipt does not go with what the ledger states of the segment" ;;
    footage_not_written | fragment_refused) loss[$recording]=$type ;;
    *) return 0 ;;
  esac
  known[$recording]=1
}

begin_epoch() { # START KEY DEVICE BOOT
  epoch_start[epochs]=$1 epoch_key[epochs]=$2 epoch_device[epochs]=$3 epoch_boot[epochs]=$4 epoch_until[epochs]=''
  epochs=$((epochs + 1))
}

check_ended() {
  local file
  file=$(jq -r 'to_entries | .[:1][] | "\(.key): \(.value)"' <<< "$ended")
  [ -z "$file" ] || failure="altered $file"
}

read_start() { # PATH: one ledger file; sets `failure` at the first thing that is wrong
  local path=$1 start good=0 size number=0 row line bad='' last_n=0 last_time=0 boot='' device='' first=1 torn format=''
  local n prev id dev of boot_id time type fits recording reason segments segment file public next ram complete detail
  start=${path##*/} start=$((10#${start%.jsonl}))
  size=$(stat -c %s "$path")
  tr '\000' '\001' < "$path" | cut -b1-66000 > "$tmp/lines"
  # an unfinished last line is no line
  local whole_lines
  whole_lines=$(wc -l < "$path")
  head -n "$whole_lines" "$tmp/lines" > "$tmp/whole"
  cut -b90- "$tmp/whole" | jq -R -r "$entry_program" > "$tmp/rows" 2>/dev/null
  exec 4< "$tmp/rows"
  while IFS= read -r line && IFS= read -r row <&4; do
    number=$((number + 1))
    bad="line $number"
    [ ${#line} -le 65625 ] && [[ ${line:0:89} =~ ^[A-Za-z0-9+/]{85}[AQgw]==\ $ ]] && [ "$row" != bad ] || break
    IFS=$'\t' read -r n prev id dev of boot_id time type fits recording reason segments segment file public next ram complete detail <<< "$row"
    base64 -d <<< "${line:0:88}" > "$tmp/sig"
    printf %s "${line:89}" > "$tmp/json"
    [ "$of" = $start ] || break
    if [ $first = 1 ]; then
      [ "$type" = start ] && format=$(field format "$detail") && [[ $fits = *"${format##*/}"* ]] || break
      use_key "$public"
    else
      [ "$type" != start ] && [[ $fits = *"$format"* ]] && [ "$prev" = "$head" ] && [ "$dev" = "$device" ] && [ "$boot_id" = "$boot" ] || break
      [ "$n" -gt "$last_n" ] && [ "$time" -ge "$last_time" ] || break
      use_key "${epoch_key[epochs - 1]}"
    fi
    [ "$id" = "$key" ] && signed "$tmp/json" "$tmp/sig" || break
    if [ $first = 1 ]; then
      settle_doubtful
      [ -z "$failure" ] || return
      [ $behind = 0 ] || head=$prev behind=0
      if [ "$prev" != "$head" ]; then
        failure="altered ${path##*/}: prev is not the last good line before this start"
        return
      elif [ "$public" != "$next_key" ]; then
        failure="altered ${path##*/}: signed by another key than the start before it named"
        [ "$head" != "$zero_hash" ] || failure="unverifiable ${path##*/}: signed by another key than was registered"
        return
      fi
      torn=$(jq -c '(.torn_ledgers_unlisted // 0) as $u | [$u, (.torn_ledgers // [])]' <<< "$detail")
      jq -e --argjson t "$torn" '.[$t[0]:] == $t[1] and length >= $t[0]' <<< "$unstated" > /dev/null || {
        failure="altered ${path##*/}: the torn ledger files it states are not those that are there"
        return
      }
      ended=$(jq -c --argjson t "$torn" 'del(.[$t[1][].file])' <<< "$ended")
      check_ended
      [ -z "$failure" ] || return
      start_device[$start]=$dev
      unstated='[]' next_key=$next device=$dev boot=$boot_id first=0 newest_start=$start
      format=$(field format "$detail") format=${format##*/}
      begin_epoch $start "$ram" "$dev" "$boot_id"
    elif [ "$type" = key_changed ]; then
      epoch_until[epochs - 1]=$n
      begin_epoch $start "$public" "$dev" "$boot_id"
    fi
    head=$(printf %s "$line" | sha256sum) head=${head%% *}
    line_n[$head]=$n line_epoch[$head]=$((epochs - 1)) last_n=$n last_time=$time entries=$((entries + 1)) line_at[$head]=$entries
    good=$((good + ${#line} + 1)) bad=''
    if [ "$type" = store_recovered ] && [ "$complete" = true ]; then recovered_before=$start; fi
    if [ "$type" = ledger_shortened ] && [ -n "$checkpoint" ] && [ "$file" = "$checkpoint" ]; then
      if [ "$(field sha256 "$detail")" != "$(hash_of "$store/ledger/$checkpoint")" ]; then
        failure="altered ${path##*/}: $checkpoint is not the checkpoint that this entry states"
        return
      fi
      checkpoint_stated=1
    fi
    case $type in
      uploaded | copy_shown) with_document "$type" "$detail" "${line:89}" >> "$tmp/verified" ;;
      *) printf '%s\n' "${line:89}" >> "$tmp/verified" ;;
    esac
    tell "$type" $start "$n" "$recording" "$reason" "$segments" "$segment" "$file" "$detail"
  done < "$tmp/whole"
  exec 4<&-
  # a file without a good line is judged when a start follows, or at the end
  if [ $first = 1 ]; then doubtful+=("$path"); else judge_rest "$path" $good "$size" "$bad"; fi
}

judge_rest() { # PATH GOOD SIZE WHY: a cut leaves less than a line, or one broken line with its end, which the next start must state
  local path=$1 good=$2 size=$3 bad=$4 rest_ends rest_last
  [ "$good" != "$size" ] || return
  rest_ends=$(tail -c +$((good + 1)) "$path" | head -c 16777216 | tr -dc '\n' | wc -c)
  rest_last=$(tail -c 1 "$path" | od -An -tx1)
  if [ "$rest_ends" != 0 ] || [ $((size - good)) -gt 65626 ]; then
    if [ "$rest_ends" != 1 ] || [ "$rest_last" != " 0a" ] || [ $((size - good)) -gt 65626 ]; then
      failure="altered ${path##*/}: $bad"
      return
    fi
    ended=$(jq -c --arg f "${path##*/}" --arg b "$bad" '.[$f] = $b' <<< "$ended")
  fi
  unstated=$(jq -c --arg f "${path##*/}" --argjson g "$good" --argjson t $((size - good)) \
    --arg s "$(head -c "$good" "$path" | sha256sum | cut -c1-64)" \
    --arg r "$(tail -c +$((good + 1)) "$path" | head -c 16777216 | sha256sum | cut -c1-64)" \
    '. + [{file: $f, good_bytes: $g, sha256: $s, torn_bytes: $t, torn_sha256: $r}]' <<< "$unstated")
}

settle_doubtful() { # a start follows: what stands in the files before it is what cuts left, and it must state it
  local path
  for path in "${doubtful[@]}"; do
    judge_rest "$path" 0 "$(stat -c %s "$path")" "no whole line"
    [ -z "$failure" ] || return
  done
  doubtful=()
}

judge_end() { # nothing follows: the next start may have begun, and after it the next; a number further on was never reached
  local path number following=$((${newest_start:-0} + 1))
  for path in "${doubtful[@]}"; do
    number=${path##*/} number=$((10#${number%.jsonl}))
    if [ -n "$newest_start" ] && [ $number != $following ]; then
      found store unverifiable "ledger/${path##*/}: of a start that has not been and is not the next: nothing signed mentions it"
      continue
    fi
    following=$((number + 1))
    judge_rest "$path" 0 "$(stat -c %s "$path")" "no whole line"
    [ -z "$failure" ] || return
  done
  check_ended
}

# A ledger that was shortened goes on behind a checkpoint: the first lines of the dropped starts, which lead from key to key.
checkpoint='' checkpoint_stated=0 behind=0
read_checkpoint() { # PATH
  local kept=${1##*/checkpoint-} below last=0 count=0 line row rest
  local n prev id dev of boot_id time type fits recording reason segments segment file public next ram complete detail
  kept=$((10#${kept%.jsonl})) below=${ledger_files[0]##*/} below=$((10#${below%.jsonl}))
  checkpoint=${1##*/} behind=1
  tr '\000' '\001' < "$1" | cut -b1-66000 > "$tmp/whole"
  cut -b90- "$tmp/whole" | jq -R -r "$entry_program" > "$tmp/rows" 2>/dev/null
  exec 4< "$tmp/rows"
  while IFS= read -r line && IFS= read -r row <&4; do
    failure="altered $checkpoint: a line is not good"
    IFS=$'\t' read -r n prev id dev of boot_id time type fits recording reason segments segment file public next ram complete detail <<< "$row"
    [[ ${line:0:89} =~ ^[A-Za-z0-9+/]{85}[AQgw]==\ $ ]] && [ "$type" = start ] || return
    [ "$of" -gt "$last" ] && [ "$of" -lt "$kept" ] || return
    last=$of
    if [ "$of" -lt $below ]; then
      [ "$count/$public" != "0/$next_key" ] && [ $count = 0 ] && failure="unverifiable $checkpoint: signed by another key than was registered"
      [ "$public" = "$next_key" ] || return
      use_key "$public"
      base64 -d <<< "${line:0:88}" > "$tmp/sig"
      printf %s "${line:89}" > "$tmp/json"
      [ "$id" = "$key" ] && signed "$tmp/json" "$tmp/sig" || return
      next_key=$next count=$((count + 1))
    fi
    failure=''
  done < "$tmp/whole"
  exec 4<&-
  rest=$(tail -c 1 "$1" | od -An -tx1)
  [ "$rest" = " 0a" ] && [ $count -gt 0 ] || failure="altered $checkpoint: not whole lines of starts before $below"
}

if [ $sound = 1 ] && [ ${#ledger_files[@]} -gt 0 ] && [ ${#checkpoint_files[@]} -gt 0 ]; then
  newest=${checkpoint_files[-1]##*/}
  first_prev=$(head -n 1 "${ledger_files[0]}" | cut -b90- | head -c 66000 | jq -R -r 'try (fromjson | .prev) catch ""' 2>/dev/null)
  if [[ ! ${newest#checkpoint-} < ${ledger_files[0]##*/} ]] && [ "$first_prev" != "$zero_hash" ]; then read_checkpoint "${checkpoint_files[-1]}"; fi
fi
if [ $sound = 1 ] && [ -z "$failure" ]; then
  for path in "${ledger_files[@]}"; do
    read_start "$path"
    [ -z "$failure" ] || break
  done
  [ -n "$failure" ] || judge_end
  if [ -z "$failure" ] && [ -n "$checkpoint" ] && [ $checkpoint_stated = 0 ]; then
    failure="altered $checkpoint: no entry of the ledger states this checkpoint"
  fi
fi
declare -A judged for_room # by recording: lines of verdict and why; of what went to make room, whether its term is over
while IFS=$'\t' read -r recording kind why; do
  if [ "$recording" = store ]; then found store "$kind" "$why"
  elif [ "$kind" = room ]; then for_room[$recording]=$why
  else judged[$recording]+=$kind$'\t'$why$'\n'; fi
done < <(jq -n -r --argjson shortened "$([ -n "$checkpoint" ] && echo true || echo false)" "$judge_program" < "$tmp/verified")
if [ $sound = 1 ]; then
  for path in "${checkpoint_files[@]}"; do
    name=${path##*/}
    if [ "$name" = "$checkpoint" ]; then :
    elif [[ $name < "$checkpoint" ]]; then found store open "ledger/$name: replaced by $checkpoint; its removal was cut off"
    else found store unverifiable "ledger/$name: a checkpoint that the ledger does not continue from"; fi
  done
fi

# --- the record of a copy -------------------------------------------------------------------------------------------------------------------

declare -A copy_hold held_here received received_any # holds by recording/id; held: by recording, known or unknown; received: recording/segment
inventoried=0
copy_failure='' copy_unknown=0 copy_heads=()
read_copy() { # sets `copy_failure` at the first line that is wrong
  local line row number=0 last=$zero_hash n prev id after type recording hold segments segment signer
  copy_failure='a line without its end'
  [ ! -s "$1" ] || [ "$(tail -c 1 "$1" | od -An -tx1)" = " 0a" ] || : > "$tmp/torn"
  tr '\000' '\001' < "$1" | cut -b1-66000 > "$tmp/lines"
  head -n "$(wc -l < "$1")" "$tmp/lines" > "$tmp/whole"
  cut -b90- "$tmp/whole" | jq -R -r "$copy_program" > "$tmp/rows" 2>/dev/null
  exec 4< "$tmp/rows"
  while IFS= read -r line && IFS= read -r row <&4; do
    number=$((number + 1)) copy_failure="line $number"
    [ ${#line} -le 65625 ] && [[ ${line:0:89} =~ ^[A-Za-z0-9+/]{85}[AQgw]==\ $ ]] && [ "$row" != bad ] || return
    IFS=$'\t' read -r n prev id after type recording hold segments <<< "$row"
    [ "$n" = $number ] && [ "$prev" = "$last" ] || return
    signer=${person[$id]:-}
    if [ -n "$signer" ]; then
      use_key "${person_hex[$id]}"
      base64 -d <<< "${line:0:88}" > "$tmp/sig"
      printf %s "${line:89}" > "$tmp/json"
      signed "$tmp/json" "$tmp/sig" || return
    else
      copy_unknown=$((copy_unknown + 1))
    fi
    last=$(printf %s "$line" | sha256sum) last=${last%% *}
    copy_heads+=("$after")
    case $type in
      hold_added)
        if [ -z "${copy_hold[$recording/$hold]:-}" ]; then
          copy_hold[$recording/$hold]=unknown
          [ -z "$signer" ] || copy_hold[$recording/$hold]=known
        fi ;;
      hold_released) [ -z "$signer" ] || unset "copy_hold[$recording/$hold]" ;;
      inventory)
        if [ -n "$signer" ]; then
          inventoried=1
          for segment in ${segments//,/ }; do received[$recording/$segment]=1 received_any[$recording]=1; done
        fi ;;
    esac
  done < "$tmp/whole"
  exec 4<&-
  copy_failure=''
  [ ! -e "$tmp/torn" ] || copy_failure='a line without its end'
}
if [ -f "$store/copy.jsonl" ] && [ ! -L "$store/copy.jsonl" ]; then
  read_copy "$store/copy.jsonl"
  [ -z "$copy_failure" ] || found store altered "copy.jsonl: $copy_failure"
  [ $copy_unknown = 0 ] || found store unverifiable "copy.jsonl: $copy_unknown lines by keys that are not in --people"
  for after in "${copy_heads[@]}"; do
    if [ -z "$checkpoint" ] && [ -z "${line_n[$after]:-}" ]; then
      if [ -n "$failure" ]; then found store unverifiable "copy.jsonl: the ledger breaks off before a line that it was signed after"
      else found store altered "copy.jsonl: the ledger has no such line as it was signed after"; fi
      break
    fi
  done
  for name in "${!copy_hold[@]}"; do
    [ "${held_here[${name%/*}]:-}" = known ] || held_here[${name%/*}]=${copy_hold[$name]}
  done
fi

# --- segments -------------------------------------------------------------------------------------------------------------------------------

ord_sum() { # TEXT: the sum of its bytes
  local text=$1 sum=0 value i
  for ((i = 0; i < ${#text}; i++)); do printf -v value %d "'${text:i:1}"; sum=$((sum + value)); done
  printf %s $sum
}
printf -v mtime %011o 315532800
fixed_sum=$(ord_sum "0000644${mtime}0ustar00" ) fixed_sum=$((fixed_sum + 14 * 48 + 8 * 32))
header_is() { # FILE NAME SIZE(octal): the one header that this format writes
  local sum=$((fixed_sum + $(ord_sum "$2$3")))
  {
    printf %s "$2"; nul $((100 - ${#2}))
    printf '%s\0%s\0%s\0%s\0%s\0%06o\0 0' 0000644 0000000 0000000 "$3" "$mtime" $sum
    nul 100
    printf 'ustar\0%s' 00
    nul 247
  } | cmp -s - "$1"
}

take() { head -c "$1" <&3 > "$2"; [ "$(stat -c %s "$2")" = "$1" ]; }

member() { # INDEX KIND: reads one member into $tmp/KIND; result: none, end, ok, cut, or what is wrong
  local name size bytes low=1 high=33554432 words
  take 512 "$tmp/header" || {
    if [ -s "$tmp/header" ]; then result='cut'; else result='none'; fi
    return
  }
  mapfile -d '' -t words < "$tmp/header"
  name=${words[0]} size=''
  [ ${#name} -gt 20 ] || size=${words[103 - ${#name}]:-}
  if [ -z "$name" ] && cmp -s "$tmp/header" "$tmp/zero"; then
    if take 512 "$tmp/second" && cmp -s "$tmp/second" "$tmp/zero" && ! take 1 "$tmp/more"; then result=end; else result="bytes follow a zero block"; fi
    return
  fi
  result="not the header of $1.$2"
  [ "$name" = "$1.$2" ] && [[ $size =~ ^[0-7]{11}$ ]] || return
  bytes=$((8#$size))
  case $2 in json) low=2 high=65537 ;; sig) low=64 high=64 ;; esac
  [ $bytes -ge $low ] && [ $bytes -le $high ] && header_is "$tmp/header" "$name" "$size" || return
  result='cut'
  take $bytes "$tmp/$2" && take $((-bytes & 511)) "$tmp/padding" || return
  result="padding"
  [ "$(tr -d '\000' < "$tmp/padding" | wc -c)" = 0 ] || return
  read_bytes=$((read_bytes + 512 + bytes + (-bytes & 511)))
  result=ok
}

# Reads a segment from descriptor 3. Sets: fragments, good, ended, first_n, last_n, last, error (empty, cut, or what is wrong), lies
walk() { # RECORDING NUMBER
  local recording=$1 number=$2 index=0 padded kind epoch='' row age_sha json_sha
  local n prev id dev of boot time type rec seg idx gen size sha seq pts duration gap last_time=0 last_seq=0 last_pts=-1 last_gen=0
  fragments=0 good=0 ended=0 first_n=0 last_n=0 last='' error='' lies=0 read_bytes=0
  while :; do
    printf -v padded %06d $index
    kind=m4s.age
    [ $index != 0 ] || kind=init.mp4.age
    member "$padded" $kind
    case $result in
      none) return ;;
      end) ended=1 good=$((read_bytes + 1024)); return ;;
      ok) ;;
      *) error=$result; return ;;
    esac
    for part in json sig; do
      member "$padded" $part
      [ "$result" != none ] || result='cut'
      [ "$result" = ok ] || { error=$result; return; }
    done
    age_sha=$(hash_of "$tmp/$kind") json_sha=$(hash_of "$tmp/json")
    error="triple $index: the statement is none"
    [ "$(tail -c 1 "$tmp/json" | od -An -tx1)" = " 0a" ] && [ "$(tr -dc '\000-\037' < "$tmp/json" | wc -c)" = 1 ] || return
    row=$(jq -R -r "$statement_program" < "$tmp/json" 2>/dev/null)
    [ -n "$row" ] || return
    IFS=$'\t' read -r n prev id dev of boot time type rec seg idx gen size sha seq pts duration gap <<< "$row"
    error="triple $index: size, SHA-256 or index is not as stated"
    [ "$size" = "$(stat -c %s "$tmp/$kind")" ] && [ "$sha" = "$age_sha" ] && [ "$idx" = $index ] || return
    if [ $index = 0 ]; then [ "$type" = init ] || return; else [ "$type" = fragment ] || return; fi
    if [ $index = 0 ]; then epoch=${line_epoch[$prev]:-}; fi
    lies=1
    error="triple $index: prev names no line of the ledger"
    [ -n "$epoch" ] || return
    if [ "$(tr -d '\000' < "$tmp/sig" | wc -c)" = 0 ]; then
      lies=0 error="triple $index: not signed"
      return
    fi
    use_key "${epoch_key[epoch]}"
    error="triple $index: the signature is not by the key in force"
    [ "$id" = "$key" ] && signed "$tmp/json" "$tmp/sig" || return
    error="triple $index: it speaks of another place"
    [ "$rec/$((10#$seg))/$of" = "$recording/$((10#$number))/$((10#${recording%-*}))" ] || return
    [ "$of/$dev/$boot" = "${epoch_start[epoch]}/${epoch_device[epoch]}/${epoch_boot[epoch]}" ] || return
    error="triple $index: it was not signed in the time of its key"
    { [ $index != 0 ] || [ "$n" -gt "${line_n[$prev]}" ]; } && { [ -z "${epoch_until[epoch]}" ] || [ "$n" -lt "${epoch_until[epoch]}" ]; } || return
    error="triple $index: it does not follow the one before it"
    if [ $index != 0 ]; then
      [ "$prev" = "$last" ] && [ "$n" -gt "$last_n" ] && [ "$time" -ge "$last_time" ] && [ "$gen" = "$last_gen" ] || return
      if [ $index -gt 1 ]; then [ "$seq" -gt "$last_seq" ] && [ "$pts" -gt "$last_pts" ] || return; fi
    fi
    error='' lies=0
    [ $index != 0 ] || first_n=$n
    last_n=$n last_time=$time last_gen=$gen last=$json_sha fragments=$index good=$read_bytes
    [ -n "$pin" ] && [ "$pin" = "$recording/$((10#$number))/$n/$json_sha" ] && pin_found=1
    if [ $index != 0 ]; then
      last_seq=$seq last_pts=$pts first_us=${first_us:-$pts}
      if [ -n "$end_us" ] && [ $((pts - end_us)) -gt "$gap" ]; then found "$recording" altered "$number: picture is missing without a word"; fi
      { [ -n "$end_us" ] && [ "$end_us" -ge $((pts + duration)) ]; } || end_us=$((pts + duration))
      gap_us=$((gap_us + gap))
    fi
    index=$((index + 1))
  done
}

in_order() { # RECORDING: numbers grow from segment to segment of a start
  local start=$((10#${1%-*}))
  [ "$last_n" != 0 ] || return 0
  local fine=0
  { [ "$order_start" != $start ] || [ "$first_n" -gt "$order_n" ]; } || fine=1
  order_start=$start order_n=$last_n
  return $fine
}
order_start=0 order_n=0

check_stated() { # RECORDING NUMBER JSON
  local recording=$1 number=$2 path size kind start n file whole torn sum torn_sum last_stated count
  IFS=$'\t' read -r kind start n file whole torn sum torn_sum last_stated count < <(jq -r '. + .detail | [.kind, .start, .n, .file,
    (if .kind == "segment_sealed" then .size else .good_bytes end), .torn_bytes // 0, .sha256, .torn_sha256 // "-", .last // "-", .fragments]
    | map(tostring) | join("\t")' <<< "$3")
  path=$store/recordings/$recording/$file
  if [ -L "$path" ] || [ ! -f "$path" ]; then
    if [ -n "${deleting[$recording]:-}" ]; then end_us=''
    elif [ $inventoried = 1 ] && [ -z "${received[$recording/$((10#$number))]:-}" ]; then
      end_us=''
      found "$recording" not_received "$file: no inventory of this copy has it"
    else found "$recording" altered "$file: missing"; fi
    return
  fi
  size=$(stat -c %s "$path")
  if [ "$size" != $((whole + torn)) ]; then
    found "$recording" altered "$file: $size bytes; stated are $((whole + torn))"
  else
    exec 3< <(head -c "$whole" "$path")
    walk "$recording" "$number"
    exec 3<&-
    if [ -n "$error" ]; then
      found "$recording" altered "$file: $error"
    elif [ "$good" != "$whole" ] || { [ "$kind" = segment_sealed ] && [ $ended = 0 ]; } || [ "$fragments/${last:--}" != "$count/$last_stated" ]; then
      found "$recording" altered "$file: not what was stated"
    elif [ "$(head -c "$whole" "$path" | sha256sum | cut -c1-64)" != "$sum" ]; then
      found "$recording" altered "$file: SHA-256 is not as stated"
    elif [ "$torn" != 0 ] && [ "$(tail -c +$((whole + 1)) "$path" | sha256sum | cut -c1-64)" != "$torn_sum" ]; then
      found "$recording" altered "$file: the torn bytes are not as stated"
    elif [ "$start" = $((10#${recording%-*})) ] && [ "$last_n" -ge "$n" ]; then
      found "$recording" altered "$file: statements were signed after the entry that seals them"
    elif ! in_order "$recording"; then
      found "$recording" altered "$file: signed before the segment before it"
    fi
  fi
  [ "$kind" = segment_sealed ] || found "$recording" incomplete "$file: cut off, $torn torn bytes"
}

ends_in_zeros() { # PATH FROM: from the first zero block on only zeros
  local all zero first
  [ $(($(stat -c %s "$1") - $2)) -le 67108864 ] || return 1
  tail -c +$(($2 + 1)) "$1" | od -An -v -tx8 -w512 | tr -d ' ' > "$tmp/blocks"
  all=$(wc -l < "$tmp/blocks") zero=$(grep -cE '^0{1024}$' "$tmp/blocks")
  first=$(grep -nE '^0{1024}$' "$tmp/blocks" | head -1 | cut -d: -f1)
  [ -n "$first" ] && [ $((all - first + 1)) = "$zero" ]
}

check_open() { # RECORDING NUMBER PATH
  local recording=$1 number=$2 path=$3 name=${3##*/} size
  size=$(stat -c %s "$path")
  exec 3< "$path"
  walk "$recording" "$number"
  exec 3<&-
  if [ -n "$error" ] && { [ $lies = 1 ] || { [ "$error" != cut ] && ! ends_in_zeros "$path" "$good"; }; }; then
    found "$recording" altered "$name: $error"
  elif [ "$name" = "$number.tar" ] && { [ $ended = 0 ] || [ "$good" != "$size" ]; }; then
    found "$recording" altered "$name: it has the name of a finished segment and is none"
  elif ! in_order "$recording"; then
    found "$recording" altered "$name: signed before the segment before it"
  else
    open_fragments=$((open_fragments + fragments))
    found "$recording" open "$name: $fragments whole fragments, $((size - good)) bytes after them"
  fi
}

check_closing() { # does the entry that closes the recording fit what is there?
  local count sealed=0 stated_end stated_duration
  count=$(printf '%s\n' "${numbers[@]}" | sort -u | grep -c .)
  for name in "${!stated[@]}"; do
    if [ "${name%/*}" = "$recording" ] && [[ ${stated[$name]} == *'"kind":"segment_sealed"'* ]]; then sealed=$((sealed + 1)); fi
  done
  [ "$count" -ge "${reason##*/}" ] || found "$recording" altered "closed with ${reason##*/} segments, and $count are there or stated"
  [ $sealed -le "${reason##*/}" ] || found "$recording" contradictory "closed with ${reason##*/} segments, and $sealed are stated as sealed"
  read -r stated_end stated_duration <<< "${closed_span[$recording]}"
  case ${verdict[$recording]} in intact | incomplete) ;; *) return ;; esac
  { [ -z "${loss[$recording]:-}" ] && [ $sealed = "$count" ] && [ "${reason%/*}" != interrupted ] && [ -n "$first_us" ]; } || return
  [ "$stated_end" = - ] || [ "$stated_end" = "$end_us" ] || found "$recording" contradictory "its end is stated as $stated_end, its last frame ends at $end_us"
  [ "$stated_duration" = $((end_us - first_us)) ] || found "$recording" contradictory "it is stated to last $stated_duration, and lasts $((end_us - first_us))"
}

check_recording() {
  local recording=$1 folder=$store/recordings/$1 path name number may_be_open=0 there=() numbers=()
  local reason=${closed[$1]:-} kind why
  end_us='' first_us='' gap_us=0 open_fragments=0
  verdict[$recording]=${verdict[$recording]:-intact}
  [ $((10#${recording%-*})) -lt "$recovered_before" ] || may_be_open=1
  if [ -d "$folder" ] && [ ! -L "$folder" ]; then
    for path in "$folder"/*; do
      name=${path##*/}
      if [[ ! $name =~ ^[0-9]{6}(\.tar|\.cut\.tar|\.tar\.part)$ ]] || [ -L "$path" ] || [ ! -f "$path" ]; then
        found store unverifiable "$recording/$name: nothing signed mentions it"
      else
        there+=("$path") numbers+=("${name:0:6}")
      fi
    done
    for name in "${!stated[@]}"; do [ "${name%/*}" != "$recording" ] || numbers+=("${name#*/}"); done
  fi
  [ -z "${contradiction[$recording]:-}" ] || found "$recording" contradictory "${contradiction[$recording]}"
  while IFS=$'\t' read -r kind why; do
    [ -z "$kind" ] || found "$recording" "$kind" "$why"
  done <<< "${judged[$recording]:-}"
  [ -z "${loss[$recording]:-}" ] || found "$recording" incomplete "${loss[$recording]}"
  if [ -n "${deleted[$recording]:-}" ]; then
    if [ ${#there[@]} = 0 ]; then
      found "$recording" deleted "as stated"
      return
    fi
    may_be_open=0
    case ${held_here[$recording]:-} in
      known) found "$recording" held "the camera deleted it; it is held at this copy" ;;
      unknown) found "$recording" kept "the camera deleted it; the hold at this copy is by somebody whose key nobody knows" ;;
      *)
        if [ "${for_room[$recording]:-}" = "not over" ]; then
          found "$recording" intact "the camera deleted it to make room; nothing shows that its term is over"
        else
          found "$recording" kept "the camera deleted it; ${#there[@]} of its files are here"
        fi ;;
    esac
  fi
  if [ ! -d "$folder" ] || [ -L "$folder" ]; then
    if [ -n "${deleting[$recording]:-}" ]; then :
    elif [ -n "$failure" ]; then found "$recording" unverifiable "not there, and the ledger breaks off"
    elif [ -n "${opened[$recording]:-}" ] && [ "${reason##*/}" = 0 ]; then :
    elif [ -z "$reason" ] && [ $may_be_open = 1 ]; then found "$recording" open "nothing of it is on the disk"
    elif [ $inventoried = 1 ] && [ -z "${received_any[$recording]:-}" ]; then found "$recording" not_received "no inventory of this copy has any of it"
    else found "$recording" altered "the whole recording is missing"; fi
  fi
  while read -r number; do
    [ -n "$number" ] || continue
    local said=${stated[$recording/$number]:-}
    [ -z "$said" ] || check_stated "$recording" "$number" "$said"
    for path in "${there[@]}"; do
      name=${path##*/}
      [ "${name:0:6}" = "$number" ] || continue
      if [ -n "$said" ] && [ "${path##*/}" = "${stated_file[$recording/$number]}" ]; then continue; fi
      if [ -n "$failure" ]; then found "$recording" unverifiable "${path##*/}: the ledger breaks off before it would speak of it"
      elif [ -n "$said" ] || [ $may_be_open = 0 ]; then found "$recording" altered "${path##*/}: no entry states this file"
      else check_open "$recording" "$number" "$path"; fi
    done
  done < <(printf '%s\n' "${numbers[@]}" | sort -u)
  [ -z "$reason" ] || [ ! -d "$folder" ] || [ -L "$folder" ] || [ -n "${deleting[$recording]:-}" ] || [ -n "$failure" ] || check_closing
  [ $gap_us = 0 ] || found "$recording" incomplete "stated gaps of $gap_us microseconds"
  [ -z "${deleted[$recording]:-}" ] || return
  [ -z "${deleting[$recording]:-}" ] || found "$recording" incomplete "deletion was begun"
  if [ -z "${opened[$recording]:-}" ]; then
    local has_stated=0
    for name in "${!stated[@]}"; do [ "${name%/*}" != "$recording" ] || has_stated=1; done
    if [ -n "$failure" ]; then found "$recording" unverifiable "the ledger breaks off before it would speak of it"
    elif [ $has_stated = 1 ]; then found "$recording" incomplete "its opening is not in the ledger"
    elif [ $open_fragments = 0 ]; then found "$recording" altered "nothing signed mentions this recording"
    else found "$recording" open "its opening is not in the ledger yet"; fi
  elif [ -z "$reason" ]; then
    if [ -n "$failure" ]; then found "$recording" unverifiable "the ledger breaks off before it was closed"; else found "$recording" open "not closed"; fi
  elif [ "${reason%/*}" = interrupted ]; then
    found "$recording" incomplete "interrupted; start ${closed_by[$recording]} closed it"
  fi
}

# --- the anchor -----------------------------------------------------------------------------------------------------------------------------

pin='' pin_found=0
if [ -n "$anchor_file" ]; then
  anchor=$(jq -r 'select(type == "object") | .line' "$anchor_file" 2>/dev/null) || anchor=$(tr -d '\n' < "$anchor_file")
  [[ ${anchor:0:89} =~ ^[A-Za-z0-9+/]{85}[AQgw]==\ $ ]] && said=$(jq -c . <<< "${anchor:89}" 2>/dev/null) || use "$anchor_file: not an anchor"
  if [ "$(field type "$said")" = anchor ] && [ -n "$(field head "$said")" ]; then
    anchor_head=$(field head "$said")
    pin=$(jq -r 'select(.open) | .open | "\(.recording)/\(.segment)/\(.n)/\(.sha256)"' <<< "$said")
  else
    anchor_head=$(printf %s "$anchor" | sha256sum | cut -c1-64)
  fi
fi

# --- everything -----------------------------------------------------------------------------------------------------------------------------

if [ ! -d "$store/recordings" ] && [ ! -L "$store/recordings" ]; then found store altered "there is no folder of recordings"; fi
if [ -d "$store/recordings" ] && [ ! -L "$store/recordings" ]; then
  for path in "$store"/recordings/*; do
    if [[ ${path##*/} =~ ^[0-9]{6}-[0-9]{4}$ ]] && [ -d "$path" ] && [ ! -L "$path" ]; then
      known[${path##*/}]=1
    else
      found store unverifiable "recordings/${path##*/}: nothing signed mentions it"
    fi
  done
fi
if [ -n "$failure" ]; then
  found store "${failure%% *}" "${failure#* }"
elif [ $entries = 0 ] && [ "${verdict[store]}" = intact ]; then
  if [ ${#known[@]} -gt 0 ]; then found store altered "there is no whole entry in the ledger"; else found store open "no entry yet"; fi
elif [ "$unstated" != '[]' ]; then
  found store open "bytes after the last whole line: $unstated"
fi
mapfile -t recordings < <(printf '%s\n' "${!known[@]}" | sort)
for recording in "${recordings[@]}"; do
  [ -z "$recording" ] || check_recording "$recording"
done

if [ -n "$anchor_file" ]; then
  if [ -z "${line_n[$anchor_head]:-}" ]; then
    anchor_start=$(field start "$said") called=''
    for start in $(printf '%s\n' "${!start_device[@]}" | sort -n); do
      [ "$start" -gt "$anchor_start" ] || called=${start_device[$start]}
    done
    anchor_start=$(printf %06d "$anchor_start").jsonl
    if [ -n "$called" ] && [ "$(field device "$said")" != "$called" ]; then found store unverifiable "the anchor is of another device"
    elif [ -n "$checkpoint" ] && [[ $anchor_start < ${checkpoint#checkpoint-} ]]; then found store unverifiable "the anchor is older than what the ledger keeps"
    elif [ -n "$failure" ]; then found store unverifiable "the ledger breaks off before the anchor's line"
    else found store altered "the anchor's line is not in the ledger: cut off, rewritten, or an older copy"; fi
  elif [ "$(field type "$said")" = anchor ] && [ -n "$(field head "$said")" ]; then
    epoch=${line_epoch[$anchor_head]} n=$(field n "$said") pinned=${pin%%/*}
    use_key "${epoch_key[epoch]}"
    printf %s "${anchor:0:88}" | base64 -d > "$tmp/sig"
    printf %s "${anchor:89}" > "$tmp/json"
    same="${epoch_device[epoch]}/${epoch_start[epoch]}/${epoch_boot[epoch]}"
    if [ "$(field device "$said")/$(field start "$said")/$(field boot_id "$said")" != "$same" ] || [ "$(field key "$said")" != "$key" ] || ! signed "$tmp/json" "$tmp/sig" || [ "$n" -le "${line_n[$anchor_head]}" ] ||
      { [ -n "${epoch_until[epoch]}" ] && [ "$n" -ge "${epoch_until[epoch]}" ]; }; then
      found store unverifiable "the anchor is not signed by the key that was in force"
    elif [ -n "$pin" ] && [ $pin_found = 0 ] && [ -z "${deleting[$pinned]:-}" ]; then
      found store altered "the statement that the anchor pins is not there: $pin"
    fi
  fi
fi

worst=${verdict[store]}
printf '%-13s store\n' "$worst"
for recording in "${recordings[@]}"; do
  [ -n "$recording" ] || continue
  printf '%-13s %s\n' "${verdict[$recording]}" "$recording"
  [ "${rank[${verdict[$recording]}]}" -le "${rank[$worst]}" ] || worst=${verdict[$recording]}
done
declare -A code=([intact]=0 [deleted]=0 [held]=0 [open]=3 [not_received]=3 [incomplete]=3 [kept]=6 [unverifiable]=5 [contradictory]=4 [against_rules]=4 [altered]=4)
exit "${code[$worst]}"
