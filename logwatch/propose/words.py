"""Words that names of fields are made of, in the languages of hubs' logs, and words that values are."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


LEVELS = words("TRACE DEBUG INFO NOTICE WARN WARNING ERROR SEVERE FATAL CRIT CRITICAL ALERT EMERG EMERGENCY")
FAILED = "(?i)^(?:ERROR|SEVERE|FATAL|CRIT|CRITICAL|ALERT|EMERG|EMERGENCY)$"
VERBS = words("GET POST PUT DELETE HEAD OPTIONS PATCH CONNECT TRACE PROPFIND")
STATUSES = words(
    "200 201 202 204 206 301 302 303 304 307 400 401 403 404 405 406 408 409 410 412 413 415 422 429 499 500 501 502 "
    "503 504"
)
TIME_WORDS = words("ts time timestamp date datetime when at eventtime logtime end endtime")
START_WORDS = words("start begin began received starttime begintime started startedat")
TOOK_WORDS = words(
    "dt dur duration elapsed took latency rt rtt responsetime requesttime timetaken exectime executiontime "
    "processingtime cost totaltime calltime"
)
NO_DURATION_WORDS = words("timeout interval uptime limit max min delay period ttl age expires retry sleep bytes size")
CODE_WORDS = words("code rc resultcode result errorcode errcode error returncode outcome responsecode")
STATUS_WORDS = words("status statuscode httpstatus httpcode responsecode scstatus http")
PHARMACY_WORDS = words("apb pharmacy pharmacyid pharmacynumber nihii officina officine apotheek riziv inami pharma")
PATIENT_WORDS = words("niss insz ssin inss patient patientid patientnumber subject nationalnumber")
VENDOR_WORDS = words("vendor software client clientname package product useragent agent ua supplier sender")
VERSION_WORDS = words("version ver release softwareversion clientversion")
SERVER_WORDS = words("server host hostname node instance machine serverid serverip container pod")
NO_NAME_WORDS = words("ip id addr address port remoteaddr clientip clientid")
HUB_WORDS = words("hub system backend")
# What names an operation, the likeliest first.
OPERATION_WORDS = (
    words("op operation operationname endpoint"), words("request requestline"), words("method action command"),
    words("uri url path route target requesturi cs-uri-stem"), words("service tag event function api"),
    words("task job queue topic logger class program appname component category module type"),
)  # fmt: skip
