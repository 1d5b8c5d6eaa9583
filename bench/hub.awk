# The tables of `pharmapulse analyse` over the bench's log, as a careful awk script fills them: calls by class and
# a histogram in whole milliseconds for each endpoint, vendor, pharmacy, code and server.
BEGIN {
    while ((getline row < CLASSES) > 0) { split(row, pair, "\t"); class[pair[1]] = pair[2] }
}
$1 !~ /^ts=20[0-9][0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9][0-9][0-9]\+0[0-9]:00$/ {
    malformed++
    next
}
{
    server = $3 ~ /^server=[a-z]+-[0-9][0-9]$/ ? substr($3, 8) : "-"
    endpoint = $4 ~ /^op=[A-Za-z0-9.]+$/ ? substr($4, 4) : "-"
    vendor = $5 ~ /^client=[a-z]+$/ ? substr($5, 8) : "-"
    pharmacy = $7 ~ /^apb=[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]$/ ? substr($7, 5) : "-"
    code = $8 ~ /^code=[A-Za-z0-9_.-]+$/ ? substr($8, 6) : "-"
    ms = $9 ~ /^dt=[0-9]+$/ ? substr($9, 4) : "-"
    if (pharmacy != "-") {
        if (!(pharmacy in valid)) valid[pharmacy] = substr(pharmacy, 7) + 0 == 97 - substr(pharmacy, 1, 6) % 97
        if (!valid[pharmacy]) pharmacy = "-"
    }
    kind = code in class ? class[code] : "functional"
    calls["endpoint", endpoint, kind]++; histogram["endpoint", endpoint, ms]++
    calls["vendor", vendor, kind]++; histogram["vendor", vendor, ms]++
    calls["pharmacy", pharmacy, kind]++; histogram["pharmacy", pharmacy, ms]++
    calls["code", code, kind]++; histogram["code", code, ms]++
    calls["server", server, kind]++; histogram["server", server, ms]++
    events++
}
END {
    print "lines", NR, events, malformed + 0
    for (key in calls) { split(key, part, SUBSEP); print part[1], part[2], part[3], calls[key] }
}
