.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo test lint bench bench-rrd soak soak-logwatch latency fuzz deploy-test

# Options of the command: make demo ARGS="--port 9090", make bench ARGS="--lines 10000000"
ARGS :=

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: ## everything the product needs: system packages when missing, .venv, .venv/bin/pharmapulse
	@tools/setup.sh run

setup-test:
	@tools/setup.sh test

demo: setup ## simulated hubs with thirteen months of history, on http://127.0.0.1:8080
	@.venv/bin/pharmapulse demo $(ARGS)

test: lint ## everything that is checked: style, types, floors, tests
	@.venv/bin/pytest -n auto --maxprocesses 4 $(ARGS)

lint: setup-test ## style, types and floors only
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

bench: setup-test ## analyse against mawk, mtail, goaccess and ripgrep on the same lines; what tailing costs
	@.venv/bin/python -m bench.run $(ARGS)

bench-rrd: setup ## the series store: history in, one bucket of 6,000 series
	@.venv/bin/python -m bench.rrd $(ARGS)

soak: setup-test ## hundreds of kills of log watcher and collector under a growing, rotated log: sums stay exact
	@PHARMAPULSE_KILLS=$${PHARMAPULSE_KILLS:-500} .venv/bin/pytest tests/system/test_kill.py -s $(ARGS)

soak-logwatch: setup-test ## half an hour of traffic, rotation, kills, no broker, a full disk: sums stay exact (root)
	@.venv/bin/python -m tests.system.soak --report bench-data/soak.json $(ARGS)

latency: setup-test ## from a line's write to its cell at the collector, at 5,000 lines a second
	@.venv/bin/python -m tests.system.soak --seconds 0 --steady 120 --transport spool --most-p50 1 --most-p99 3 \
		--report bench-data/latency.json $(ARGS)

fuzz: setup-test ## ten minutes of spoilt input for each parser: no crash, no hang, no lost line
	@.venv/bin/python -m tests.fuzz --report bench-data/fuzz.json $(ARGS)

deploy-test: setup-test ## the playbook on a bare Debian, booted in a container (root)
	@CI=true .venv/bin/pytest tests/deploy $(ARGS)
