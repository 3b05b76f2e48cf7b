# Certificates and CAs replaced every few seconds while the API server and other clients keep calling: election,
# certificate and caBundle alone, with lives so short that a year passes in a minute (tests/live/).
# shellcheck shell=bash disable=SC2154
replica=$(dirname "$TPGUARD")/tests/live/replica
while read -r line; do
    case $line in
    "ok "*) is "" "" "rotation: ${line#* - }" ;;
    "not ok "*) is "failed" "" "rotation: ${line#* - }" ;;
    "#"*) echo "$line" ;;
    esac
done < <(ROTATE_S=75 tests/live/run.sh "$replica" "$E2E_STATE" issue 2>&1)
